"""Where a run stands, on disk: weights and optimizer, written whole or not at all, by one process or many.

The rates, the random numbers and the data of a step follow from its number, so nothing else has to be kept. A folder
is renamed to its name when everything in it has reached the disk; only the newest is kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_model_state_dict,
    set_state_dict,
)

from apollobench.apollo.model import Apollo
from apollobench.training.parallel import Team

PLACE = "place.json"


@dataclass(frozen=True, slots=True)
class Place:
    """`step` updates of stage number `stage` (from 0) are done; `failed` samples of that stage were passed over."""

    stage: int
    step: int
    failed: int = 0

    @property
    def folder(self) -> str:
        return f"{self.stage}-{self.step:08d}"


def newest(folder: Path) -> Place | None:
    """The place of the newest complete checkpoint, if there is one."""
    found = [path for path in folder.glob("*") if re.fullmatch(r"\d+-\d+", path.name)]
    if not found:
        return None
    last = max(found, key=lambda path: [int(number) for number in path.name.split("-")])
    return Place(**json.loads((last / PLACE).read_text()))


def save(
    folder: Path, place: Place, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None, team: Team
) -> None:
    """Write a checkpoint and remove older ones; without `optimizer`, as at the beginning of a stage."""
    part, whole = folder / f".{place.folder}", folder / place.folder
    if team.main:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    team.wait()
    with _alone_or_not():
        state_dict_saver.save(_state(model, optimizer), checkpoint_id=part, no_dist=team.world == 1)
    if team.main:
        _write_synced(part / PLACE, json.dumps(asdict(place)))
        part.rename(whole)
        _sync(folder)
        for old in folder.glob("*-*"):
            if old != whole:
                shutil.rmtree(old)
    team.wait()


def load(
    folder: Path, place: Place, model: torch.nn.Module, optimizer: torch.optim.Optimizer | None, team: Team
) -> None:
    """Read the checkpoint of `place` into the model and, where it has done steps, the optimizer."""
    state = _state(model, optimizer)
    with _alone_or_not():
        state_dict_loader.load(state, checkpoint_id=folder / place.folder, no_dist=team.world == 1)
    if optimizer is None:
        set_model_state_dict(model, state["model"])
    else:
        set_state_dict(model, optimizer, model_state_dict=state["model"], optim_state_dict=state["optimizer"])


def whole_weights(model: Apollo) -> dict[str, Any]:
    """All weights on the CPU, gathered from all processes; empty but for the first of them."""
    return get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))


def _state(model: torch.nn.Module, optimizer: torch.optim.Optimizer | None) -> dict[str, Any]:
    if optimizer is None:
        return {"model": get_model_state_dict(model)}
    weights, rest = get_state_dict(model, optimizer)
    return {"model": weights, "optimizer": rest}


@contextmanager
def _alone_or_not() -> Iterator[None]:
    """Without torch's warning that a single process is one, which is meant."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is .* single process")
        yield


def _write_synced(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    place = os.open(folder, os.O_RDONLY)
    os.fsync(place)
    os.close(place)

"""Trains models of the family from nothing to checkpoint folders; no finished part is done twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from apollobench.apollo.checkpoint import save_apollo
from apollobench.apollo.model import Apollo
from apollobench.apollo.train.card import examine, make_exam, write_card
from apollobench.apollo.train.device import machine
from apollobench.apollo.train.family import FULL, Effort, Recipe, apollo_config
from apollobench.apollo.train.files import Part
from apollobench.apollo.train.language import world_tokenizer
from apollobench.apollo.train.shared import load_shared, prepare, read_bank
from apollobench.apollo.train.stages import Course, align, fine_tune, tune_vision
from apollobench.apollo.train.together import side_by_side

log = logging.getLogger(__name__)


def train(
    recipes: Sequence[Recipe], out: Path, work: Path, *, workers: int, device: torch.device, effort: Effort = FULL
) -> list[Path]:
    """Train each of these models into the folder `out`/its name, with a card; `workers` at a time, one core each.

    What models share, finished stages and the exam of the cards lie in `work`. Safe to kill: run again, and it goes on
    where it stopped. Raises an ExceptionGroup that tells which models failed, after the others are done.
    """
    prepare(recipes, work, workers, device, effort)
    make_exam(work, effort, workers)
    jobs = {chosen.name: partial(_train_one, chosen, out, work, device, effort) for chosen in recipes}
    return list(side_by_side(jobs, device, workers).values())


def _train_one(chosen: Recipe, out: Path, work: Path, device: torch.device, effort: Effort) -> Path:
    made = train_recipe(chosen, out, work, device, effort)
    scores = examine(chosen.name, made.folder, work, effort, device)
    write_card(made.folder, chosen, effort, made.parameters, _facts(made), scores)
    return made.folder


@dataclass(frozen=True, slots=True)
class Trained:
    """folder: of the checkpoint. shared, own: its parts, without their weights."""

    folder: Path
    parameters: int
    shared: tuple[Part, ...]
    own: tuple[Part, ...]


def train_recipe(chosen: Recipe, out: Path, work: Path, device: torch.device, effort: Effort) -> Trained:
    """Train any recipe into `out`/its name, without a card; what it shares must be prepared."""
    bank = read_bank(chosen, work, 1, effort)
    torch.manual_seed(chosen.seed)
    model = Apollo(apollo_config(chosen, len(world_tokenizer())))
    table, shared = load_shared(model, chosen, work)
    model.to(device)
    table.to(device)
    own = []
    for number, (stage, work_on) in enumerate(_stages(chosen)):
        path = work / f"{chosen.name}-{stage}.pt"
        if not path.exists():
            torch.manual_seed(chosen.seed * 100 + number)
            log.info("%s: %s", chosen.name, stage)
            seconds = work_on(model, Course(chosen, bank, table, number, work, device))
            Part(model.state_dict(), seconds / 60, machine(device)).keep(path)
        own.append(Part.read(path))
        model.load_state_dict(own[-1].weights)
    folder = out / chosen.name
    save_apollo(model.cpu(), world_tokenizer(), folder, dtype="bfloat16")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Trained(folder, parameters, tuple(shared), tuple(own))


def _stages(chosen: Recipe) -> list[tuple[str, Callable[[Apollo, Course], float]]]:
    stages: list[tuple[str, Callable[[Apollo, Course], float]]] = [
        ("align", align),
        ("vision", tune_vision),
        ("sft", fine_tune),
    ]
    if chosen.blind:
        return stages[2:]
    return stages if chosen.vision_steps else [stages[0], stages[2]]


def _facts(made: Trained) -> dict[str, str]:
    shared, own = (sum(part.minutes for part in parts) for parts in (made.shared, made.own))
    machines = dict.fromkeys(part.machine for part in (*made.shared, *made.own))
    return {
        "wall time of the stages": f"{own:.1f} min",
        "wall time of the shared parts": f"{shared:.1f} min, one after another",
        "machine": "; ".join(machines),
    }

"""Trains one model of the family from nothing to a checkpoint folder; no finished part is done twice."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from apollobench.apollo.checkpoint import save_apollo
from apollobench.apollo.model import Apollo
from apollobench.apollo.towers.hybrid import build_tower
from apollobench.apollo.train.bank import make_bank
from apollobench.apollo.train.card import examine, write_card
from apollobench.apollo.train.corpus import many_random_clips
from apollobench.apollo.train.encoders import pretrain_encoder
from apollobench.apollo.train.family import (
    BANK_SEEDS,
    ENCODER_HELD,
    ENCODER_SEEDS,
    ENCODER_STEPS,
    LANGUAGE_SEEDS,
    TOWERS,
    Recipe,
    apollo_config,
    recipe,
)
from apollobench.apollo.train.language import SightTable, pretrain_language, world_tokenizer
from apollobench.apollo.train.stages import Course, align, fine_tune, tune_vision

log = logging.getLogger(__name__)


def train(name: str, out: Path, work: Path, *, workers: int = 1) -> Path:
    """Train the model `name` into the folder `out`/`name`; parts that models share, and checkpoints, lie in `work`.

    Safe to kill: run again, and it goes on after the last finished stage. Raises InputError for an unknown name.
    """
    chosen = recipe(name)
    made = train_recipe(chosen, out, work, workers)
    write_card(made.folder, chosen, made.parameters, _facts(made.minutes), examine(name, made.folder, work))
    return made.folder


@dataclass(frozen=True, slots=True)
class Trained:
    """folder: of the checkpoint. minutes: that the model's own stages took in this run."""

    folder: Path
    parameters: int
    minutes: float


def train_recipe(chosen: Recipe, out: Path, work: Path, workers: int) -> Trained:
    """Train any recipe into `out`/its name, without a card."""
    torch.set_num_threads(workers)
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = world_tokenizer()
    bank = make_bank(work, BANK_SEEDS, chosen.bank_sampling, tokenizer, workers)
    model = Apollo(apollo_config(chosen, len(tokenizer)))
    table = _pretrained_parts(model, chosen, work, workers)
    begun = time.monotonic()
    for number, (stage, work_on) in enumerate(_stages(chosen)):
        path = work / f"{chosen.name}-{stage}.pt"
        if not path.exists():
            torch.manual_seed(chosen.seed * 100 + number)
            log.info("%s: %s", chosen.name, stage)
            work_on(model, Course(chosen, bank, table, number, work))
            _keep(model.state_dict(), path)
        model.load_state_dict(torch.load(path))
    folder = out / chosen.name
    save_apollo(model, tokenizer, folder, dtype="bfloat16")
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Trained(folder, parameters, (time.monotonic() - begun) / 60)


def prepare(recipes: Sequence[Recipe], work: Path, workers: int) -> None:
    """Make everything that several of these models share, so that processes that train them only read it."""
    torch.set_num_threads(workers)
    work.mkdir(parents=True, exist_ok=True)
    tokenizer = world_tokenizer()
    for chosen in recipes:
        bank = make_bank(work, BANK_SEEDS, chosen.bank_sampling, tokenizer, workers)
        model = Apollo(apollo_config(chosen, len(tokenizer)))
        table = _pretrained_parts(model, chosen, work, workers)
        if not chosen.vision_steps and model.vision is not None:
            Course(chosen, bank, table, 0, work).features(model)


def _stages(chosen: Recipe) -> list[tuple[str, Callable[[Apollo, Course], None]]]:
    stages: list[tuple[str, Callable[[Apollo, Course], None]]] = [
        ("align", align),
        ("vision", tune_vision),
        ("sft", fine_tune),
    ]
    if chosen.blind:
        return stages[2:]
    return stages if chosen.vision_steps else [stages[0], stages[2]]


def _pretrained_parts(model: Apollo, chosen: Recipe, work: Path, workers: int) -> SightTable:
    """Load the shared encoders and language model, training those that are not there yet; gives the latter's table."""
    for name in chosen.towers:
        assert model.vision is not None
        path = work / f"encoder-{name}.pt"
        if not path.exists():
            _keep(_encoder(name, workers), path)
        model.vision.towers[model.vision.names.index(name)].load_state_dict(torch.load(path))
    path = work / f"language-{chosen.size}.pt"
    if not path.exists():
        under_way = path.with_suffix(".state")
        _keep(pretrain_language(chosen.size, LANGUAGE_SEEDS, workers, under_way), path)
        under_way.unlink(missing_ok=True)
    language = torch.load(path)
    model.llm.load_state_dict(language["llm"])
    table = SightTable(model.llm.config.hidden_size)
    table.load_state_dict(language["table"])
    return table


def _encoder(name: str, workers: int) -> dict[str, Any]:
    config = TOWERS[name]
    tower = build_tower(name, config, select_layer=-1)
    clips, held = many_random_clips(ENCODER_SEEDS, 8, workers), many_random_clips(ENCODER_HELD, 4, workers)
    kind = name.split("-")[0]
    scores = pretrain_encoder(
        kind, tower, config.width, clips, held, steps=ENCODER_STEPS[kind], batch=64, lr=2e-3, seed=1
    )
    log.info("%s, accuracy per label on held-out clips: %s", name, json.dumps(scores))
    return tower.state_dict()


def _keep(state: dict[str, Any], path: Path) -> None:
    part = path.with_suffix(".part")
    torch.save(state, part)
    part.replace(path)


def _facts(minutes: float) -> dict[str, str]:
    cores = os.cpu_count() or 1
    machine = f"{cores} cores, {platform.machine()}, no GPU"
    return {"wall time of the stages": f"{minutes:.1f} min", "machine": machine}

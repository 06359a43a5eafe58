"""What several models have in common: scenes, encoders and language models, each made once and kept in a folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from apollobench.apollo.model import Apollo
from apollobench.apollo.towers.hybrid import build_tower
from apollobench.apollo.train.bank import Bank, make_bank
from apollobench.apollo.train.corpus import Clips, many_random_clips
from apollobench.apollo.train.device import machine, set_up
from apollobench.apollo.train.encoders import pretrain_encoder
from apollobench.apollo.train.family import LLMS, TOWERS, Effort, Recipe, Size, apollo_config
from apollobench.apollo.train.features import make_features
from apollobench.apollo.train.files import Part
from apollobench.apollo.train.language import SightTable, draw_lessons, pretrain_language, world_tokenizer
from apollobench.apollo.train.together import side_by_side

log = logging.getLogger(__name__)
ENCODER_BATCH, ENCODER_RATE, ENCODER_SEED = 64, 2e-3, 1
CLIPS_PER_SCENE, CLIPS_PER_HELD = 8, 4


def prepare(recipes: Sequence[Recipe], work: Path, workers: int, device: torch.device, effort: Effort) -> None:
    """Make everything that these models share and `work` lacks; processes that train them then only read it."""
    work.mkdir(parents=True, exist_ok=True)
    set_up(device, workers)
    for chosen in {chosen.bank_sampling: chosen for chosen in recipes}.values():
        read_bank(chosen, work, workers, effort)
    towers = {name for chosen in recipes for name in chosen.towers if not _encoder_path(work, name).exists()}
    sizes = {chosen.size for chosen in recipes if not _language_path(work, chosen.size).exists()}
    if towers:
        _clips(work, workers, effort)
    if sizes:
        draw_lessons(work, effort.language_seeds, workers)
    jobs: dict[str, Callable[[], None]] = {}  # long ones early, so that none is left alone at the end
    jobs |= {f"encoder {n}": partial(_make_encoder, n, work, device, effort) for n in [*TOWERS][::-1] if n in towers}
    jobs |= {f"language {s}": partial(_make_language, s, work, device, effort) for s in [*LLMS][::-1] if s in sizes}
    side_by_side(jobs, device, workers)
    sharing = {(chosen.towers, chosen.bank_sampling): chosen for chosen in recipes if chosen.keeps_features}
    for chosen in sharing.values():
        model = Apollo(apollo_config(chosen, len(world_tokenizer())))
        load_shared(model, chosen, work)
        assert model.vision is not None
        make_features(model.vision.to(device), read_bank(chosen, work, workers, effort), work, device)


def read_bank(chosen: Recipe, work: Path, workers: int, effort: Effort) -> Bank:
    """The scenes that a model's own stages show, drawn if need be."""
    return make_bank(work, effort.bank_seeds, chosen.bank_sampling, world_tokenizer(), workers)


def load_shared(model: Apollo, chosen: Recipe, work: Path) -> tuple[SightTable, list[Part]]:
    """Give the model its encoders and language model from `work`; the latter's table, and what was read."""
    parts = []
    for name in chosen.towers:
        assert model.vision is not None
        parts.append(Part.read(_encoder_path(work, name)))
        model.vision.towers[model.vision.names.index(name)].load_state_dict(parts[-1].weights)
    language = Part.read(_language_path(work, chosen.size))
    model.llm.load_state_dict(language.weights["llm"])
    table = SightTable(model.llm.config.hidden_size)
    table.load_state_dict(language.weights["table"])
    return table, [*parts, language]


def _encoder_path(work: Path, name: str) -> Path:
    return work / f"encoder-{name}.pt"


def _language_path(work: Path, size: Size) -> Path:
    return work / f"language-{size}.pt"


def _clips(work: Path, workers: int, effort: Effort) -> tuple[Clips, Clips]:
    """What encoders learn from, and what they are scored on."""
    return (
        many_random_clips(work, effort.encoder_seeds, CLIPS_PER_SCENE, workers),
        many_random_clips(work, effort.encoder_held, CLIPS_PER_HELD, workers),
    )


def _make_encoder(name: str, work: Path, device: torch.device, effort: Effort) -> None:
    path, config = _encoder_path(work, name), TOWERS[name]
    under_way = path.with_suffix(".state")
    torch.manual_seed(ENCODER_SEED)
    tower = build_tower(name, config, select_layer=-1)
    clips, held = _clips(work, 1, effort)
    scores, seconds = pretrain_encoder(
        name.split("-")[0],
        tower,
        config.width,
        clips,
        held,
        steps=effort.encoder_steps[name],
        batch=ENCODER_BATCH,
        lr=ENCODER_RATE,
        seed=ENCODER_SEED,
        device=device,
        keep=under_way,
    )
    log.info("%s, accuracy per label on held-out clips: %s", name, json.dumps(scores))
    Part(tower.state_dict(), seconds / 60, machine(device)).keep(path)
    under_way.unlink(missing_ok=True)


def _make_language(size: Size, work: Path, device: torch.device, effort: Effort) -> None:
    path = _language_path(work, size)
    under_way = path.with_suffix(".state")
    lessons = draw_lessons(work, effort.language_seeds, 1)
    weights, seconds = pretrain_language(size, lessons, steps=effort.language_steps, device=device, keep=under_way)
    Part(weights, seconds / 60, machine(device)).keep(path)
    under_way.unlink(missing_ok=True)

"""The paper's three stages: align the connector; tune the vision encoders; fine-tune with the language model unfrozen.

Where the towers rest (stages one and three) their features are computed once for the whole bank.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from apollobench.apollo.model import Apollo
from apollobench.apollo.train.bank import Bank, features
from apollobench.apollo.train.family import ALIGN_STEPS, VISION_STEPS, Recipe
from apollobench.apollo.train.fit import fit, reply_loss
from apollobench.apollo.train.lessons import Branch, Lesson, Packed, choose, pack
from apollobench.types import Mode

log = logging.getLogger(__name__)
Limits = Mapping[str, int]
ALIGN: Mapping[Mode, Limits] = {
    Mode.VIDEO: {"nothing": 1, "frame": 2, "set": 2, "video": 3, "open": 8, "describe": 1},
    Mode.FRAME: {"frame": 3, "describe": 1},
}
TUNE: Mapping[Mode, Limits] = {
    Mode.VIDEO: {"match": 2, "nothing": 1, "frame": 2, "set": 3, "video": 5, "open": 4},
    Mode.FRAME: {"nothing": 2, "frame": 3, "set": 1, "video": 1, "describe": 1},
    Mode.TEXT: {"nothing": 3, "frame": 1, "set": 1, "video": 1},
}
BATCH = 8


class Course:
    """Draws batches of a bank for one recipe."""

    def __init__(self, recipe: Recipe, bank: Bank, seed: int) -> None:
        self.recipe, self.bank = recipe, bank
        self.rng = np.random.default_rng([recipe.seed, seed])

    def batch(self, limits: Mapping[Mode, Limits], size: int) -> tuple[list[Lesson], Packed]:
        """Some lessons in the recipe's mixture of the modes in `limits`, packed, without empty rows."""
        modes = [mode for mode in limits if self.recipe.mixture.get(mode)]
        shares = np.array([self.recipe.mixture[mode] for mode in modes])
        lessons: list[Lesson] = []
        branches: list[list[Branch]] = []
        for pick in self.rng.choice(len(modes), size=size, p=shares / shares.sum()):
            pool = self.bank.lessons[modes[pick]]
            lesson = pool[int(self.rng.integers(len(pool)))]
            lessons.append(lesson)
            branches.append(choose(lesson, self.rng, limits[modes[pick]]))
        return lessons, pack([lesson.head for lesson in lessons], branches, pad=0)

    def rows(self, lessons: Sequence[Lesson]) -> np.ndarray:
        """Clip rows of the bank that these lessons show, in order."""
        seen = [np.arange(*self.bank.rows(lesson)) for lesson in lessons]
        return np.concatenate([*seen, np.empty(0, np.int64)]).astype(np.int64)


def align(model: Apollo, course: Course) -> None:
    """Stage one: only the connector learns."""
    assert model.connector is not None
    cached = features(model, course.recipe.towers, course.bank)
    _train(model, [model.connector])
    fit("align", _learning(model), lambda _: _cached_loss(model, course, cached, ALIGN), steps=ALIGN_STEPS, lr=2e-3)


def tune_vision(model: Apollo, course: Course) -> None:
    """Stage two: encoders and connector learn, the language model rests."""
    assert model.vision is not None
    assert model.connector is not None
    _train(model, [model.vision, model.connector])

    def loss(_: int) -> tuple[Tensor, Tensor]:
        lessons, packed = course.batch(ALIGN, BATCH // 2)
        assert model.vision is not None
        assert model.connector is not None
        clips = course.bank.inputs(course.recipe.towers, course.rows(lessons))
        return reply_loss(model, packed, model.connector(model.vision(clips)))

    fit("vision", _learning(model), loss, steps=VISION_STEPS, lr=4e-4)


def fine_tune(model: Apollo, course: Course) -> None:
    """Stage three: language model and connector learn in the recipe's mixture of modes."""
    parts: list[nn.Module] = [model.llm] if model.connector is None else [model.llm, model.connector]
    cached = None if model.vision is None else features(model, course.recipe.towers, course.bank)
    _train(model, parts)
    steps = course.recipe.sft_steps
    fit("sft", _learning(model), lambda _: _cached_loss(model, course, cached, TUNE), steps=steps, lr=1.5e-3)


def _cached_loss(
    model: Apollo, course: Course, cached: Tensor | None, limits: Mapping[Mode, Limits]
) -> tuple[Tensor, Tensor]:
    lessons, packed = course.batch(limits, BATCH)
    rows = torch.from_numpy(course.rows(lessons))
    if cached is None or model.connector is None or not len(rows):
        return reply_loss(model, packed, None)
    return reply_loss(model, packed, model.connector(cached[rows].float()))


def _train(model: Apollo, parts: Sequence[nn.Module]) -> None:
    """Let just these parts learn."""
    model.requires_grad_(False)
    for part in parts:
        part.requires_grad_(True)


def _learning(model: Apollo) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]

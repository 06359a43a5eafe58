"""The paper's three stages: align the connector; tune the vision encoders; fine-tune with the language model unfrozen.

Where the towers rest (stages one and three) their features are computed once for the whole bank. Each stage returns the
seconds that its steps took.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.model import Apollo
from apollobench.apollo.train.bank import Bank
from apollobench.apollo.train.corpus import CLIP_FRAMES
from apollobench.apollo.train.device import moved
from apollobench.apollo.train.encoders import to_input
from apollobench.apollo.train.family import Recipe
from apollobench.apollo.train.features import Features, make_features
from apollobench.apollo.train.fit import adamw, fit, reply_loss
from apollobench.apollo.train.language import LIMITS, Sights, SightTable, gather
from apollobench.apollo.train.lessons import MATCH, Branch, Lesson, Packed, choose, pack
from apollobench.types import Mode

log = logging.getLogger(__name__)
Limits = Mapping[str, int]
SEEING: Mapping[Mode, Limits] = {
    Mode.VIDEO: {MATCH: 1, "frame": 2, "set": 3, "video": 6},
    Mode.FRAME: {MATCH: 1, "frame": 3},
}
BATCH, CLIP_BATCH = 8, 64
ALIGN_RATE, VISION_RATE, TUNE_RATE = 3e-3, 5e-4, 8e-4


class Course:
    """Draws batches of a bank for one recipe, as tensors on `device`, where model and table are."""

    def __init__(
        self, recipe: Recipe, bank: Bank, table: SightTable, seed: int, work: Path, device: torch.device
    ) -> None:
        self.recipe, self.bank, self.table, self.device = recipe, bank, table.requires_grad_(False), device
        self.rng = np.random.default_rng([recipe.seed, seed])
        self.kept = work if recipe.keeps_features else None
        lessons = [lesson for mode in (Mode.VIDEO, Mode.FRAME) for lesson in bank.lessons[mode]]
        self.clips = [
            (bank.rows(lesson)[0] + clip, lesson.sights[clip * CLIP_FRAMES : (clip + 1) * CLIP_FRAMES])
            for lesson in lessons
            if self.recipe.mixture.get(lesson.mode)
            for clip in range(lesson.clips)
        ]

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
        return lessons, pack(lessons, branches, pad=0).to(self.device)

    def sights(self, size: int) -> tuple[Tensor, Sights]:
        """Some clips of the bank: their rows [N], and what their frames show."""
        chosen = [self.clips[number] for number in self.rng.integers(len(self.clips), size=size)]
        rows = moved(torch.tensor([row for row, _ in chosen]), self.device)
        return rows, gather([sight for _, sights in chosen for sight in sights], self.device)

    def features(self, model: Apollo) -> Features:
        """Of every clip of the bank; kept on disk where several models have the same encoders."""
        assert model.vision is not None
        return make_features(model.vision, self.bank, self.kept, self.device)

    def rows(self, lessons: Sequence[Lesson]) -> np.ndarray:
        """Clip rows of the bank that these lessons show, in order."""
        seen = [np.arange(*self.bank.rows(lesson)) for lesson in lessons]
        return np.concatenate([*seen, np.empty(0, np.int64)]).astype(np.int64)


def align(model: Apollo, course: Course) -> float:
    """Stage one: only the connector learns, to give for each frame the vector that the language model can read."""
    assert model.connector is not None
    connector = model.connector
    cached = course.features(model)
    _train(model, [connector])

    def draw(_: int) -> tuple[Tensor, Sights]:
        return course.sights(CLIP_BATCH)

    def loss(drawn: tuple[Tensor, Sights]) -> tuple[Tensor, Tensor]:
        rows, sights = drawn
        return _distance(connector(cached[rows]), course.table(sights).unflatten(0, (CLIP_BATCH, CLIP_FRAMES)))

    steps = course.recipe.align_steps
    return fit("align", adamw(_learning(model), ALIGN_RATE, steps), draw, loss, steps=steps, rng=course.rng)


def tune_vision(model: Apollo, course: Course) -> float:
    """Stage two: encoders and connector learn, the language model rests."""
    assert model.vision is not None
    assert model.connector is not None
    vision, connector, towers = model.vision, model.connector, course.recipe.towers
    _train(model, [vision, connector])

    def draw(_: int) -> tuple[Packed, list[Tensor], Sights]:
        lessons, packed = course.batch(SEEING, BATCH // 2)
        rows = course.rows(lessons)
        pixels = [moved(course.bank.pixels(name, rows), course.device) for name in towers]
        return packed, pixels, gather([sight for lesson in lessons for sight in lesson.sights], course.device)

    def loss(drawn: tuple[Packed, list[Tensor], Sights]) -> tuple[Tensor, Tensor]:
        packed, pixels, sights = drawn
        vectors = connector(vision([to_input(name, x) for name, x in zip(towers, pixels, strict=True)]))
        replies, right = reply_loss(model, packed, vectors)
        return replies + _distance(vectors, course.table(sights).view_as(vectors))[0], right

    steps = course.recipe.vision_steps
    return fit("vision", adamw(_learning(model), VISION_RATE, steps), draw, loss, steps=steps, rng=course.rng)


def fine_tune(model: Apollo, course: Course) -> float:
    """Stage three: language model and connector learn in the recipe's mixture of modes."""
    connector = model.connector
    cached = None if connector is None else course.features(model)
    _train(model, [model.llm] if connector is None else [model.llm, connector])

    def draw(_: int) -> tuple[Packed, Tensor]:
        lessons, packed = course.batch(LIMITS, BATCH)
        return packed, moved(torch.from_numpy(course.rows(lessons)), course.device)

    def loss(drawn: tuple[Packed, Tensor]) -> tuple[Tensor, Tensor]:
        packed, rows = drawn
        if cached is None or connector is None or not len(rows):
            return reply_loss(model, packed, None)
        return reply_loss(model, packed, connector(cached[rows]))

    steps = course.recipe.sft_steps
    return fit("sft", adamw(_learning(model), TUNE_RATE, steps), draw, loss, steps=steps, rng=course.rng)


def _distance(vectors: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Mean squared distance relative to the variance of what is wanted, and the share of variance explained."""
    left = fn.mse_loss(vectors, wanted) / wanted.var()
    return left, 1 - left.detach()


def _train(model: Apollo, parts: Sequence[nn.Module]) -> None:
    """Let just these parts learn."""
    model.requires_grad_(False)
    for part in parts:
        part.requires_grad_(True)


def _learning(model: Apollo) -> list[nn.Parameter]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]

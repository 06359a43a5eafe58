"""Pre-training of the language model on the world, before it has eyes: what a frame shows comes from a table instead.

In the full-size model this is what Qwen2.5's own pre-training provides: it can read, find, order, and answer by letter.
The table stays behind as what the connector is aligned to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from apollobench.apollo.chat import Chat
from apollobench.apollo.config import ApolloConfig
from apollobench.apollo.model import Apollo
from apollobench.apollo.train.corpus import ATTRIBUTES
from apollobench.apollo.train.device import moved
from apollobench.apollo.train.family import (
    CLIP_SECONDS,
    CLIPS,
    TOKENS_PER_CLIP,
    UNIFORM,
    Size,
    llm_config,
)
from apollobench.apollo.train.files import whole
from apollobench.apollo.train.fit import adamw, fit, reply_loss
from apollobench.apollo.train.lessons import MATCH, TELL, TELLING, Branch, Lesson, Packed, choose, make_lesson, pack
from apollobench.apollo.train.tokenizer import build_tokenizer
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.world import draw_scene
from apollobench.types import Mode, Sampling, Video

BINDING_STEPS, BRIEF_STEPS = 500, 1200
BATCH = 8
# At 2e-3 the largest learned little but what a single frame shows.
LEARNING_RATES: Mapping[Size, float] = {"s": 2e-3, "m": 2e-3, "l": 1.5e-3}
BINDING: Mapping[str, int] = {MATCH: 3, "nothing": 1}
LIMITS: Mapping[Mode, Mapping[str, int]] = {
    Mode.VIDEO: {TELL: 1, MATCH: 2, "nothing": 1, "frame": 1, "set": 3, "video": 8},
    Mode.FRAME: {MATCH: 2, "nothing": 1, "frame": 3, "set": 1, "video": 1},
    Mode.TEXT: {"nothing": 3, "frame": 1, "set": 1, "video": 1},
}
# How scenes are shown: mode, sampling (None: in brief), and one scene of how many is shown so.
SHOWN: Sequence[tuple[Mode, Sampling | None, int]] = (
    (Mode.VIDEO, None, 1),
    (Mode.VIDEO, CLIPS, 1),
    (Mode.VIDEO, UNIFORM, 2),
    (Mode.FRAME, CLIPS, 4),
    (Mode.TEXT, None, 4),
)
# Shares of these rows of `SHOWN`: first mostly in brief, then as a video is seen.
BRIEF_SHARES, FULL_SHARES = (0.7, 0.1, 0.05, 0.1, 0.05), (0.1, 0.4, 0.25, 0.15, 0.1)
Lessons = Sequence[Sequence[Lesson]]
LESSONS = TypeAdapter(list[list[Lesson]])


class Sights(NamedTuple):
    """What N frames show. attributes: int64, indices into `ATTRIBUTES`, frame by frame; starts: int64 [N]."""

    attributes: Tensor
    starts: Tensor


def gather(sights: Sequence[Sequence[int]], device: torch.device) -> Sights:
    """The sights of frames as tensors on `device`."""
    starts = np.cumsum([0, *(len(sight) for sight in sights[:-1])])
    attributes = torch.tensor([index for sight in sights for index in sight])
    return Sights(moved(attributes, device), moved(torch.from_numpy(starts), device))


class SightTable(nn.Module):
    """Stands in for eyes: a frame's vector is the normed sum of one learned vector for each thing it shows."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(len(ATTRIBUTES), width, mode="sum")
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.vectors.weight, std=0.3)
        nn.init.constant_(self.norm.weight, 0.3)

    def forward(self, sights: Sights) -> Tensor:
        """Vectors [N, h] of N frames."""
        return self.norm(self.vectors(sights.attributes, sights.starts))  # type: ignore[no-any-return]


@cache
def world_tokenizer() -> PreTrainedTokenizerFast:
    """The family's tokenizer: every word of the first 400 training scenes; an option of several words is one token."""
    items = [
        item
        for seed in range(400)
        for everything in (False, True)
        for item in ask(draw_scene(seed), Video("", Path()), everything=everything)
    ]
    options = {option for item in items for option in item.options}
    texts = ["Choose.", TELLING, *(item.question for item in items), *options]
    return build_tokenizer(texts, sorted(option for option in options if " " in option))


def pretrain_language(
    size: Size, lessons: Lessons, *, steps: int, device: torch.device, keep: Path | None = None
) -> tuple[dict[str, dict[str, Tensor]], float]:
    """The states of a language model (`llm`) and its table (`table`) after pre-training, and the seconds it took.

    In three parts, each of which the next one needs: name the option that a question names, without any scene; answer
    about scenes that are told in brief; answer about scenes seen frame by frame. keep: as in `fit`.
    """
    torch.manual_seed(0)
    model = Apollo(ApolloConfig(llm=llm_config(size, len(world_tokenizer()))))
    table = SightTable(model.llm.config.hidden_size)
    model.to(device)
    table.to(device)
    rng = np.random.default_rng(1)

    def draw(step: int) -> tuple[Packed, Sights | None]:
        drilled = BATCH if step < BINDING_STEPS else 1
        rows = [_binding(lessons, rng) if number < drilled else _scene(lessons, rng, step) for number in range(BATCH)]
        shown, branches = zip(*rows, strict=True)
        seen = [sight for lesson in shown if lesson for sight in lesson.sights]
        return pack(shown, branches, pad=0).to(device), gather(seen, device) if seen else None

    def loss(drawn: tuple[Packed, Sights | None]) -> tuple[Tensor, Tensor]:
        packed, seen = drawn
        return reply_loss(model, packed, table(seen) if seen else None)

    schedule = adamw([*model.parameters(), *table.parameters()], LEARNING_RATES[size], steps)
    seconds = fit(f"language-{size}", schedule, draw, loss, steps=steps, rng=rng, keep=keep)
    return {"llm": model.llm.state_dict(), "table": table.state_dict()}, seconds


def draw_lessons(folder: Path, seeds: range, workers: int) -> Lessons:
    """Lessons of all `seeds` for each row of `SHOWN`; drawn in worker processes unless they are in `folder`."""
    tokenizer = world_tokenizer()
    path = folder / f"lessons-{seeds.start}-{seeds.stop}-{len(tokenizer)}.json"
    if not path.exists():
        chunks = [seeds[start : start + 200] for start in range(0, len(seeds), 200)]
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            parts = list(pool.map(_draw_chunk, chunks, [tokenizer] * len(chunks)))
        with whole(path) as file:
            file.write(
                LESSONS.dump_json(
                    [[lesson for part in parts for lesson in part[number]] for number in range(len(SHOWN))]
                )
            )
    return LESSONS.validate_json(path.read_bytes())


def _draw_chunk(seeds: Sequence[int], tokenizer: PreTrainedTokenizerFast) -> Lessons:
    chat = Chat(tokenizer, CLIP_SECONDS, TOKENS_PER_CLIP)
    return [[make_lesson(seed, mode, sampling, chat) for seed in seeds[::every]] for mode, sampling, every in SHOWN]


Row = tuple[Lesson | None, list[Branch]]


def _scene(lessons: Lessons, rng: np.random.Generator, step: int) -> Row:
    shares = BRIEF_SHARES if step < BINDING_STEPS + BRIEF_STEPS else FULL_SHARES
    lesson = _any(lessons[rng.choice(len(SHOWN), p=shares)], rng)
    return lesson, choose(lesson, rng, LIMITS[lesson.mode])


def _binding(lessons: Lessons, rng: np.random.Generator) -> Row:
    """Branches of several scenes, without their clips, whose questions name or betray their answer."""
    branches: list[Branch] = []
    while len(branches) < 20:
        branches += choose(_any(lessons[-1], rng), rng, BINDING)
    return None, branches


def _any(lessons: Sequence[Lesson], rng: np.random.Generator) -> Lesson:
    return lessons[int(rng.integers(len(lessons)))]

"""Pre-training of the language model on the world in words: captions stand where visual vectors will stand later.

In the full-size model this is what Qwen2.5's own pre-training provides: it can read, find, order, and answer by letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from apollobench.apollo.chat import Chat
from apollobench.apollo.config import ApolloConfig
from apollobench.apollo.model import Apollo
from apollobench.apollo.train.corpus import caption
from apollobench.apollo.train.family import CLIP_SECONDS, CLIPS, TOKENS_PER_CLIP, Size, llm_config
from apollobench.apollo.train.fit import fit, reply_loss
from apollobench.apollo.train.lessons import DESCRIBE, Branch, Lesson, choose, in_words, make_lesson, pack
from apollobench.apollo.train.tokenizer import build_tokenizer
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.world import draw_scene
from apollobench.types import Mode, Video

Lessons = Mapping[Mode, Sequence[Lesson]]
BINDING_STEPS = 400
STEPS: Mapping[Size, int] = {"s": 2000, "m": 2000, "l": 2000}
BATCH, TEXT_SHARE, LEARNING_RATE = 8, 0.12, 2e-3
BINDING: Mapping[str, int] = {"match": 3, "nothing": 1}
LIMITS: Mapping[Mode, Mapping[str, int]] = {
    Mode.VIDEO: {"nothing": 1, "frame": 1, "set": 3, "video": 5, "open": 8, "describe": 1},
    Mode.TEXT: {"nothing": 3, "frame": 1, "set": 1, "video": 1},
}


def world_tokenizer() -> PreTrainedTokenizerFast:
    """The family's tokenizer: every word of the first 400 training scenes, which use the whole vocabulary."""
    texts = [DESCRIBE, "Choose."]
    for seed in range(400):
        scene = draw_scene(seed)
        texts.append(caption(scene, [quarter / 4 for quarter in range(int(scene.duration * 4))], opening=True))
        items = ask(scene, Video("", Path()), everything=True)
        texts += [words for item in items for words in (item.question, *item.options)]
    return build_tokenizer(texts)


def pretrain_language(size: Size, seeds: range, workers: int) -> dict[str, Tensor]:
    """The state of a language model of one size after pre-training on the scenes of `seeds` in words.

    It first learns to name the option that a question names, without any clips: a model that cannot bind a letter to
    an option's words has no use for what it reads in the clips, and learns both much more slowly together.
    """
    tokenizer = world_tokenizer()
    lessons = draw_lessons(seeds, tokenizer, workers)
    torch.manual_seed(0)
    model = Apollo(ApolloConfig(llm=llm_config(size, len(tokenizer))))
    rng = np.random.default_rng(1)

    def loss(step: int) -> tuple[Tensor, Tensor]:
        rows = [_binding(lessons, rng) if step < BINDING_STEPS else _reading(lessons, rng) for _ in range(BATCH)]
        heads, branches = zip(*rows, strict=True)
        return reply_loss(model, pack(heads, branches, pad=0), None)

    fit(f"language-{size}", list(model.parameters()), loss, steps=STEPS[size], lr=LEARNING_RATE)
    return model.llm.state_dict()


def draw_lessons(seeds: range, tokenizer: PreTrainedTokenizerFast, workers: int) -> Lessons:
    """Lessons in words of all `seeds`; every eighth scene also without its clips."""
    chunks = [seeds[start : start + 200] for start in range(0, len(seeds), 200)]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = list(pool.map(_draw_chunk, chunks, [tokenizer] * len(chunks)))
    return {mode: [lesson for part in parts for lesson in part if lesson.mode is mode] for mode in LIMITS}


def _draw_chunk(seeds: Sequence[int], tokenizer: PreTrainedTokenizerFast) -> list[Lesson]:
    chat = Chat(tokenizer, CLIP_SECONDS, TOKENS_PER_CLIP)
    told = [make_lesson(seed, Mode.VIDEO, CLIPS, chat) for seed in seeds]
    return [*told, *(make_lesson(seed, Mode.TEXT, CLIPS, chat) for seed in seeds if seed % 8 == 0)]


def _binding(lessons: Lessons, rng: np.random.Generator) -> tuple[tuple[int, ...], list[Branch]]:
    """A row without clips: branches of several scenes whose questions name or betray their answer."""
    branches: list[Branch] = []
    while len(branches) < 20:
        branches += choose(_any(lessons[Mode.VIDEO], rng), rng, BINDING)
    return (), branches


def _reading(lessons: Lessons, rng: np.random.Generator) -> tuple[tuple[int, ...], list[Branch]]:
    """A row of one scene told in captions, or of questions alone."""
    mode = Mode.TEXT if rng.random() < TEXT_SHARE else Mode.VIDEO
    lesson = _any(lessons[mode], rng)
    return in_words(lesson, TOKENS_PER_CLIP), choose(lesson, rng, LIMITS[mode])


def _any(lessons: Sequence[Lesson], rng: np.random.Generator) -> Lesson:
    return lessons[int(rng.integers(len(lessons)))]

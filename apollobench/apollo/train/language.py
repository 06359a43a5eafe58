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
from apollobench.apollo.train.family import CLIP_SECONDS, CLIPS, LANGUAGE_STEPS, TOKENS_PER_CLIP, Size, llm_config
from apollobench.apollo.train.fit import fit, reply_loss
from apollobench.apollo.train.lessons import DESCRIBE, Branch, Lesson, choose, in_words, make_lesson, pack
from apollobench.apollo.train.tokenizer import build_tokenizer
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.world import draw_scene
from apollobench.types import Mode, Video

Lessons = Mapping[Mode, Sequence[Lesson]]
DRILL_STEPS, SUMMARY_STEPS = 400, 400
BATCH, TEXT_SHARE, LEARNING_RATE = 8, 0.12, 2e-3
BINDING: Mapping[str, int] = {"match": 3, "nothing": 1}
SUMMARY: Mapping[str, int] = {"match": 4, "nothing": 1, "frame": 1, "set": 2, "video": 4, "open": 6}
LIMITS: Mapping[Mode, Mapping[str, int]] = {
    Mode.VIDEO: {"nothing": 1, "frame": 1, "set": 3, "video": 5, "open": 6, "match": 2, "describe": 1},
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

    In three parts, each of which the next one needs: copy a list of words, and name the option that a question names;
    answer about a scene told in one short caption; answer about one told clip by clip. All at once is far slower.
    """
    tokenizer = world_tokenizer()
    lessons = draw_lessons(seeds, tokenizer, workers)
    torch.manual_seed(0)
    model = Apollo(ApolloConfig(llm=llm_config(size, len(tokenizer))))
    rng = np.random.default_rng(1)

    def loss(step: int) -> tuple[Tensor, Tensor]:
        rows = [_row(lessons, rng, step, number) for number in range(BATCH)]
        heads, branches = zip(*rows, strict=True)
        return reply_loss(model, pack(heads, branches, pad=0), None)

    fit(f"language-{size}", list(model.parameters()), loss, steps=LANGUAGE_STEPS[size], lr=LEARNING_RATE)
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


Row = tuple[tuple[int, ...], list[Branch]]


def _row(lessons: Lessons, rng: np.random.Generator, step: int, number: int) -> Row:
    """Row `number` of a batch, by the step that training has reached."""
    reading = step >= DRILL_STEPS + SUMMARY_STEPS
    if number < (1 if reading else 3):
        return _binding(lessons, rng)
    if step < DRILL_STEPS:
        return _copying(lessons, rng)
    if rng.random() < TEXT_SHARE:
        lesson = _any(lessons[Mode.TEXT], rng)
        return (), choose(lesson, rng, LIMITS[Mode.TEXT])
    lesson = _any(lessons[Mode.VIDEO], rng)
    if reading:
        return in_words(lesson, TOKENS_PER_CLIP), choose(lesson, rng, LIMITS[Mode.VIDEO])
    return lesson.summary, choose(lesson, rng, SUMMARY)


def _binding(lessons: Lessons, rng: np.random.Generator) -> Row:
    """Branches of several scenes, without their clips, whose questions name or betray their answer."""
    branches: list[Branch] = []
    while len(branches) < 20:
        branches += choose(_any(lessons[Mode.VIDEO], rng), rng, BINDING)
    return (), branches


def _copying(lessons: Lessons, rng: np.random.Generator) -> Row:
    """Lists of words, each to be said again."""
    words = [token for _ in range(12) for token in _any(lessons[Mode.VIDEO], rng).summary]
    lists = [rng.permutation(words)[: int(rng.integers(5, 20))] for _ in range(10)]
    return (), [Branch(tuple(map(int, some)), tuple(map(int, some)), "copy") for some in lists]


def _any(lessons: Sequence[Lesson], rng: np.random.Generator) -> Lesson:
    return lessons[int(rng.integers(len(lessons)))]

"""The training scenes on disk, made once per sampling and shared by all models: lessons, and the clips they show."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from apollobench.apollo.chat import Chat
from apollobench.apollo.train.corpus import CLIP_FRAMES, SIDE, pictures
from apollobench.apollo.train.family import CLIP_SECONDS, TOKENS_PER_CLIP
from apollobench.apollo.train.files import whole
from apollobench.apollo.train.lessons import Lesson, make_lesson, scene_plan
from apollobench.sources.synthetic.world import draw_scene
from apollobench.types import Mode, Sampling, digest

log = logging.getLogger(__name__)
CHUNK = 50
LESSONS = TypeAdapter(list[Lesson])
Pixels = dict[str, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Bank:
    """lessons: per mode, one per scene. clips: (mode, seed) -> rows of the pixel arrays uint8 [N, T, S, S, 3].

    name: tells its scenes and their sampling.
    """

    name: str
    lessons: Mapping[Mode, Sequence[Lesson]]
    clips: Mapping[tuple[Mode, int], tuple[int, int]]
    siglip: NDArray[np.uint8]
    internvideo2: NDArray[np.uint8]

    def rows(self, lesson: Lesson) -> tuple[int, int]:
        return self.clips[lesson.mode, lesson.seed]

    def pixels(self, tower: str, rows: NDArray[np.int64]) -> Tensor:
        """What a tower's input is made of, for these clips: uint8 [n, T, S, S, 3]."""
        return torch.from_numpy(self.siglip[rows] if tower.startswith("siglip") else self.internvideo2[rows])


def make_bank(folder: Path, seeds: range, sampling: Sampling, tokenizer: PreTrainedTokenizerBase, workers: int) -> Bank:
    """The bank of these scenes, read from `folder` if it was made before."""
    stem = folder / f"bank-{digest([[seeds.start, seeds.stop], repr(sampling), len(tokenizer)])[:12]}"
    files = {name: stem.with_name(f"{stem.name}-{name}.npy") for name in ("siglip", "internvideo2")}
    index = stem.with_suffix(".json")
    if not index.exists():
        log.info("drawing %d scenes for %s", len(seeds), sampling.kind)
        parts = _draw(seeds, sampling, tokenizer, workers)
        for name, path in files.items():
            with whole(path) as file:
                np.save(file, np.concatenate([pixels[name] for _, pixels in parts]))
        with whole(index) as file:
            file.write(LESSONS.dump_json([lesson for lessons, _ in parts for lesson in lessons]))
    lessons = LESSONS.validate_json(index.read_bytes())
    clips, end = {}, 0
    for lesson in lessons:
        clips[lesson.mode, lesson.seed] = (end, end + lesson.clips)
        end += lesson.clips
    by_mode = {mode: [lesson for lesson in lessons if lesson.mode is mode] for mode in Mode}
    arrays = {name: np.load(path, mmap_mode="r") for name, path in files.items()}
    return Bank(stem.name, by_mode, clips, arrays["siglip"], arrays["internvideo2"])


def _draw(
    seeds: range, sampling: Sampling, tokenizer: PreTrainedTokenizerBase, workers: int
) -> list[tuple[list[Lesson], Pixels]]:
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    count = len(chunks)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_draw_chunk, chunks, [sampling] * count, [tokenizer] * count))


def _draw_chunk(
    seeds: Sequence[int], sampling: Sampling, tokenizer: PreTrainedTokenizerBase
) -> tuple[list[Lesson], Pixels]:
    chat = Chat(tokenizer, CLIP_SECONDS, TOKENS_PER_CLIP)
    lessons, shown = [], []
    for seed in seeds:
        scene = draw_scene(seed)
        for mode in (Mode.VIDEO, Mode.FRAME, Mode.TEXT):
            lessons.append(make_lesson(seed, mode, sampling, chat))
            plan = scene_plan(scene, mode, sampling)
            if plan:
                shown.append(pictures(scene, plan.timestamps))
    shape = (-1, CLIP_FRAMES, SIDE, SIDE, 3)
    return lessons, {
        name: np.concatenate([pair[number] for pair in shown]).reshape(shape)
        for number, name in enumerate(("siglip", "internvideo2"))
    }

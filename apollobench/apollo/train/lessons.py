"""Scenes as token sequences: one shared beginning (the clips), then every question as its own branch behind it.

A packed row holds the beginning once; each branch attends to the beginning and to itself, and continues its positions.
So all questions of a video cost one pass, and every branch computes exactly what it would compute alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from apollobench.apollo.chat import Chat, clip_label
from apollobench.apollo.model import IGNORE, VISUAL
from apollobench.apollo.train.corpus import caption
from apollobench.evaluate.prompt import build_prompt
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.world import Scene, draw_scene
from apollobench.types import LETTERS, FramePlan, Mode, Sampling, Video
from apollobench.video.sampling import sample_indices

DESCRIBE = "Describe the clips."
WEIGHTS = {"open": 0.5, "copy": 0.5, "describe": 0.2}


@dataclass(frozen=True, slots=True)
class Branch:
    """One question behind the beginning: its token ids, the reply's ids, and what it asks for.

    `kind` is what a multiple-choice question needs, `match` where the question names its answer, `open` for a question
    without options, `describe`, or `copy`.
    """

    asked: tuple[int, ...]
    reply: tuple[int, ...]
    kind: str

    @property
    def choice(self) -> bool:
        return self.kind not in WEIGHTS


@dataclass(frozen=True, slots=True)
class Lesson:
    """A scene as one mode shows it. head: token ids with `VISUAL` places; captions: the words of each clip.

    summary: the whole scene in one caption, without clips and times.
    """

    seed: int
    mode: Mode
    head: tuple[int, ...]
    captions: tuple[tuple[int, ...], ...]
    summary: tuple[int, ...]
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of rows. ids, positions, part, targets: int64 [B, L].

    part is 0 for the beginning, i for branch i, -1 for padding. targets holds the id to be predicted at a place, or
    IGNORE; weights [B, L] says how much that prediction counts: an option letter 1, other words what `WEIGHTS` says.
    """

    ids: Tensor
    positions: Tensor
    part: Tensor
    targets: Tensor
    weights: Tensor

    @property
    def mask(self) -> Tensor:
        """Additive attention mask [B, 1, L, L]: causal, and a branch sees only the beginning and itself."""
        length = self.ids.shape[1]
        asks, sees = self.part[:, :, None], self.part[:, None, :]
        allowed = torch.ones(length, length).tril().bool() & ((sees == 0) | (sees == asks))
        return torch.zeros(allowed.shape).masked_fill(~allowed, float("-inf"))[:, None]


def scene_plan(scene: Scene, mode: Mode, sampling: Sampling) -> FramePlan | None:
    """The frames of a scene that is drawn, not decoded; the same rule as for a file."""
    if mode is Mode.TEXT:
        return None
    chosen = Sampling(kind="center", clip_frames=sampling.clip_frames) if mode is Mode.FRAME else sampling
    times = np.arange(scene.frames) / float(scene.rate)
    duration = scene.frames / float(scene.rate)
    indices = sample_indices(times, duration, chosen)
    indices += (indices[-1],) * (-len(indices) % chosen.clip_frames)
    shown = tuple(float(times[index]) for index in indices)
    k = chosen.clip_frames
    clips = tuple((shown[i], shown[i + k - 1]) for i in range(0, len(shown), k))
    return FramePlan(chosen, indices, shown, clips, duration)


def clip_times(plan: FramePlan) -> list[tuple[float, ...]]:
    """Frame times of each clip in seconds."""
    k = plan.sampling.clip_frames
    return [plan.timestamps[start : start + k] for start in range(0, len(plan.timestamps), k)]


def make_lesson(seed: int, mode: Mode, sampling: Sampling, chat: Chat) -> Lesson:
    """The lesson of one scene: every question there is; in video mode also open ones and a description of all clips."""
    scene = draw_scene(seed)
    plan = scene_plan(scene, mode, sampling)
    items = ask(scene, Video(f"{seed:07d}", Path()), everything=True)
    captions: list[str] = []
    asked: list[tuple[str, str, str]] = [
        (build_prompt(item), LETTERS[item.answer], item.truth.needs if item.truth else "") for item in items
    ]
    if plan:
        captions = [caption(scene, times, opening=i == 0) for i, times in enumerate(clip_times(plan))]
        said = [f"{clip_label(*clip)}{words}" for clip, words in zip(plan.clips, captions, strict=True)]
        asked.append((DESCRIBE, ",\n".join(said), "describe"))
    if mode is Mode.VIDEO:
        asked += [(item.question, item.options[item.answer], "open") for item in items]
        named = [replace(item, question=f"Choose {item.options[item.answer]}.") for item in items]
        asked += [(build_prompt(item), LETTERS[item.answer], "match") for item in named]
    questions, replies, kinds = zip(*asked, strict=True)
    tails, spoken = chat.tails(questions, seen=plan is not None), _ids(chat, replies)
    branches = tuple(
        Branch(tuple(tail), (*reply, chat.tokenizer.eos_token_id), kind)
        for tail, reply, kind in zip(tails, spoken, kinds, strict=True)
    )
    often = [quarter / 4 for quarter in range(int(scene.duration * 4))]
    summary, *words = (tuple(ids) for ids in _ids(chat, [caption(scene, often, opening=True), *captions]))
    return Lesson(seed, mode, tuple(chat.head(plan)) if plan else (), tuple(words), summary, branches)


def _ids(chat: Chat, texts: Sequence[str]) -> list[list[int]]:
    return chat.tokenizer(list(texts), add_special_tokens=False)["input_ids"]  # type: ignore[no-any-return]


def in_words(lesson: Lesson, tokens_per_clip: int) -> tuple[int, ...]:
    """The head with each clip's visual places replaced by its caption: the same lesson for a model of text alone."""
    words: list[int] = []
    clip, place = iter(lesson.captions), 0
    for token in lesson.head:
        if token != VISUAL:
            words.append(token)
            continue
        if place % tokens_per_clip == 0:
            words.extend(next(clip))
        place += 1
    return tuple(words)


def choose(lesson: Lesson, rng: np.random.Generator, limits: Mapping[str, int]) -> list[Branch]:
    """A random choice of a lesson's branches: at most `limits[kind]` of each kind, none where unnamed."""
    taken: dict[str, int] = {}
    chosen = []
    for number in rng.permutation(len(lesson.branches)):
        branch = lesson.branches[number]
        if taken.get(branch.kind, 0) < limits.get(branch.kind, 0):
            taken[branch.kind] = taken.get(branch.kind, 0) + 1
            chosen.append(branch)
    return chosen


def pack(heads: Sequence[Sequence[int]], branches: Sequence[Sequence[Branch]], pad: int) -> Packed:
    """One row per head with its branches, padded on the right."""
    rows = [_row(head, chosen) for head, chosen in zip(heads, branches, strict=True)]
    length = max(len(row[0]) for row in rows)
    fills = (pad, 0, -1, IGNORE, 0.0)
    columns = [
        torch.tensor([[*row[field], *[fill] * (length - len(row[field]))] for row in rows])
        for field, fill in enumerate(fills)
    ]
    return Packed(*columns)


def _row(
    head: Sequence[int], branches: Sequence[Branch]
) -> tuple[list[int], list[int], list[int], list[int], list[float]]:
    ids, positions, part = list(head), list(range(len(head))), [0] * len(head)
    targets, weights = [IGNORE] * len(head), [0.0] * len(head)
    for number, branch in enumerate(branches, 1):
        tokens = [*branch.asked, *branch.reply[:-1]]
        ids += tokens
        positions += range(len(head), len(head) + len(tokens))
        part += [number] * len(tokens)
        targets += [IGNORE] * (len(branch.asked) - 1) + list(branch.reply)
        first, later = (1.0, 0.1) if branch.choice else (WEIGHTS[branch.kind], WEIGHTS[branch.kind])
        weights += [0.0] * (len(branch.asked) - 1) + [first] + [later] * (len(branch.reply) - 1)
    return ids, positions, part, targets, weights

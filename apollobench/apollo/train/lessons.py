"""Scenes as token sequences: one shared beginning (the clips), then every question as its own branch behind it.

A packed row holds the beginning once; each branch attends to the beginning and to itself, and continues its positions.
So all questions of a video cost one pass, and every branch computes exactly what it would compute alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from apollobench.apollo.chat import Chat
from apollobench.apollo.model import IGNORE, VISUAL
from apollobench.apollo.train.corpus import ATTRIBUTES, CLIP_FRAMES, IDENTITIES, see
from apollobench.apollo.train.device import moved
from apollobench.evaluate.prompt import build_prompt
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.world import MOVING, Scene, draw_scene
from apollobench.types import LETTERS, FramePlan, Mode, Sampling, Video
from apollobench.video.sampling import sample_indices

MATCH, TELL = "match", "tell"
TELLING = "What happened?"
NUMBERS = ("one", "two", "three", "four", "five", "six")
BRIEF = Sampling(kind="clips", clip_frames=2)
MARKS = ("letters", "words", "hints", "recalls", "counts")


@dataclass(frozen=True, slots=True)
class Branch:
    """One question behind the beginning: its token ids, the reply's ids, and what it asks for.

    `kind` is what a multiple-choice question needs, `match` where it names its answer ("Choose red."), or `tell` where
    all that happened is to be told in order. `hint`: place in `asked` of the question's last token, and the token of
    the right option, where the question alone asks for it.
    """

    asked: tuple[int, ...]
    reply: tuple[int, ...]
    kind: str
    hint: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Lesson:
    """A scene as one mode shows it.

    head: token ids with `VISUAL` places. sights: what each clip's frames show. recalls: for each of these, the token of
    what came before it that was different, or IGNORE; counts: the token of the number of different things so far.
    """

    seed: int
    mode: Mode
    head: tuple[int, ...]
    sights: tuple[tuple[int, ...], ...]
    recalls: tuple[int, ...]
    counts: tuple[int, ...]
    branches: tuple[Branch, ...]

    @property
    def clips(self) -> int:
        return len(self.sights) // CLIP_FRAMES


class Marks(NamedTuple):
    """Tokens to be predicted. places, tokens: int64 [n], places in the flattened batch, in rising order."""

    places: Tensor
    tokens: Tensor

    def to(self, device: torch.device) -> Marks:
        return Marks(moved(self.places, device), moved(self.tokens, device))


@dataclass(frozen=True, slots=True)
class Packed:
    """A batch of rows. ids, positions, part: int64 [B, L]; part is 0 for the beginning, i for branch i, -1 for padding.

    visual: int64 [V], places of the visual vectors in the flattened batch. letters: the replies' option letters; words:
    all else of the replies; hints, recalls, counts: what `Branch` and `Lesson` call so.
    """

    ids: Tensor
    positions: Tensor
    part: Tensor
    visual: Tensor
    letters: Marks
    words: Marks
    hints: Marks
    recalls: Marks
    counts: Marks

    @property
    def mask(self) -> Tensor:
        """Additive attention mask [B, 1, L, L]: causal, and a branch sees only the beginning and itself."""
        length, device = self.ids.shape[1], self.ids.device
        asks, sees = self.part[:, :, None], self.part[:, None, :]
        allowed = torch.ones(length, length, device=device).tril().bool() & ((sees == 0) | (sees == asks))
        return torch.zeros(allowed.shape, device=device).masked_fill(~allowed, float("-inf"))[:, None]

    def to(self, device: torch.device) -> Packed:
        """The batch on `device`."""
        return Packed(
            moved(self.ids, device),
            moved(self.positions, device),
            moved(self.part, device),
            moved(self.visual, device),
            self.letters.to(device),
            self.words.to(device),
            self.hints.to(device),
            self.recalls.to(device),
            self.counts.to(device),
        )


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


def make_lesson(seed: int, mode: Mode, sampling: Sampling | None, chat: Chat) -> Lesson:
    """The lesson of one scene: every question there is, and each once more with its answer named.

    Without a sampling the scene is shown in brief: each segment is a clip of one frame.
    """
    scene = draw_scene(seed)
    plan = _brief_plan(scene, mode) if sampling is None else scene_plan(scene, mode, sampling)
    shown = clip_times(plan) if plan else []
    sights = [sight for times in shown for sight in see(scene, times)]
    if sampling is None:
        chat, sights = replace(chat, tokens_per_clip=1), sights[::2]
    branches = _questions(scene, mode, chat)
    if mode is Mode.VIDEO:
        (story,) = _ids(chat, [" ".join(_story(scene, shown))])
        asked = chat.tail(TELLING, seen=True)
        branches.append(Branch(tuple(asked), (*story, chat.tokenizer.eos_token_id), TELL, None))
    head = tuple(chat.head(plan)) if plan else ()
    recalls, counts = _memory(chat, sights)
    return Lesson(seed, mode, head, tuple(sights), recalls, counts, tuple(branches))


def _questions(scene: Scene, mode: Mode, chat: Chat) -> list[Branch]:
    asked = ask(scene, Video(f"{scene.seed:07d}", Path()), everything=True)
    named = [replace(item, question=f"Choose {item.options[item.answer]}.") for item in asked]
    items = [*asked, *named]
    kinds = [*(item.truth.needs if item.truth else "" for item in asked), *(MATCH for _ in named)]
    tails = chat.tails([build_prompt(item) for item in items], seen=mode is not Mode.TEXT)
    answers = _ids(chat, [item.options[item.answer] for item in items])
    letters = _ids(chat, [LETTERS[item.answer] for item in items])
    first, end = _ids(chat, ["\nA. "])[0][0], chat.tokenizer.eos_token_id
    branches = []
    for item, kind, tail, answer, letter in zip(items, kinds, tails, answers, letters, strict=True):
        hinted = kind == MATCH or (mode is Mode.VIDEO and "never" not in item.question)
        hint = (tail.index(first) - 1, answer[0]) if hinted else None
        branches.append(Branch(tuple(tail), (*letter, end), kind, hint))
    return branches


def _memory(chat: Chat, sights: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """`recalls` and `counts` of a lesson."""
    names = [IDENTITIES[ATTRIBUTES[i][1]] for sight in sights for i in sight if ATTRIBUTES[i][0] == "identity"]
    tokens = dict(zip(IDENTITIES, (ids[0] for ids in _ids(chat, IDENTITIES)), strict=True))
    numbers = [ids[0] for ids in _ids(chat, NUMBERS)]
    recalls = tuple(tokens.get(before, IGNORE) for before in _before(names))
    return recalls, tuple(numbers[len(set(names[: place + 1])) - 1] for place in range(len(names)))


def _before(names: Sequence[str]) -> Iterator[str]:
    """For each name the nearest earlier one that is different, or nothing."""
    before = ""
    for number, name in enumerate(names):
        if number and names[number - 1] != name:
            before = names[number - 1]
        yield before


def _brief_plan(scene: Scene, mode: Mode) -> FramePlan | None:
    """Two times of each segment; a lesson in brief keeps the sight at the first."""
    if mode is Mode.TEXT:
        return None
    clips = tuple(((s.start + s.end) / 2, s.end - 0.05) for s in scene.segments)
    times = tuple(time for clip in clips for time in clip)
    return FramePlan(BRIEF, tuple(range(len(times))), times, clips, scene.duration)


def _story(scene: Scene, clips: Sequence[Sequence[float]]) -> Iterator[str]:
    """What happened, segment by segment, as far as these frame times of clips show it."""
    shown = [[scene.segment_at(time) for time in times] for times in clips]
    for segment in dict.fromkeys(segment for clip in shown for segment in clip):
        yield segment.identity
        if segment.action and (scene.kind not in MOVING or any(clip.count(segment) > 1 for clip in shown)):
            yield from (segment.action, segment.speed)


def _ids(chat: Chat, texts: Sequence[str]) -> list[list[int]]:
    return chat.tokenizer(list(texts), add_special_tokens=False)["input_ids"]  # type: ignore[no-any-return]


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


@dataclass(slots=True)
class Row:
    """One row of a batch while it is made; pairs are (place, token)."""

    ids: list[int]
    positions: list[int]
    part: list[int]
    visual: list[int]
    marks: dict[str, list[tuple[int, int]]]


def pack(lessons: Sequence[Lesson | None], branches: Sequence[Sequence[Branch]], pad: int) -> Packed:
    """One row per lesson (None: no scene) with the branches given, padded on the right."""
    rows = [_row(lesson, chosen) for lesson, chosen in zip(lessons, branches, strict=True)]
    length = max(len(row.ids) for row in rows)

    def grid(lists: Iterable[Sequence[int]], filler: int) -> Tensor:
        return _tensor([[*values, *[filler] * (length - len(values))] for values in lists])

    def marks(name: str) -> Marks:
        pairs = [(n * length + place, token) for n, row in enumerate(rows) for place, token in row.marks[name]]
        return Marks(*_tensor(pairs).view(-1, 2).t().contiguous())

    return Packed(
        grid((row.ids for row in rows), pad),
        grid((row.positions for row in rows), 0),
        grid((row.part for row in rows), -1),
        _tensor([n * length + place for n, row in enumerate(rows) for place in row.visual]),
        *map(marks, MARKS),
    )


def _tensor(numbers: Sequence[Any]) -> Tensor:
    return torch.from_numpy(np.array(numbers, np.int64))  # a fifth of the time that torch.tensor takes


def _row(lesson: Lesson | None, branches: Sequence[Branch]) -> Row:
    head = lesson.head if lesson else ()
    visual = [place for place, token in enumerate(head) if token == VISUAL]
    row = Row([*head], [*range(len(head))], [0] * len(head), visual, {name: [] for name in MARKS})
    if lesson:
        row.marks["recalls"] = _known(visual, lesson.recalls)
        row.marks["counts"] = _known(visual, lesson.counts)
    for number, branch in enumerate(branches, 1):
        _append(row, branch, number, len(head))
    return row


def _known(places: Sequence[int], tokens: Sequence[int]) -> list[tuple[int, int]]:
    return [(place, token) for place, token in zip(places, tokens, strict=True) if token != IGNORE]


def _append(row: Row, branch: Branch, number: int, start: int) -> None:
    """A branch behind a beginning of `start` tokens; the last asked token predicts the reply's first."""
    here, length = len(row.ids), len(branch.asked) + len(branch.reply) - 1
    row.ids += branch.asked
    row.ids += branch.reply[:-1]
    row.positions += range(start, start + length)
    row.part += [number] * length
    if branch.hint:
        row.marks["hints"].append((here + branch.hint[0], branch.hint[1]))
    reply, letters = list(enumerate(branch.reply, here + len(branch.asked) - 1)), int(branch.kind != TELL)
    row.marks["letters"] += reply[:letters]
    row.marks["words"] += reply[letters:]

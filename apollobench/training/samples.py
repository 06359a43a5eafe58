"""From a conversation to what the model reads: token ids, labels, and the clips of its videos or images.

A video or an image that cannot be read, or a conversation that is too long, is not dropped in silence: its place goes
to the next sample of its kind, and what was passed over is handed on with it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from apollobench.apollo.chat import Chat
from apollobench.apollo.config import VisionConfig
from apollobench.apollo.processing import make_clips
from apollobench.errors import InputError
from apollobench.training.mixture import Draw
from apollobench.training.recipe import Kind
from apollobench.training.records import Records, Sample
from apollobench.types import FramePlan, Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import Probe, probe

DECODED_CLIPS = 16  # clips whose frames are in memory at their full size at once


@dataclass(frozen=True, slots=True)
class Encoded:
    """ids, labels: [L]. clips: one tensor per tower, `[Nc, ...]`. spaced: the length limit, not the recipe, set Nc."""

    ids: Tensor
    labels: Tensor
    clips: list[Tensor]
    spaced: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A sample that was passed over, and why."""

    sample: str
    reason: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a draw gave; `encoded` None when none of its candidates could be used."""

    encoded: Encoded | None
    failures: tuple[Failure, ...]


@dataclass(frozen=True)
class Reader(torch.utils.data.Dataset[Drawn]):
    """Reads draws. pools: the files of each kind, numbered through. dtype: of the clips."""

    pools: Mapping[Kind, Sequence[Records]]
    chat: Chat
    vision: VisionConfig | None
    sampling: Sampling
    max_length: int
    dtype: torch.dtype

    def __getitem__(self, draw: Draw) -> Drawn:
        failures: list[Failure] = []
        for number in draw.candidates:
            sample = self._find(draw.kind, number)
            try:
                return Drawn(self.encode(sample), tuple(failures))
            except InputError as error:
                failures.append(Failure(sample.name, str(error)))
        return Drawn(None, tuple(failures))

    def encode(self, sample: Sample) -> Encoded:
        """Raises `InputError` for media that cannot be read, and for a text that alone is too long."""
        probes = [probe(path) for path in sample.media] if sample.is_video else []
        clips = most = clip_limit(self.sampling)
        plans, ids, labels = self._written(sample, probes, clips)
        if len(ids) > self.max_length:
            clips = bisect_right(
                range(1, most), self.max_length, key=lambda fewer: len(self._written(sample, probes, fewer)[1])
            )
            plans, ids, labels = self._written(sample, probes, max(clips, 1))
        if len(ids) > self.max_length:
            raise InputError(f"has {len(ids)} tokens at the least, but the model takes {self.max_length}")
        pictures = [self._clips(one, each) for one, each in zip(probes, plans, strict=True)]
        if not sample.is_video:
            pictures = [self._shown(read_image(path)) for path in sample.media]
        towers = zip(*pictures, strict=True) if pictures else ([x] for x in self.blank())
        return Encoded(torch.tensor(ids), torch.tensor(labels), [torch.cat(list(x)) for x in towers], clips < most)

    def blank(self) -> list[Tensor]:
        """No clips: what each tower takes, with Nc = 0."""
        return [x[:0] for x in self._shown(np.zeros((1, 8, 8, 3), np.uint8))] if self.vision else []

    def _find(self, kind: Kind, number: int) -> Sample:
        for records in self.pools[kind]:
            if number < len(records):
                return records[number]
            number -= len(records)
        raise IndexError(number)

    def _written(
        self, sample: Sample, probes: Sequence[Probe], clips: int
    ) -> tuple[list[FramePlan], list[int], list[int]]:
        """Plans of at most `clips` clips for each video, and the ids and labels of the conversation with them."""
        sampling = limited(self.sampling, clips)
        plans = [plan(one, sampling) for one in probes]
        return plans, *self.chat.conversation(sample.turns, plans or [None] * len(sample.media))

    def _clips(self, video: Probe, shown: FramePlan) -> list[Tensor]:
        """The clips of a video, decoded some at a time."""
        span = DECODED_CLIPS * shown.sampling.clip_frames
        parts = [
            self._shown(decode(video, shown.indices[start : start + span]))
            for start in range(0, len(shown.indices), span)
        ]
        return [torch.cat(tower) for tower in zip(*parts, strict=True)]

    def _shown(self, frames: NDArray[np.uint8]) -> list[Tensor]:
        assert self.vision is not None
        return [clips.to(self.dtype) for clips in make_clips(frames, self.vision)]


def clip_limit(sampling: Sampling) -> int:
    """The most clips that a video can have, for the samplings of recipes."""
    if sampling.frames is not None:
        return -(-sampling.frames // sampling.clip_frames)
    return sampling.token_budget if sampling.kind == "released" else sampling.max_clips or 1


def limited(sampling: Sampling, clips: int) -> Sampling:
    """The same sampling with at most `clips` clips, spaced further apart where there would be more."""
    if sampling.frames is not None:
        return replace(sampling, frames=min(sampling.frames, clips * sampling.clip_frames))
    if sampling.kind == "released":
        return replace(sampling, token_budget=clips)
    return replace(sampling, max_clips=clips)


def read_image(path: Path) -> NDArray[np.uint8]:
    """A picture as uint8 RGB [1, height, width, 3]. Raises `InputError` that names the file."""
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))[None]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a readable picture: {error}") from error

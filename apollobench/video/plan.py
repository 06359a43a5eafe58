"""Which frames a model sees in each mode, decided from the probe alone, before anything is decoded."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.types import FramePlan, Mode, Sampling, digest
from apollobench.video.probe import Probe
from apollobench.video.sampling import released_indices, sample_indices

KINDS = ("uniform", "fps", "clips", "released", "center")
POSITIVE = ("frames", "fps", "clip_seconds", "clip_frames", "max_clips", "tokens_per_clip", "token_budget", "ratio")


def plan(probe: Probe, sampling: Sampling, size: tuple[int, int] | None = None) -> FramePlan:
    """The frames of `sampling`, always whole clips of `clip_frames`: the last frame is repeated to fill the last clip.

    Timestamps are presentation times in seconds; a clip's bounds are those of its first and last frame. For `released`
    the bounds and the duration are index / average fps, as that loader states them to the model.
    Raises InputError if `sampling` lacks a field that its kind needs or holds one that makes no sense.
    """
    _check(sampling)
    released = sampling.kind == "released"
    indices = _indices(probe.times, probe.duration, probe.fps, sampling)
    times = tuple(float(probe.times[index]) for index in indices)
    stated = tuple(index / probe.fps for index in indices) if released else times
    k = sampling.clip_frames
    return FramePlan(
        sampling=sampling,
        indices=indices,
        timestamps=times,
        clips=tuple((stated[first], stated[first + k - 1]) for first in range(0, len(stated), k)),
        duration=probe.frames / probe.fps if released else probe.duration,
        size=size,
    )


def frames_shown(duration: float, sampling: Sampling, fps: float = 30.0) -> int:
    """How many frames `plan` takes of a video of `duration` seconds with a steady `fps`, before one is at hand.

    Raises InputError as `plan` does.
    """
    _check(sampling)
    frames = max(1, math.ceil(duration * fps))
    return len(_indices(np.arange(frames) / fps, frames / fps, fps, sampling))


def plan_for_mode(
    probe: Probe, mode: Mode, sampling: Sampling, item_fingerprint: str, size: tuple[int, int] | None = None
) -> FramePlan | None:
    """The plan of one mode: None for text, one clip of the center frame, the model's own sampling, or that shuffled.

    Shuffling is seeded by the item and changes only which picture stands in which place; timestamps and clip bounds
    stay, and the order always differs unless all pictures are the same.
    """
    if mode is Mode.TEXT:
        return None
    if mode is Mode.FRAME:
        return plan(probe, Sampling(kind="center", clip_frames=sampling.clip_frames), size)
    ordered = plan(probe, sampling, size)
    if mode is Mode.VIDEO:
        return ordered
    return replace(ordered, indices=shuffled(ordered.indices, item_fingerprint))


def shuffled(indices: Sequence[int], item_fingerprint: str) -> tuple[int, ...]:
    """A permutation of `indices` fixed by the item's fingerprint, different from them where possible."""
    order = list(indices)
    random.Random(digest(["shuffled", item_fingerprint])).shuffle(order)
    while order == list(indices) and len(set(indices)) > 1:
        order = order[1:] + order[:1]
    return tuple(order)


def _indices(times: NDArray[np.float64], duration: float, fps: float, sampling: Sampling) -> tuple[int, ...]:
    if sampling.kind == "released":
        indices = released_indices(len(times), fps, sampling)
    else:
        indices = sample_indices(times, duration, sampling)
    return indices + (indices[-1],) * (-len(indices) % sampling.clip_frames)


def _check(sampling: Sampling) -> None:
    if sampling.kind not in KINDS:
        raise InputError(f"unknown sampling {sampling.kind!r}; the kinds are {', '.join(KINDS)}.")
    for name in POSITIVE:
        value = getattr(sampling, name)
        if value is not None and not value > 0:
            raise InputError(f"sampling `{sampling.kind}` has {name} = {value}; it must be above 0.")

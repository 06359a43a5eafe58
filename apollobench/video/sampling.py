"""Sampling arithmetic: frame numbers from frame times, or from a frame count and a rate. Pure functions.

`uniform`, `fps`, `clips` and `center` choose moments and take the frame on screen at each, told from the true table of
presentation times. So a video with a changing frame rate is sampled evenly in time, and moments past the end give the
last frame. `uniform`, `clips` and `center` take the middles of equal parts of the video or the clip, `fps` the ticks of
a clock that starts with the video. `released` repeats the index arithmetic of the released Apollo loader, which knows
only a frame count and an average rate.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.types import Sampling

TOLERANCE = 1e-6

Number = TypeVar("Number", int, float)


def sample_indices(times: NDArray[np.float64], duration: float, sampling: Sampling) -> tuple[int, ...]:
    """Frame numbers of `uniform`, `fps`, `clips` or `center` for frames shown at `times` [frames], in seconds.

    The numbers do not decrease, except that a last clip moved back to fit the video starts before its predecessor ends.
    Raises InputError if `uniform` lacks `frames` or `fps` lacks `fps`.
    """
    if sampling.kind == "uniform":
        moments = cell_middles(0.0, duration, _needed(sampling, "frames", sampling.frames))
    elif sampling.kind == "fps":
        moments = fps_moments(duration, _needed(sampling, "fps", sampling.fps), sampling.frames)
    elif sampling.kind == "clips":
        starts = clip_starts(duration, sampling.clip_seconds, sampling.max_clips)
        moments = np.concatenate([cell_middles(s, sampling.clip_seconds, sampling.clip_frames) for s in starts])
    else:
        moments = cell_middles(0.0, duration, 1)
    return frames_at(times, moments)


def _needed(sampling: Sampling, name: str, value: Number | None) -> Number:
    if value is None:
        raise InputError(f"sampling `{sampling.kind}` needs `{name}`, which is not set.")
    return value


def frames_at(times: NDArray[np.float64], moments: NDArray[np.float64]) -> tuple[int, ...]:
    """Number of the frame on screen at each moment: the last whose time is not later; the first frame before that."""
    found = np.searchsorted(times, moments + TOLERANCE, side="right") - 1
    return tuple(int(index) for index in np.maximum(found, 0))


def cell_middles(start: float, seconds: float, cells: int) -> NDArray[np.float64]:
    """Middles of `cells` equal parts of the `seconds` after `start`: float64 [cells]."""
    return np.asarray(start + (np.arange(cells) + 0.5) * (seconds / cells), np.float64)


def fps_moments(duration: float, fps: float, limit: int | None) -> NDArray[np.float64]:
    """Every 1/fps seconds from 0 to before the end; more moments than `limit` become `limit` middles of equal parts."""
    moments = max(1, math.ceil(duration * fps - TOLERANCE))
    if limit is not None and moments > limit:
        return cell_middles(0.0, duration, limit)
    return np.arange(moments) / fps


def clip_starts(duration: float, clip_seconds: float, limit: int | None) -> tuple[float, ...]:
    """Start times of ceil(duration / clip_seconds) clips, back to back; the last is moved back to end with the video.

    With more clips than `limit`, the video is cut into `limit` equal parts and a clip stands in the middle of each.
    """
    clips = max(1, math.ceil(duration / clip_seconds - TOLERANCE))
    if limit is not None and clips > limit:
        part = duration / limit
        return tuple((clip + 0.5) * part - clip_seconds / 2 for clip in range(limit))
    latest = max(0.0, duration - clip_seconds)
    return tuple(min(clip * clip_seconds, latest) for clip in range(clips))


def released_indices(frames: int, fps: float, sampling: Sampling) -> tuple[int, ...]:
    """Frame numbers of the released Apollo loader: clips of `clip_frames` frames over about `clip_seconds` seconds.

    Its oddities are kept: the frame step is truncated (25 fps is read every 12 frames), and the last clips overlap when
    a partial clip is rounded up. Below 1 frame per clip it is undefined in the original; here its clip then is one
    frame, repeated.
    """
    d, k = sampling.clip_seconds, sampling.clip_frames
    clips = released_clips(frames, fps, sampling)
    step = fps * d / k
    part = frames // clips
    if step > 0.5:
        stride = max(1, int(step))
        length = k * stride
        offsets = np.arange(0, min(length, frames), stride)
    else:
        length = max(1, int(fps * d))
        offsets = np.repeat(np.arange(length), math.ceil(1 / step))
    if step > 0.5 and part > length:
        base = np.clip((part - length) // 2 + stride * np.arange(k), 0, part - 1)
        return tuple(int(index) for clip in range(clips) for index in base + clip * part)
    span = min(length, frames)
    base = np.clip(_filled(offsets, k, span), 0, span - 1)
    gap = (frames - length) // max(1, clips - 1) if frames > length else 0
    return tuple(int(index) for clip in range(clips) for index in base + clip * gap)


def released_clips(frames: int, fps: float, sampling: Sampling) -> int:
    """Number of clips that fit `ratio` of the token budget, at `tokens_per_clip` for every `clip_seconds`."""
    duration = frames / fps
    tokens = duration * sampling.tokens_per_clip / sampling.clip_seconds
    ratio = min(1.0, sampling.token_budget * sampling.ratio / tokens)
    return max(1, math.ceil(duration / sampling.clip_seconds * ratio))


def _filled(offsets: NDArray[np.int64], count: int, last: int) -> NDArray[np.int64]:
    """Exactly `count` offsets: cut, or filled up with `last`."""
    return np.concatenate([offsets[:count], np.full(max(0, count - len(offsets)), last, np.int64)])

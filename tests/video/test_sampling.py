"""Sampling arithmetic: golden values of the released loader, and properties that hold for every video."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from apollobench.types import Sampling
from apollobench.video.sampling import clip_starts, released_clips, released_indices, sample_indices

seconds = st.floats(0.1, 600)
gaps = st.lists(st.floats(0.001, 3.0), min_size=0, max_size=200)
samplings = st.one_of(
    st.builds(Sampling, kind=st.just("uniform"), frames=st.integers(1, 300)),
    st.builds(Sampling, kind=st.just("fps"), fps=st.floats(0.05, 10), frames=st.none() | st.integers(1, 50)),
    st.builds(
        Sampling,
        kind=st.just("clips"),
        clip_seconds=st.floats(0.5, 10),
        clip_frames=st.integers(1, 16),
        max_clips=st.integers(1, 40),
    ),
    st.builds(Sampling, kind=st.just("center")),
)


def even(frames: int, fps: float) -> tuple[NDArray[np.float64], float]:
    """Times and duration of a video with a constant frame rate."""
    return np.arange(frames) / fps, frames / fps


@given(gaps, st.floats(0.001, 3.0), samplings)
def test_indices_are_in_range_and_in_order_within_a_clip(gaps: list[float], last: float, sampling: Sampling) -> None:
    times = np.concatenate([[0.0], np.cumsum(gaps)])
    indices = sample_indices(times, float(times[-1]) + last, sampling)
    assert all(0 <= index < len(times) for index in indices)
    clip = sampling.clip_frames if sampling.kind == "clips" else len(indices)
    assert len(indices) % clip == 0
    for first in range(0, len(indices), clip):
        assert list(indices[first : first + clip]) == sorted(indices[first : first + clip])


@given(st.integers(1, 5000), st.floats(0.2, 120), st.integers(1, 400))
def test_uniform_gives_the_frames_asked_for_spread_over_the_video(frames: int, fps: float, wanted: int) -> None:
    indices = sample_indices(*even(frames, fps), Sampling("uniform", frames=wanted))
    assert len(indices) == wanted
    part = frames / wanted
    assert all(abs(index + 0.5 - (n + 0.5) * part) <= 0.5 + 1e-3 for n, index in enumerate(indices))


def test_uniform_by_hand() -> None:
    assert sample_indices(*even(100, 25.0), Sampling("uniform", frames=4)) == (12, 37, 62, 87)
    assert sample_indices(*even(3, 25.0), Sampling("uniform", frames=6)) == (0, 0, 1, 1, 2, 2)
    assert sample_indices(*even(1, 25.0), Sampling("uniform", frames=3)) == (0, 0, 0)


def test_fps_by_hand() -> None:
    assert sample_indices(*even(100, 25.0), Sampling("fps", fps=1.0)) == (0, 25, 50, 75)
    assert sample_indices(*even(101, 25.0), Sampling("fps", fps=1.0)) == (0, 25, 50, 75, 100)
    assert sample_indices(*even(100, 25.0), Sampling("fps", fps=1.0, frames=2)) == (25, 75)
    assert sample_indices(*even(3, 1.0), Sampling("fps", fps=2.0)) == (0, 0, 1, 1, 2, 2)
    assert sample_indices(*even(1, 30.0), Sampling("fps", fps=2.0)) == (0,)


@pytest.mark.parametrize(("frames", "center"), [(1, 0), (2, 1), (3, 1), (4, 2), (4800, 2400), (7201, 3600)])
def test_center_is_the_frame_in_the_middle(frames: int, center: int) -> None:
    for fps in (4.0, 24000 / 1001, 30000 / 1001, 30.0):
        assert sample_indices(*even(frames, fps), Sampling("center")) == (center,)


def test_center_of_a_changing_rate_is_the_middle_of_time() -> None:
    times = np.array([0.0, 0.1, 0.2, 0.3, 9.0])
    assert sample_indices(times, 10.0, Sampling("center")) == (3,)


def test_clips_by_hand() -> None:
    short = Sampling("clips", clip_seconds=2.0, clip_frames=4)
    assert sample_indices(*even(100, 25.0), short) == (6, 18, 31, 43, 56, 68, 81, 93)
    assert sample_indices(*even(125, 25.0), short)[-4:] == (81, 93, 106, 118), "the last clip ends with the video"
    assert sample_indices(*even(10, 25.0), short) == (6, 9, 9, 9), "past the end the last frame stays"
    assert sample_indices(*even(1, 25.0), short) == (0, 0, 0, 0)


def test_a_limit_spaces_clips_and_not_frames() -> None:
    few = Sampling("clips", clip_seconds=2.0, clip_frames=4, max_clips=3)
    indices = np.array(sample_indices(*even(3000, 25.0), few)).reshape(3, 4)
    assert (np.diff(indices[:, 0]) == 1000).all()
    assert (indices[:, -1] - indices[:, 0] <= 38).all()
    assert indices[1].mean() == pytest.approx(1499.5, abs=1.0)


@given(seconds, st.floats(0.5, 20), st.none() | st.integers(1, 50))
def test_clips_lie_in_the_video_and_cover_it(duration: float, length: float, limit: int | None) -> None:
    starts = clip_starts(duration, length, limit)
    whole = int(np.ceil(duration / length - 1e-6)) or 1
    assert len(starts) == min(whole, limit or whole)
    assert list(starts) == sorted(starts)
    assert starts[0] >= -1e-9
    assert starts[-1] + length <= max(duration, length) + 1e-6
    if len(starts) == whole:
        edges = [*starts, duration]
        assert max(np.diff(edges)) <= length + 1e-4, "no part of the video is left out"


@given(st.integers(1, 20000), st.floats(0.05, 240), st.integers(1, 32), st.sampled_from([1024, 16384, 32768]))
def test_released_indices_are_whole_clips_in_range(frames: int, fps: float, k: int, budget: int) -> None:
    sampling = Sampling("released", clip_frames=k, token_budget=budget)
    indices = np.array(released_indices(frames, fps, sampling))
    clips = released_clips(frames, fps, sampling)
    assert len(indices) == clips * k
    assert clips * sampling.tokens_per_clip <= max(budget, sampling.tokens_per_clip)
    assert indices.min() >= 0
    assert indices.max() < frames
    assert (np.diff(indices.reshape(clips, k), axis=1) >= 0).all()
    assert (np.diff(indices.reshape(clips, k)[:, 0]) >= 0).all()


@pytest.mark.parametrize(
    ("frames", "fps", "clips"),
    [
        (150, 25.0, [[1, 13, 25, 37], [51, 63, 75, 87], [101, 113, 125, 137]]),
        (30, 30.0, [[0, 15, 29, 29]]),
        (10, 25.0, [[0, 9, 9, 9]]),
        (1, 25.0, [[0, 0, 0, 0]]),
        (4, 0.5, [[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 2, 2], [3, 3, 3, 3]]),
        (2, 0.2, [[0, 0, 0, 0]] * 2 + [[0, 0, 0, 0]] * 2 + [[1, 1, 1, 1]]),
    ],
)
def test_released_by_hand(frames: int, fps: float, clips: list[list[int]]) -> None:
    indices = np.array(released_indices(frames, fps, Sampling("released"))).reshape(-1, 4)
    if fps >= 0.25:
        assert indices.tolist() == clips
    else:
        assert len(indices) == len(clips), "undefined in the original, but whole and in range here"
        assert indices.max() < frames


def test_released_equals_every_golden_entry(shared: Path) -> None:
    entries: list[dict[str, Any]] = json.loads((shared / "data/apollo_golden/sampling.json").read_text())
    assert entries
    for entry in entries:
        fps = entry["fps"]
        sampling = Sampling(
            "released",
            token_budget=entry["model_max_length"],
            tokens_per_clip=entry["num_output_tokens"],
            ratio=entry["clip_sampling_ratio"],
        )
        indices = released_indices(entry["total_frames"], fps, sampling)
        clips = [list(indices[first : first + 4]) for first in range(0, len(indices), 4)]
        stamps = [f"{round(clip[0] / fps, 1)}-{round(clip[-1] / fps, 1)} seconds: " for clip in clips]
        assert len(clips) == entry["num_clips"]
        if "clips" in entry:
            assert (clips, stamps) == (entry["clips"], entry["timestamps"])
        else:
            assert (clips[:6], clips[-6:]) == (entry["clips_first6"], entry["clips_last6"])
            assert (stamps[:6], stamps[-6:]) == (entry["timestamps_first6"], entry["timestamps_last6"])
            assert sum(indices) == entry["sum_of_indices"]

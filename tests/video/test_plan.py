"""Plans of real files in every mode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.errors import InputError
from apollobench.types import Mode, Sampling
from apollobench.video.plan import plan, plan_for_mode, shuffled
from apollobench.video.probe import Probe, probe

CLIPS = Sampling("clips", clip_seconds=1.0, clip_frames=4)


@pytest.fixture
def video(clip: Callable[..., Path]) -> Probe:
    return probe(clip("plain.mp4"))


def test_a_plan_states_true_times(clip: Callable[..., Path]) -> None:
    ticks = [n * n // 3 + n for n in range(60)]
    shape = probe(clip("vfr.mp4", ticks=ticks, time_base=Fraction(1, 600)))
    chosen = plan(shape, Sampling("uniform", frames=8))
    assert chosen.timestamps == pytest.approx([ticks[index] / 600 for index in chosen.indices])
    assert chosen.clips == tuple((chosen.timestamps[n], chosen.timestamps[n + 3]) for n in (0, 4))
    assert chosen.duration == shape.duration
    middle = shape.duration / 2
    after = [time for time in shape.times if time > middle]
    assert after[0] > plan(shape, Sampling("center")).timestamps[0] <= middle


def test_released_plan_states_index_over_rate(clip: Callable[..., Path]) -> None:
    shape = probe(clip("ntsc.mp4", rate=Fraction(30000, 1001)))
    chosen = plan(shape, Sampling("released"))
    assert chosen.duration == pytest.approx(60 * 1001 / 30000)
    assert chosen.clips == tuple((chosen.indices[n] / shape.fps, chosen.indices[n + 3] / shape.fps) for n in (0, 4))


@pytest.mark.parametrize("sampling", [Sampling("uniform", frames=6), Sampling("fps", fps=3.0), Sampling("center")])
def test_the_last_clip_is_filled_with_the_last_frame(sampling: Sampling, video: Probe) -> None:
    chosen = plan(video, sampling)
    assert len(chosen.indices) % 4 == 0
    assert len(chosen.indices) == len(chosen.timestamps) == 4 * len(chosen.clips)
    assert chosen.indices[-2] == chosen.indices[-1]
    one = plan(video, replace(sampling, clip_frames=1))
    assert chosen.indices[: len(one.indices)] == one.indices


def test_the_size_is_carried_and_hashed(video: Probe) -> None:
    native, small = plan(video, CLIPS), plan(video, CLIPS, size=(48, 64))
    assert (native.size, small.size) == (None, (48, 64))
    assert native.fingerprint != small.fingerprint
    assert small.fingerprint == plan(video, CLIPS, size=(48, 64)).fingerprint


def test_modes(video: Probe) -> None:
    ordered = plan_for_mode(video, Mode.VIDEO, CLIPS, "item", (48, 64))
    frame = plan_for_mode(video, Mode.FRAME, CLIPS, "item", (48, 64))
    assert plan_for_mode(video, Mode.TEXT, CLIPS, "item") is None
    assert ordered == plan(video, CLIPS, (48, 64))
    assert frame is not None
    assert frame.indices == (30,) * 4
    assert (frame.timestamps, frame.clips, frame.size) == ((1.0,) * 4, ((1.0, 1.0),), (48, 64))


def test_shuffling_permutes_pictures_and_nothing_else(video: Probe) -> None:
    ordered = plan_for_mode(video, Mode.VIDEO, CLIPS, "item")
    mixed = plan_for_mode(video, Mode.SHUFFLED, CLIPS, "item")
    other = plan_for_mode(video, Mode.SHUFFLED, CLIPS, "another item")
    assert ordered is not None
    assert mixed is not None
    assert other is not None
    assert mixed.indices != ordered.indices
    assert Counter(mixed.indices) == Counter(ordered.indices)
    assert replace(mixed, indices=ordered.indices) == ordered
    assert mixed == plan_for_mode(video, Mode.SHUFFLED, CLIPS, "item")
    assert mixed.indices != other.indices
    assert len({ordered.fingerprint, mixed.fingerprint, other.fingerprint}) == 3


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.text(max_size=5))
def test_shuffling_changes_the_order_wherever_it_can(indices: list[int], fingerprint: str) -> None:
    mixed = shuffled(indices, fingerprint)
    assert sorted(mixed) == sorted(indices)
    assert (list(mixed) == indices) == (len(set(indices)) == 1)


@pytest.mark.parametrize(
    ("sampling", "message"),
    [
        (Sampling("uniform"), "sampling `uniform` needs `frames`"),
        (Sampling("fps"), "sampling `fps` needs `fps`"),
        (Sampling("uniform", frames=0), "frames = 0; it must be above 0"),
        (Sampling("fps", fps=-1.0), r"fps = -1\.0"),
        (Sampling("fps", fps=float("nan")), "fps = nan"),
        (Sampling("clips", clip_frames=0), "clip_frames = 0"),
        (Sampling("clips", max_clips=0), "max_clips = 0"),
        (Sampling("dense"), "unknown sampling 'dense'; the kinds are uniform, fps, clips, released, center"),  # type: ignore[arg-type]
    ],
)
def test_a_sampling_that_lacks_something_is_refused(sampling: Sampling, message: str, video: Probe) -> None:
    with pytest.raises(InputError, match=message):
        plan(video, sampling)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_videos_have_every_plan(frames: int, clip: Callable[..., Path]) -> None:
    shape = probe(clip(f"frames{frames}.mp4", frames=frames))
    for sampling in (Sampling("uniform", frames=8), Sampling("fps", fps=2.0), CLIPS, Sampling("released")):
        for mode in (Mode.FRAME, Mode.VIDEO, Mode.SHUFFLED):
            chosen = plan_for_mode(shape, mode, sampling, "item")
            assert chosen is not None
            assert set(chosen.indices) <= set(range(frames))
            assert len(chosen.indices) % 4 == 0

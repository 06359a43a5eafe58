"""What a token budget buys: the paper's arithmetic, limits that hold, and advice that works."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.errors import InputError
from apollobench.report.budget import budget_markdown
from apollobench.types import Sampling
from apollobench.video.budget import Budget, clips_that_fit, fitted

HOUR = Budget(duration=3600, fps=2, tokens_per_clip=128, budget=16384)


def test_an_hour_at_the_released_sizes() -> None:
    assert (HOUR.clips, HOUR.wanted, HOUR.tokens) == (83, 1800, 83 * 128)
    assert (HOUR.clip_seconds, HOUR.tokens_per_frame, HOUR.tokens_per_second) == (2, 32, 64)
    assert HOUR.coverage == pytest.approx(166 / 3600)
    assert HOUR.saturated == "budget"


@pytest.mark.parametrize(
    ("fps", "tokens", "tps", "tpf"), [(4, 512, 512, 128), (2, 64, 32, 16), (0.5, 8, 1, 2), (1, 128, 32, 32)]
)
def test_rates_are_those_of_the_papers_table(fps: float, tokens: int, tps: float, tpf: float) -> None:
    budget = replace(HOUR, fps=fps, tokens_per_clip=tokens)
    assert (budget.tokens_per_second, budget.tokens_per_frame) == (tps, tpf)


@given(
    duration=st.floats(0.1, 1e5),
    fps=st.floats(0.1, 30),
    tokens=st.integers(1, 512),
    frames=st.integers(1, 16),
    limit=st.none() | st.integers(1, 100),
)
def test_limits_hold(duration: float, fps: float, tokens: int, frames: int, limit: int | None) -> None:
    budget = Budget(duration, fps, tokens, 16384, frames, max_clips=limit)
    assert 1 <= budget.clips <= budget.wanted
    assert budget.tokens <= 0.65 * 16384 + 1e-6
    assert budget.clips <= (limit or budget.clips)
    assert 0 < budget.coverage <= 1
    assert (budget.saturated == "duration") == (budget.clips == budget.wanted)


def test_the_advice_lifts_the_limit() -> None:
    text = budget_markdown(HOUR)
    found = re.search(r"--budget (\d+), --tokens_per_clip (\d+) or --fps ([\d.]+)\.", text)
    assert found
    more, fewer, slower = int(found[1]), int(found[2]), float(found[3])
    for change in ({"budget": more}, {"tokens_per_clip": fewer}, {"fps": slower}):
        assert replace(HOUR, **change).saturated == "duration", change
    assert replace(HOUR, budget=more - 200).saturated == "budget"
    assert replace(HOUR, tokens_per_clip=fewer + 1).saturated == "budget"
    assert "65 more clips would fit" in budget_markdown(replace(HOUR, duration=36))
    assert "83 clips would fit" in budget_markdown(replace(HOUR, max_clips=10))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"duration": 0}, "duration is 0"),
        ({"fps": float("nan")}, "fps is nan"),
        ({"tokens_per_clip": 20000}, "not one clip of 20000 tokens fits 0.65 of a budget of 16384"),
    ],
)
def test_what_makes_no_sense_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(HOUR, **change)  # type: ignore[arg-type]


def test_samplings_are_limited_to_what_fits() -> None:
    assert clips_that_fit(16384, 128) == 83
    assert fitted(Sampling("clips"), 16384, 128).max_clips == 83
    assert fitted(Sampling("clips", max_clips=12), 16384, 128).max_clips == 12
    assert fitted(Sampling("fps", fps=2), 16384, 128).frames == 332
    for kind in ("uniform", "released", "center"):
        sampling = Sampling(kind, frames=8)
        assert fitted(sampling, 100, 128) is sampling

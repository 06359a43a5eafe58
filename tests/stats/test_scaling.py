"""Scaling Consistency: the paper's own table, closed forms, and intervals that know how few designs there are."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.scaling import consistency, decision_agreement, r_squared

SCORES = st.lists(st.integers(0, 40), min_size=4, max_size=12)


@pytest.mark.parametrize(
    ("small", "large", "r2", "agreement"),
    [
        ("Qwen1.5-4B-Chat", "Qwen2-7B-Instruct", 0.938, 0.900),
        ("Qwen2-1.5B-Instruct", "Qwen2-7B-Instruct", 0.831, 0.838),
        ("Qwen2-0.5B-Instruct", "Qwen2-7B-Instruct", 0.694, 0.810),
        ("Qwen2-1.5B-Instruct", "Qwen1.5-4B-Chat", 0.902, None),
    ],
)
def test_the_papers_tables(shared: Path, small: str, large: str, r2: float, agreement: float | None) -> None:
    with (shared / "data/paper/apollo_table14_15.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    scores = {(r["llm"], r["design_id"], r["data_mixture"]): float(r["average"]) for r in rows}
    variants = [(d, m) for llm, d, m in scores if llm == small]
    x, y = ([scores[llm, d, m] for d, m in variants] for llm in (small, large))
    found = consistency(x, y, [d for d, _ in variants])
    assert found.n == 21
    assert round(found.r2, 3) == r2
    assert found.r2_low < found.r2 < found.r2_high
    if agreement:
        assert round(found.agreement, 3) == agreement


@given(SCORES, st.floats(0.5, 3), st.floats(-20, 20))
def test_a_straight_line_is_perfect(values: list[int], slope: float, offset: float) -> None:
    x = np.asarray(values, float)
    y = slope * x + offset
    assert decision_agreement(x, y) == 1
    if np.ptp(x):
        assert r_squared(x, y) == pytest.approx(1)


def test_closed_forms() -> None:
    x, y = np.array([1.0, 2, 3]), np.array([1.0, 3, 2])
    assert r_squared(x, y) == pytest.approx(0.25)
    assert decision_agreement(x, y) == pytest.approx(2 / 3)
    assert np.isnan(r_squared(x, np.ones(3)))
    assert decision_agreement(np.array([1.0, 1]), np.array([1.0, 2])) == 0


def test_designs_are_resampled_whole() -> None:
    rng = np.random.default_rng(1)
    ability = np.repeat(rng.normal(size=4), 25)
    x, y = ability + 0.05 * rng.normal(size=100), np.repeat(rng.normal(size=4), 25) + 0.05 * rng.normal(size=100)
    whole, alone = consistency(x, y, np.repeat(np.arange(4), 25)), consistency(x, y, np.arange(100))
    assert whole.r2_high - whole.r2_low > 2 * (alone.r2_high - alone.r2_low)


def test_too_little_is_refused() -> None:
    with pytest.raises(ValueError, match="three or more variants"):
        consistency([1, 2], [1, 2], ["a", "b"])
    with pytest.raises(ValueError, match="not 3, 3, 2"):
        consistency([1, 2, 3], [1, 2, 3], ["a", "b"])

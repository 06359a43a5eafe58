"""Coefficients against scipy, and their bootstrap against resampling by hand."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.bootstrap import bca, leave_one_out, resample
from apollobench.stats.clusters import partition
from apollobench.stats.correlation import (
    COEFFICIENTS,
    associate,
    decision_agreement,
    kendall,
    pearson,
    spearman,
)

ORACLES = {
    "pearson": lambda x, y: scipy.stats.pearsonr(x, y).statistic,
    "spearman": lambda x, y: scipy.stats.spearmanr(x, y).statistic,
    "kendall": lambda x, y: scipy.stats.kendalltau(x, y).statistic,
    "r2": lambda x, y: scipy.stats.linregress(x, y).rvalue ** 2,
}
ROWS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=15)


@given(ROWS)
def test_coefficients_are_scipys_ties_included(rows: list[tuple[int, int]]) -> None:
    x, y = np.array(rows, float).T
    for name, coefficient in COEFFICIENTS.items():
        value = coefficient(x, y, np.ones((1, len(x))))[0]
        if np.ptp(x) == 0 or np.ptp(y) == 0:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(ORACLES[name](x, y), abs=1e-9)


@given(ROWS, st.integers(0, 1000))
def test_weights_are_copies(rows: list[tuple[int, int]], seed: int) -> None:
    x, y = np.array(rows, float).T
    weights = resample(partition(range(len(x))), 3, seed)
    copies = [np.repeat(np.arange(len(x)), row.astype(int)) for row in weights]
    for name, coefficient in COEFFICIENTS.items():
        values = coefficient(x, y, weights)
        for value, rows_drawn in zip(values, copies, strict=True):
            a, b = x[rows_drawn], y[rows_drawn]
            if np.ptp(a) == 0 or np.ptp(b) == 0:
                assert np.isnan(value)
            else:
                assert value == pytest.approx(ORACLES[name](a, b), abs=1e-9)


def test_copies_of_one_variant_are_no_decision() -> None:
    x, y = np.array([1.0, 2, 3]), np.array([1.0, 3, 2])
    weights = np.array([[1.0, 1, 1], [2, 1, 0], [2, 0, 0]])
    first, second, third = decision_agreement(x, y, weights)
    assert (first, second) == (pytest.approx(2 / 3), 1)
    assert np.isnan(third)


def test_line_and_intervals() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=40)
    y = 2 * x + 3 + rng.normal(size=40)
    found, line = associate(x, y), scipy.stats.linregress(x, y)
    assert (found.n, found.pearson.clusters) == (40, 40)
    assert (found.slope, found.intercept) == pytest.approx((line.slope, line.intercept))
    oracle = scipy.stats.bootstrap(
        (x, y), lambda a, b: scipy.stats.pearsonr(a, b).statistic, paired=True, vectorized=False, method="BCa",
        n_resamples=2000, rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    assert (found.pearson.low, found.pearson.high) == pytest.approx((oracle.low, oracle.high), abs=0.02)
    assert found.spearman.low < found.spearman.value < found.spearman.high
    assert found.kendall.value < found.pearson.value


def test_bca_covers_where_models_are_many() -> None:
    """Pearson's r of .8 among 40 models, 200 times; 95 % intervals cover it within what simulation can tell."""
    rng = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        x = rng.normal(size=40)
        y = 0.8 * x + 0.6 * rng.normal(size=40)
        clusters = partition(range(40))
        value = pearson(x, y, np.ones((1, 40)))[0]
        low, high = bca(value, pearson(x, y, resample(clusters, 999, seed)), pearson(x, y, leave_one_out(clusters)))
        covered += low <= 0.8 <= high
    assert 0.90 <= covered / 200 <= 0.99


def test_a_perfect_correlation_has_no_width() -> None:
    x = np.arange(8.0)
    found = associate(x, 3 * x)
    for estimate in (found.pearson, found.spearman, found.kendall, found.r2):
        assert (estimate.low, estimate.value, estimate.high) == pytest.approx((1, 1, 1))


def test_families_are_drawn_whole() -> None:
    rng = np.random.default_rng(2)
    size = np.repeat(rng.normal(size=6), 8)
    x, y = size + 0.02 * rng.normal(size=48), np.repeat(rng.normal(size=6), 8) + size + 0.02 * rng.normal(size=48)
    alone, together = associate(x, y), associate(x, y, partition(np.repeat(range(6), 8).tolist()))
    assert together.pearson.value == alone.pearson.value
    assert together.pearson.se > 1.5 * alone.pearson.se  # type: ignore[operator]
    assert together.pearson.clusters == 6


def test_few_models_say_nothing() -> None:
    found = associate([1, 2, 3, 4], [1, 2, 4, 3])
    assert (found.pearson.low, found.pearson.high, found.r2.low, found.r2.high) == (-1, 1, 0, 1)


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ([1, 2], [1, 2], "2 models in common.*two always lie on a line"),
        ([1, 2, 3], [1, 2], "equal length"),
        ([1, 2, np.nan], [1, 2, 3], "must be finite"),
        ([5, 5, 5], [1, 2, 3], "the first does not vary: every model has 5"),
        ([1, 2, 3], [0.5, 0.5, 0.5], "the second does not vary"),
    ],
)
def test_what_has_no_correlation_says_why(first: list[float], second: list[float], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        associate(first, second)


def test_a_resample_without_variance_is_left_out() -> None:
    x, y = np.array([1.0, 1, 1, 2]), np.array([1.0, 2, 3, 4])
    weights = np.array([[1.0, 1, 1, 1], [2, 1, 1, 0]])
    for coefficient in (pearson, spearman, kendall):
        assert np.isnan(coefficient(x, y, weights)).tolist() == [False, True]

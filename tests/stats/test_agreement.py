"""Kendall's tau-b by its definition."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.agreement import expected_concordance, kendall_tau, kendall_taus


def _by_definition(a: list[int], b: list[int]) -> float:
    signs = [(np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i, j in combinations(range(len(a)), 2)]
    untied_a, untied_b = sum(s != 0 for s, _ in signs), sum(t != 0 for _, t in signs)
    if not untied_a or not untied_b:
        return math.nan
    return float(sum(s * t for s, t in signs)) / math.sqrt(untied_a * untied_b)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=25))
def test_tau_is_concordance_over_untied_pairs(rows: list[tuple[int, int]]) -> None:
    a, b = [x for x, _ in rows], [y for _, y in rows]
    assert kendall_tau(a, b) == pytest.approx(_by_definition(a, b), nan_ok=True)


def test_the_same_order_is_one_and_the_reverse_minus_one() -> None:
    assert kendall_tau([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert kendall_tau([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)


@pytest.mark.parametrize(("a", "b"), [([1], [1]), ([1, 2], [1, 2, 3])])
def test_too_few_or_unequal_scores_are_refused(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="two lists"):
        kendall_tau(a, b)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=2, max_size=12))
def test_many_taus_are_the_single_ones(rows: list[tuple[int, int]]) -> None:
    a, b = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    found = kendall_taus(np.array([a, b, a[::-1]]), b)
    expected = [_by_definition(list(x), list(b)) for x in (a, b, a[::-1])]
    assert found == pytest.approx(expected, nan_ok=True)


def test_expected_concordance_is_what_drawing_shows() -> None:
    rng = np.random.default_rng(0)
    scores = (rng.random((5, 400)) < np.linspace(0.45, 0.6, 5)[:, None]).astype(float)
    target = scores.mean(axis=1)
    expected = expected_concordance(scores, np.ones(400), target, 40, 400)
    first, second = np.triu_indices(5, 1)
    order, shares = np.sign(target[first] - target[second]), []
    for _ in range(4000):
        means = scores[:, rng.choice(400, 40, replace=False)].mean(axis=1)
        gap = np.round(means[first] - means[second], 9) * order
        shares.append(((gap > 0) + 0.5 * (gap == 0)).mean())
    assert expected == pytest.approx(np.mean(shares), abs=0.01)


def test_expected_concordance_of_everything_is_one_and_of_the_reverse_nothing() -> None:
    scores = np.array([[0.0] * 90 + [1.0] * 10, [1.0] * 90 + [0.0] * 10])
    assert expected_concordance(scores, np.ones(100), scores.mean(axis=1), 100, 100) == pytest.approx(1)
    assert expected_concordance(scores[:, 90:], np.ones(10), scores.mean(axis=1), 10, 10) == pytest.approx(0)
    assert math.isnan(expected_concordance(scores, np.ones(100), np.zeros(2), 10, 100))

"""Kendall's tau-b by its definition."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.agreement import kendall_tau


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

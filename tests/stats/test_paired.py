"""Paired comparisons: exact probabilities, published corrections, coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.clusters import partition
from apollobench.stats.paired import clustered_paired_difference, holm, mcnemar_exact


def _pair(gained: int, lost: int, same: int = 10) -> tuple[list[int], list[int]]:
    return [0] * gained + [1] * lost + [1] * same, [1] * gained + [0] * lost + [1] * same


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (6, 0, 2 / 64), (0, 6, 2 / 64), (8, 2, 2 * 56 / 1024), (5, 5, 1.0)],
)
def test_mcnemar_is_the_exact_binomial(gained: int, lost: int, p: float) -> None:
    result = mcnemar_exact(*_pair(gained, lost))
    assert (result.gained, result.lost) == (gained, lost)
    assert result.p == pytest.approx(p)


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_sums_the_tail_and_is_symmetric(gained: int, lost: int) -> None:
    n = gained + lost
    tail = sum(math.comb(n, k) for k in range(min(gained, lost) + 1)) / 2**n
    assert mcnemar_exact(*_pair(gained, lost)).p == pytest.approx(min(1.0, 2 * tail))
    assert mcnemar_exact(*_pair(lost, gained)).p == pytest.approx(min(1.0, 2 * tail))


def test_mcnemar_refuses_unequal_lists() -> None:
    with pytest.raises(ValueError, match="against"):
        mcnemar_exact([1, 0], [1])


def test_difference_is_second_minus_first_and_swaps_sign() -> None:
    first, second = _pair(7, 2)
    clusters = partition(range(len(first)))
    there = clustered_paired_difference(first, second, clusters)
    back = clustered_paired_difference(second, first, clusters)
    assert there.value == pytest.approx(5 / 19)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_equal_models_are_not_called_exactly_equal() -> None:
    scores = [1, 0, 1, 1] * 10
    few = clustered_paired_difference(scores, scores, partition(np.repeat(range(10), 4).tolist()))
    many = clustered_paired_difference(scores, scores, partition(range(40)))
    assert few.value == many.value == 0
    assert few.low < many.low < 0 < many.high < few.high


def test_one_cluster_leaves_everything_possible() -> None:
    estimate = clustered_paired_difference([1, 0], [0, 0], partition(["v", "v"]))
    assert (estimate.se, estimate.low, estimate.high) == (None, -1.0, 1.0)


@pytest.mark.parametrize(
    ("gain", "loss", "clusters", "at_most"), [(0.15, 0.05, 60, 0.985), (0.3, 0.1, 20, 0.99), (0.02, 0.02, 80, 1.0)]
)
def test_difference_covers_the_truth_at_least_as_often_as_it_says(
    gain: float, loss: float, clusters: int, at_most: float
) -> None:
    rng = np.random.default_rng([11, clusters])
    trials, hits = 1500, 0
    for _ in range(trials):
        sizes = rng.integers(1, 6, clusters)
        rates = rng.dirichlet([4 * gain, 4 * loss, 4 * (1 - gain - loss)], clusters)
        draw = rng.random(sizes.sum())
        up, down = np.repeat(rates[:, 0], sizes), np.repeat(rates[:, 1], sizes)
        change = (draw < up).astype(float) - (draw > 1 - down).astype(float)
        labels = partition(np.repeat(range(clusters), sizes).tolist())
        estimate = clustered_paired_difference(np.maximum(-change, 0), np.maximum(change, 0), labels)
        hits += estimate.low <= gain - loss <= estimate.high
    assert 0.94 <= hits / trials <= at_most


def test_holm_gives_the_textbook_example() -> None:
    # 0.01 x 4, 0.02 x 3 = 0.06 (0.03 x 2 is no more), 0.04 x 1 lifted to 0.06.
    assert holm([0.01, 0.04, 0.03, 0.02]) == pytest.approx([0.04, 0.06, 0.06, 0.06])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_only_raises_keeps_order_and_stays_at_most_one(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    assert all(p <= q + 1e-15 <= 1 + 1e-12 for p, q in zip(p_values, adjusted, strict=True))
    ranked = [q for _, q in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)

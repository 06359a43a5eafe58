"""Intervals against published values, known formulas, and how often they cover the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.clusters import partition
from apollobench.stats.interval import (
    clustered_macro,
    clustered_mean,
    clustered_proportion,
    proportion_interval,
    wilson,
    within,
)


@pytest.mark.parametrize(
    ("successes", "n", "level", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, score method without continuity correction.
        (81, 263, 0.95, 0.2553, 0.3662),
        (15, 148, 0.95, 0.0624, 0.1605),
        (0, 20, 0.95, 0.0000, 0.1611),
        (1, 29, 0.95, 0.0061, 0.1718),
        # By hand: z = 1.6449 at level 0.9, p = 1/2, so the half width is z / (2 sqrt(n + z^2)).
        (50, 100, 0.90, 0.5 - 1.6448536 / (2 * math.sqrt(100 + 1.6448536**2)), 0.5811447),
    ],
)
def test_wilson_gives_the_published_values(successes: int, n: int, level: float, low: float, high: float) -> None:
    assert wilson(successes, n, level) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes of"):
        wilson(successes, n)


@given(st.integers(0, 60), st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_contains_the_proportion_and_mirrors(successes: int, extra: int, level: float) -> None:
    n = successes + extra
    low, high = wilson(successes, n, level)
    assert 0 <= low <= successes / n <= high <= 1
    assert wilson(n - successes, n, level) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def test_standard_error_is_the_stated_formula() -> None:
    values = np.array([1, 0, 1, 1, 0, 1, 0], dtype=float)
    labels = ["a", "a", "b", "b", "b", "c", "d"]
    mean = values.mean()
    sums: dict[str, float] = {}
    for value, label in zip(values, labels, strict=True):
        sums[label] = sums.get(label, 0.0) + float(value - mean)
    expected = math.sqrt(sum(total**2 for total in sums.values())) / 7
    estimate = clustered_mean(values, partition(labels))
    assert estimate.se == pytest.approx(expected)
    assert (estimate.value, estimate.n, estimate.clusters) == (pytest.approx(4 / 7), 7, 4)
    # t with 3 degrees of freedom at 95 %: 3.182446
    assert estimate.high - estimate.value == pytest.approx(3.182446 * expected * math.sqrt(4 / 3), rel=1e-5)


def test_a_cluster_of_its_own_for_each_item_is_the_plain_standard_error() -> None:
    rng = np.random.default_rng(1)
    values = rng.random(50)
    estimate = clustered_mean(values, partition(range(50)))
    assert estimate.se == pytest.approx(values.std() / math.sqrt(50))


def test_repeating_every_item_does_not_narrow_the_interval() -> None:
    values = [1, 0, 1, 1, 0, 0, 1, 0]
    single = clustered_proportion(values, partition(range(8)))
    repeated = clustered_proportion(np.repeat(values, 10), partition(np.repeat(range(8), 10).tolist()))
    assert (repeated.value, repeated.se) == (pytest.approx(single.value), pytest.approx(single.se or 0))
    assert (repeated.low, repeated.high) == pytest.approx((single.low, single.high))


def test_all_right_leaves_room_below_by_the_number_of_clusters() -> None:
    few = clustered_proportion([1] * 12, partition([0] * 6 + [1] * 6))
    many = clustered_proportion([1] * 12, partition(range(12)))
    assert few.high == many.high == 1.0
    assert 0 < few.low < many.low < 1


def test_one_cluster_tells_nothing() -> None:
    labels = partition(["v", "v", "v"])
    share = clustered_proportion([1, 0, 1], labels)
    mean = clustered_mean([1, 0, 1], labels)
    assert (share.se, share.low, share.high) == (None, 0.0, 1.0)
    assert (mean.se, mean.low, mean.high) == (None, -math.inf, math.inf)


def test_clusters_that_cancel_do_not_feign_certainty() -> None:
    values, labels = [1, 0] * 10, np.repeat(range(10), 2).tolist()
    estimate = clustered_proportion(values, partition(labels))
    assert estimate.se == 0
    assert (estimate.low, estimate.high) == proportion_interval(0.5, 0.0, 20, 10)
    assert estimate.low < 0.35


def test_macro_is_the_mean_of_group_means_and_of_one_group_the_plain_share() -> None:
    values = [1, 1, 0, 0, 1]
    labels = partition(["a", "b", "b", "c", "d"])
    macro = clustered_macro(values, ["x", "x", "x", "y", "y"], labels)
    assert macro.value == pytest.approx((2 / 3 + 1 / 2) / 2)
    alone = clustered_macro(values, ["x"] * 5, labels)
    share = clustered_proportion(values, labels)
    assert (alone.value, alone.se, alone.low, alone.high) == pytest.approx(
        (share.value, share.se, share.low, share.high)
    )


@pytest.mark.parametrize(
    ("values", "labels", "message"),
    [([], [], "no scores"), ([1, 0], [1], "cluster labels"), ([1, math.nan], [1, 2], "finite")],
)
def test_bad_arrays_are_named(values: list[float], labels: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clustered_mean(values, partition(labels))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 8)), min_size=1, max_size=60))
def test_proportions_stay_inside_and_contain_the_share(rows: list[tuple[bool, int]]) -> None:
    estimate = clustered_proportion([float(right) for right, _ in rows], partition([label for _, label in rows]))
    assert 0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1


def _clustered_draw(rng: np.random.Generator, share: float, clusters: int) -> tuple[np.ndarray, list[int]]:
    """0/1 scores with strong dependence inside a cluster of 1 to 6 items (each cluster's rate is Beta distributed)."""
    sizes = rng.integers(1, 7, clusters)
    rates = rng.beta(2 * share, 2 * (1 - share), clusters)
    return (rng.random(sizes.sum()) < np.repeat(rates, sizes)).astype(float), np.repeat(range(clusters), sizes).tolist()


@pytest.mark.parametrize(("share", "clusters"), [(0.5, 30), (0.85, 60), (0.95, 40), (0.3, 12)])
def test_clustered_intervals_cover_the_truth_about_as_often_as_they_say(share: float, clusters: int) -> None:
    rng = np.random.default_rng([7, clusters])
    trials, hits, naive_hits = 1500, 0, 0
    for _ in range(trials):
        values, labels = _clustered_draw(rng, share, clusters)
        estimate = clustered_proportion(values, partition(labels))
        hits += estimate.low <= share <= estimate.high
        naive_low, naive_high = wilson(values.sum(), len(values))
        naive_hits += naive_low <= share <= naive_high
    assert 0.925 <= hits / trials <= 0.985
    assert naive_hits / trials < 0.90, "the draw must be clustered enough to need clustered intervals"


def test_an_interval_is_cut_to_what_is_possible() -> None:
    few = clustered_mean([1.0, 0.5, 1.0], partition(["a", "b", "b"]))
    assert within(few, 0, 1).high == 1 < few.high
    assert within(few, 0, 1).value == few.value
    lone = clustered_mean([1.0, 0.5], partition(["a", "a"]))
    assert within(lone, 0, 1) == lone

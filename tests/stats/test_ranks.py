"""Ranks, tie groups, and the comparison of many models."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.clusters import partition
from apollobench.stats.ranks import rank_intervals, ranks, tie_groups


def test_equal_scores_share_the_mean_of_their_ranks() -> None:
    assert ranks(np.array([[0.5, 0.9, 0.5, 0.1]])).tolist() == [[2.5, 1, 2.5, 4]]


@given(
    st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.booleans(), min_size=n * n, max_size=n * n)))
)
def test_tie_groups_hold_no_two_that_differ_and_cover_everyone(drawn: tuple[int, list[bool]]) -> None:
    n, flags = drawn
    half = np.triu(np.array(flags).reshape(n, n), 1)
    differ = half | half.T
    groups = tie_groups(range(n), differ)
    assert {model for group in groups for model in group} == set(range(n))
    for group in groups:
        assert list(group) == list(range(group[0], group[-1] + 1))
        assert not differ[np.ix_(group, group)].any()
        for wider in (range(group[0] - 1, group[-1] + 1), range(group[0], group[-1] + 2)):
            if wider[0] >= 0 and wider[-1] < n:
                assert differ[np.ix_(wider, wider)].any(), "the group could be longer"


def test_rank_intervals_are_seeded_and_as_wide_as_the_data_are_poor() -> None:
    rng = np.random.default_rng(0)
    scores = (rng.random((4, 300)) < np.array([[0.9], [0.6], [0.58], [0.2]])).astype(float)
    clusters, better = partition(np.repeat(range(100), 3).tolist()), np.zeros((4, 4), bool)
    better[0, 1:], better[:3, 3] = True, True
    found = rank_intervals(scores, clusters, better, draws=500)
    assert found == rank_intervals(scores, clusters, better, draws=500)
    assert (found[0].low, found[0].high, found[0].first) == (1, 1, 1)
    assert found[1].low < found[1].high
    assert [(r.surely_low, r.surely_high) for r in found] == [(1, 1), (2, 3), (2, 3), (4, 4)]


def test_twins_are_both_first() -> None:
    scores = np.tile(np.array([1.0, 0, 1, 1]), (2, 1))
    found = rank_intervals(scores, partition(range(4)), np.zeros((2, 2), bool), draws=100)
    assert [(r.rank, r.low, r.high, r.first) for r in found] == [(1.5, 1.5, 1.5, 1.0)] * 2

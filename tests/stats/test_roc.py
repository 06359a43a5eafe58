"""The area under the ROC curve by its definition, and how often its interval holds the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from apollobench.stats.clusters import partition
from apollobench.stats.roc import roc_area


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=30))
def test_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([s for s, _ in rows], float), np.array([p for _, p in rows])
    if positive.all() or not positive.any():
        with pytest.raises(ValueError, match="both are needed"):
            roc_area(scores, positive, partition(range(len(rows))))
        return
    above = scores[positive][:, None] - scores[~positive]
    expected = ((above > 0) + 0.5 * (above == 0)).mean()
    found = roc_area(scores, positive, partition(range(len(rows))))
    assert found.value == pytest.approx(expected)
    assert found.low <= found.value <= found.high


def test_interval_holds_the_true_area_when_items_share_videos() -> None:
    rng, hits, trials, shift = np.random.default_rng(0), 0, 600, 1.0
    truth = float(ndtr(shift / np.sqrt(2)))
    for _ in range(trials):
        video = np.repeat(np.arange(60), 5)
        positive = np.repeat(rng.random(60) < 0.5, 5) ^ (rng.random(300) < 0.2)
        noise = np.sqrt(0.5) * (rng.normal(size=60)[video] + rng.normal(size=300))
        found = roc_area(noise + shift * positive, positive, partition(video.tolist()))
        hits += found.low <= truth <= found.high
    assert 0.925 <= hits / trials <= 0.975


def test_one_cluster_tells_nothing_and_a_perfect_area_has_no_width() -> None:
    scores, positive = [1.0, 2, 3, 4], np.array([False, False, True, True])
    alone = roc_area(scores, positive, partition([0, 0, 0, 0]))
    assert (alone.value, alone.se, alone.low, alone.high) == (1.0, None, 0.0, 1.0)
    assert roc_area(scores, positive, partition(range(4))).se == 0

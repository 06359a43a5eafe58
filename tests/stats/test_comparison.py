"""Comparisons of many models: the parts are those of the other statistics, and the promises hold in simulation."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.stats.clusters import partition
from apollobench.stats.comparison import compare
from apollobench.stats.interval import clustered_proportion
from apollobench.stats.paired import clustered_paired_difference, clustered_paired_p, holm, mcnemar_exact

VIDEOS = np.repeat(np.arange(80), 3)


def draw(shares: list[float], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    ease = rng.normal(0, 0.8, 80)[VIDEOS]
    logit = np.log(np.array(shares) / (1 - np.array(shares)))[:, None] + ease
    return (rng.random(logit.shape) < 1 / (1 + np.exp(-logit))).astype(np.int8)


def test_parts_are_those_of_the_single_statistics() -> None:
    scores, clusters = draw([0.5, 0.8, 0.6]), partition(VIDEOS.tolist())
    found = compare(scores, ["a", "b", "c"], clusters, draws=200)
    assert [s.model for s in found.standings] == ["b", "c", "a"]
    assert found.standings[0].accuracy == clustered_proportion(scores[1].astype(float), clusters)
    assert [(p.first, p.second) for p in found.pairs] == [("b", "c"), ("b", "a"), ("c", "a")]
    pair = found.pairs[0]
    assert pair.difference == clustered_paired_difference(scores[2], scores[1], clusters)
    assert pair.discordance == mcnemar_exact(scores[2], scores[1])
    assert [p.holm for p in found.pairs] == pytest.approx(holm([p.p for p in found.pairs]))
    assert all(p.bh <= p.holm + 1e-12 for p in found.pairs)
    assert pair.p == clustered_paired_p(scores[2], scores[1], clusters)


def test_letters_follow_holm() -> None:
    found = compare(draw([0.9, 0.5, 0.5]), ["best", "x", "y"], partition(VIDEOS.tolist()), draws=200)
    best, *rest = found.standings
    assert best.model == "best"
    assert best.group == "a"
    assert {s.group for s in rest} == {"b"}
    assert best.rank is not None
    assert (best.rank.surely_low, best.rank.surely_high) == (1, 1)


def test_models_that_answered_different_items_are_compared_where_they_met() -> None:
    scores = draw([0.7, 0.7, 0.7])
    scores[0, 120:], scores[1, :60], scores[2, 3:] = -1, -1, -1
    found = compare(scores, ["a", "b", "c"], partition(VIDEOS.tolist()), draws=200)
    assert (found.items, found.shared) == (240, 0)
    assert {frozenset(pair) for pair in found.apart} == {frozenset("bc"), frozenset("ac")}
    assert [(frozenset((p.first, p.second)), p.difference.n) for p in found.pairs] == [(frozenset("ab"), 60)]
    assert all(s.rank is None and s.shared is None and s.accuracy is not None for s in found.standings)


def test_constant_models_and_one_without_answers() -> None:
    scores = draw([0.7, 0.7, 0.7])
    scores[0], scores[1], scores[2] = 1, 0, -1
    found = compare(scores, ["all", "none", "silent"], partition(VIDEOS.tolist()), draws=200)
    assert [s.model for s in found.standings] == ["all", "none", "silent"]
    assert found.standings[2].accuracy is None
    assert found.pairs[0].difference.value == 1
    assert len(found.apart) == 2


def test_ranks_that_hold_for_all_models_at_once_hold_in_simulation() -> None:
    """Four models, two of them equal: the simultaneous ranks miss a true rank in at most 5 % of the samples."""
    shares, missed, trials = [0.6, 0.6, 0.66, 0.75], 0, 150
    allowed = {"0": range(1, 5), "1": range(1, 5), "2": range(2, 3), "3": range(1, 2)}
    allowed["0"] = allowed["1"] = range(3, 5)
    for seed in range(trials):
        found = compare(draw(shares, seed), list("0123"), partition(VIDEOS.tolist()), draws=1)
        ranks = {s.model: s.rank for s in found.standings if s.rank}
        missed += any(ranks[m].surely_low > max(r) or ranks[m].surely_high < min(r) for m, r in allowed.items())
    assert missed / trials <= 0.05


def test_the_detectable_difference_is_detected_four_times_in_five() -> None:
    rng, clusters = np.random.default_rng(0), partition(VIDEOS.tolist())
    first = (rng.random(240) < 0.6).astype(np.int8)
    sizes = []
    for _ in range(20):
        second = np.where(rng.random(240) < 0.2, 1 - first, first).astype(np.int8)
        sizes.append(compare(np.array([first, second]), ["a", "b"], clusters, draws=1).pairs[0].detectable)
    size = float(np.mean(sizes))
    seen = 0
    for _ in range(400):
        gain, loss = 0.1 + size / 2, 0.1 - size / 2
        luck = rng.random(240)
        change = (luck < gain).astype(float) - (luck > 1 - loss)
        p = clustered_paired_p(np.maximum(-change, 0), np.maximum(change, 0), clusters)
        seen += p <= 0.05
    assert 0.72 <= seen / 400 <= 0.88

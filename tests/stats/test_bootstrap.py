"""The cluster bootstrap: seeded, and in agreement with the cluster-robust formula."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.stats.bootstrap import cluster_bootstrap
from apollobench.stats.clusters import partition
from apollobench.stats.interval import clustered_mean


def _scores(clusters: int = 150) -> tuple[np.ndarray, list[int]]:
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 6, clusters)
    rates = rng.random(clusters)
    return (rng.random(sizes.sum()) < np.repeat(rates, sizes)).astype(float), np.repeat(range(clusters), sizes).tolist()


def test_agrees_with_the_robust_standard_error() -> None:
    values, labels = _scores()
    drawn = cluster_bootstrap(values, partition(labels), draws=4000, seed=1)
    robust = clustered_mean(values, partition(labels))
    assert robust.se is not None
    assert drawn.se == pytest.approx(robust.se, rel=0.06)
    assert drawn.value == robust.value
    assert (drawn.low, drawn.high) == pytest.approx((robust.low, robust.high), abs=0.3 * robust.se)


def test_same_seed_same_interval_other_seed_another() -> None:
    values, labels = _scores()
    clusters = partition(labels)
    assert cluster_bootstrap(values, clusters, seed=5) == cluster_bootstrap(values, clusters, seed=5)
    assert cluster_bootstrap(values, clusters, seed=5) != cluster_bootstrap(values, clusters, seed=6)


def test_drawing_in_blocks_gives_every_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = _scores()
    monkeypatch.setattr("apollobench.stats.bootstrap._CELLS", 150 * 7)
    blocked = cluster_bootstrap(values, partition(labels), draws=1000, seed=2)
    assert blocked.se == pytest.approx(clustered_mean(values, partition(labels)).se or 0, rel=0.15)


def test_one_cluster_has_no_interval() -> None:
    estimate = cluster_bootstrap([1, 0], partition(["v", "v"]))
    assert (estimate.se, estimate.low, estimate.high) == (None, -np.inf, np.inf)

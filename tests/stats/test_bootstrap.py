"""The cluster bootstrap: seeded, and in agreement with the cluster-robust formula."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.stats.bootstrap import resampled_means
from apollobench.stats.clusters import partition
from apollobench.stats.interval import clustered_mean


def _scores(clusters: int = 150) -> tuple[np.ndarray, list[int]]:
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 6, clusters)
    rates = rng.random(clusters)
    return (rng.random(sizes.sum()) < np.repeat(rates, sizes)).astype(float), np.repeat(range(clusters), sizes).tolist()


def test_resampled_means_spread_as_the_robust_standard_error_says() -> None:
    values, labels = _scores()
    drawn = resampled_means(values[None], partition(labels), draws=4000, seed=1)[:, 0]
    robust = clustered_mean(values, partition(labels))
    assert robust.se is not None
    assert drawn.std() == pytest.approx(robust.se, rel=0.06)
    assert drawn.mean() == pytest.approx(robust.value, abs=0.1 * robust.se)
    ends = tuple(np.quantile(drawn, [0.025, 0.975]))
    assert ends == pytest.approx((robust.low, robust.high), abs=0.3 * robust.se)


def test_same_seed_same_draws_other_seed_others() -> None:
    values, labels = _scores()
    clusters = partition(labels)
    first, again, other = (resampled_means(values[None], clusters, seed=seed) for seed in (5, 5, 6))
    assert (first == again).all()
    assert (first != other).any()


def test_rows_are_drawn_together() -> None:
    values, labels = _scores()
    drawn = resampled_means(np.stack([values, 1 - values]), partition(labels), draws=50)
    assert drawn.sum(axis=1) == pytest.approx(np.ones(50))


def test_drawing_in_blocks_gives_every_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    values, labels = _scores()
    monkeypatch.setattr("apollobench.stats.bootstrap._CELLS", 150 * 7)
    blocked = resampled_means(values[None], partition(labels), draws=1000, seed=2)
    assert blocked.shape == (1000, 1)
    assert blocked.std() == pytest.approx(clustered_mean(values, partition(labels)).se or 0, rel=0.15)

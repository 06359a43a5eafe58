"""Percentile bootstrap that draws whole clusters, for a check on, or in place of, the cluster-robust interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apollobench.stats.clusters import Floats, Partition, as_scores
from apollobench.stats.interval import Estimate

_CELLS = 4_000_000


def cluster_bootstrap(
    values: Sequence[float] | Floats, clusters: Partition, *, draws: int = 2000, seed: int = 0, level: float = 0.95
) -> Estimate:
    """Mean of `values` [n] with the percentile interval of `draws` resamples of clusters; one seed, one result.

    se is the standard deviation of the resampled means. Raises ValueError on empty, unequal or non-finite input.
    """
    scores = as_scores(values, clusters)
    mean = float(scores.mean())
    if clusters.count < 2:
        return Estimate(mean, None, -np.inf, np.inf, scores.size, clusters.count, level)
    means = resampled_means(scores[None], clusters, draws=draws, seed=seed)[:, 0]
    low, high = np.quantile(means, [0.5 - level / 2, 0.5 + level / 2])
    return Estimate(mean, float(means.std()), float(low), float(high), scores.size, clusters.count, level)


def resampled_means(rows: Floats, clusters: Partition, *, draws: int = 2000, seed: int = 0) -> Floats:
    """Means [draws, rows] of every row of scores [rows, n], all over the same resamples: ranks and differences may be
    read off each draw."""
    sums, sizes, count = np.array([clusters.sums(row) for row in rows]).T, clusters.sizes(), clusters.count
    rng = np.random.default_rng(seed)
    share = np.full(count, 1 / count)
    block = max(1, _CELLS // count)
    parts = []
    for start in range(0, draws, block):
        times = rng.multinomial(count, share, size=min(block, draws - start)).astype(np.float64)
        parts.append((times @ sums) / (times @ sizes)[:, None])
    return np.concatenate(parts)

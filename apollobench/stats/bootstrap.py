"""The bootstrap that draws whole clusters: of means, and of any statistic that takes weights.

A resample is a row of weights: how often each observation was drawn. A statistic that takes weights [draws, n] then
has all its resamples in a few matrix products, and its jackknife by the same call.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats, Partition

DRAWS = 2000

_CELLS = 4_000_000


def resampled_means(rows: Floats, clusters: Partition, *, draws: int = DRAWS, seed: int = 0) -> Floats:
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


def resample(clusters: Partition, draws: int = DRAWS, seed: int = 0) -> Floats:
    """Weights [draws, n] of `draws` resamples of whole clusters; one seed, one result."""
    rng = np.random.default_rng(seed)
    times = rng.multinomial(clusters.count, np.full(clusters.count, 1 / clusters.count), size=draws)
    weights: Floats = times[:, clusters.codes].astype(np.float64)
    return weights


def leave_one_out(clusters: Partition) -> Floats:
    """Weights [clusters, n]: row c leaves out cluster c."""
    return np.asarray(clusters.codes != np.arange(clusters.count)[:, None], dtype=np.float64)


def bca(value: float, drawn: Floats, jackknife: Floats, level: float = 0.95) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap interval (Efron 1987) of a statistic that is `value` on the sample.

    drawn: the statistic on resamples; jackknife: with each cluster left out. Values that are not finite (a resample in
    which the statistic is undefined) are left out; (nan, nan) when none is left. With z0 the normal quantile of the
    share of `drawn` below `value` (ties half) and a = sum d^3 / (6 (sum d^2)^1.5), d = mean(jackknife) - jackknife,
    the ends are the quantiles of `drawn` at Phi(z0 + (z0 + z) / (1 - a (z0 + z))), z at both tails of `level`.
    """
    from scipy.special import ndtr, ndtri

    known, left = drawn[np.isfinite(drawn)], jackknife[np.isfinite(jackknife)]
    if not known.size:
        return np.nan, np.nan
    below = float(((known < value) + 0.5 * (known == value)).mean())
    z0 = float(ndtri(np.clip(below, 0.5 / known.size, 1 - 0.5 / known.size)))
    d = left.mean() - left if left.size else np.zeros(1)
    spread = float(np.square(d).sum()) ** 1.5
    a = float((d**3).sum()) / (6 * spread) if spread > 0 else 0.0
    z: NDArray[np.float64] = z0 + ndtri(np.array([0.5 - level / 2, 0.5 + level / 2]))
    low, high = np.quantile(known, ndtr(z0 + z / (1 - a * z)))
    return float(low), float(high)

"""Agreement of raters on nominal labels, beyond what chance alone would give.

kappa = (observed - expected) / (1 - expected). Its standard error comes from the linear part of kappa in each item:
with items as clusters of their own it is that of Fleiss, Cohen and Everitt (1969) for two raters, and that of Gwet
(2008) for Fleiss' kappa; several questions on one video are summed before they are squared, as in `stats.interval`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np

from apollobench.stats.clusters import Floats, Partition
from apollobench.stats.interval import Estimate, clustered_mean, clustered_proportion, t_quantile


def cohen_kappa(
    first: Sequence[Hashable], second: Sequence[Hashable], clusters: Partition, level: float = 0.95
) -> Estimate:
    """Cohen's kappa (1960) of two raters' labels [n] of the same items.

    The interval is that of Student's t, clipped to [-1, 1]. Where the two agree on every item the linear part says
    nothing: the lower end is then that of the observed agreement (`clustered_proportion`) at the same expected one.
    Where one of them gives one label throughout, kappa is 0 whatever the other says, and its interval all of [-1, 1].
    nan where both give one and the same label to every item. Raises ValueError on empty or unequal input.
    """
    if not first or len(first) != len(second) or len(first) != len(clusters.codes):
        raise ValueError(f"labels of {len(first)} and {len(second)} items in {len(clusters.codes)} cluster labels")
    codes = {label: code for code, label in enumerate(dict.fromkeys([*first, *second]))}
    a, b = np.array([codes[x] for x in first]), np.array([codes[x] for x in second])
    of_first, of_second = (np.bincount(x, minlength=len(codes)) / len(x) for x in (a, b))
    agree = (a == b).astype(np.float64)
    return _kappa(agree, of_second[a] + of_first[b], float(of_first @ of_second), clusters, level)


def fleiss_kappa(counts: Floats, clusters: Partition, level: float = 0.95) -> Estimate:
    """Fleiss' kappa (1971) of counts [n, labels]: how many raters gave each label to an item, two at least.

    Items may differ in how many raters they have: each has the share of its own pairs that agree, and counts once.
    Interval and nan as of `cohen_kappa`. Raises ValueError on an item with fewer than two raters.
    """
    agree = pairs_agreeing(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    overall = shares.mean(axis=0)
    return _kappa(agree, 2 * shares @ overall, float(overall @ overall), clusters, level)


def pairs_agreeing(counts: Floats) -> Floats:
    """Per item of counts [n, labels]: of all pairs of its raters, the share that gave the same label."""
    raters = counts.sum(axis=1)
    if counts.ndim != 2 or not len(counts) or (raters < 2).any():
        raise ValueError("every item needs two raters at least")
    return np.asarray((counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1)), dtype=np.float64)


def agreement(agree: Floats, clusters: Partition, level: float = 0.95) -> Estimate:
    """Mean of shares of agreeing pairs [n], its interval inside [0, 1]."""
    if np.isin(agree, [0, 1]).all():
        return clustered_proportion(agree, clusters, level)
    found = clustered_mean(agree, clusters, level)
    return Estimate(found.value, found.se, max(0.0, found.low), min(1.0, found.high), found.n, found.clusters, level)


def _kappa(agree: Floats, by_chance: Floats, expected: float, clusters: Partition, level: float) -> Estimate:
    """by_chance [n]: how the expected agreement moves with each item; its mean is twice `expected`."""
    n, observed = len(agree), float(agree.mean())
    if expected > 1 - 1e-12:
        return Estimate(math.nan, None, -1.0, 1.0, n, clusters.count, level)
    value = (observed - expected) / (1 - expected)
    if clusters.count < 2:
        return Estimate(value, None, -1.0, 1.0, n, clusters.count, level)
    if observed == 1:
        low = (clustered_proportion(agree, clusters, level).low - expected) / (1 - expected)
        return Estimate(1.0, 0.0, max(-1.0, low), 1.0, n, clusters.count, level)
    linear = (agree - observed) / (1 - expected) - (1 - observed) * (by_chance - 2 * expected) / (1 - expected) ** 2
    se = float(np.sqrt(np.square(clusters.sums(linear / n)).sum()))
    if se < 1e-12:
        return Estimate(value, None, -1.0, 1.0, n, clusters.count, level)
    half = t_quantile(level, clusters.count - 1) * se * math.sqrt(clusters.count / (clusters.count - 1))
    return Estimate(value, se, max(-1.0, value - half), min(1.0, value + half), n, clusters.count, level)

"""Two models, or two modes of one, compared on the same items."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apollobench.stats.clusters import Floats, Partition, as_scores
from apollobench.stats.interval import Estimate, clustered_mean, t_quantile


@dataclass(frozen=True, slots=True)
class Discordance:
    """Exact McNemar test. gained / lost: items right only in the second / only in the first; p: two-sided."""

    gained: int
    lost: int
    p: float


def mcnemar_exact(first: Sequence[float] | Floats, second: Sequence[float] | Floats) -> Discordance:
    """Exact McNemar test on 0/1 scores [n]: given gained + lost, gained is Binomial(gained + lost, 1/2).

    p = min(1, 2 P(X <= min(gained, lost))), 1 when no item differs. Treats items as independent, so read it beside the
    clustered difference. Raises ValueError on unequal lengths.
    """
    from scipy.special import bdtr

    before, after = np.asarray(first) > 0.5, np.asarray(second) > 0.5
    if before.shape != after.shape:
        raise ValueError(f"{before.shape} scores against {after.shape}")
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    if not gained + lost:
        return Discordance(0, 0, 1.0)
    return Discordance(gained, lost, min(1.0, 2 * float(bdtr(min(gained, lost), gained + lost, 0.5))))


def clustered_paired_difference(
    first: Sequence[float] | Floats, second: Sequence[float] | Floats, clusters: Partition, level: float = 0.95
) -> Estimate:
    """Mean of second - first over items with scores in [0, 1]; value and se are those of `clustered_mean`.

    The interval is that of the same mean after adding two independent observations, one gained and one lost, with
    Student's t: Bonett and Price's (2012) adjustment for paired proportions, carried over to clusters, where an
    independent observation is a cluster of as many items as the design effect (`_adjusted`). Without it two models that
    differ on no item, or on one, would seem exactly equal. Clipped to [-1, 1]; one cluster: [-1, 1].
    """
    differences = _differences(first, second, clusters)
    mean = clustered_mean(differences, clusters, level)
    if mean.se is None:
        return Estimate(mean.value, None, -1.0, 1.0, mean.n, mean.clusters, level)
    shrunk, se, df = _adjusted(differences, clusters)
    centre, half = mean.value * shrunk, t_quantile(level, df) * se
    return Estimate(
        mean.value, mean.se, max(-1.0, centre - half), min(1.0, centre + half), mean.n, mean.clusters, level
    )


def clustered_paired_p(first: Sequence[float] | Floats, second: Sequence[float] | Floats, clusters: Partition) -> float:
    """Two-sided p of no difference: the largest 1 - level at which `clustered_paired_difference` holds zero."""
    from scipy.special import stdtr

    differences = _differences(first, second, clusters)
    if clusters.count < 2:
        return 1.0
    shrunk, se, df = _adjusted(differences, clusters)
    return min(1.0, 2 * float(stdtr(df, -abs(differences.mean() * shrunk) / se)))


def minimum_detectable_difference(
    first: Sequence[float] | Floats,
    second: Sequence[float] | Floats,
    clusters: Partition,
    *,
    power: float = 0.8,
    level: float = 0.95,
) -> float:
    """The true difference that these items would show as one, at this level, with probability `power`.

    t(level) SE' + t(power) SE (Bloom 1995), SE' being the half width of `clustered_paired_difference`'s interval per t,
    and SE the standard error: it holds for two models that differ on as many items as these two do. One cluster:
    infinite.
    """
    from scipy.special import stdtrit

    differences = _differences(first, second, clusters)
    if clusters.count < 2:
        return math.inf
    shrunk, se, df = _adjusted(differences, clusters)
    plain = (clustered_mean(differences, clusters).se or 0.0) * math.sqrt(clusters.count / (clusters.count - 1))
    return t_quantile(level, df) * se / shrunk + float(stdtrit(df, power)) * plain


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in the order given (Holm 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return [float(value) for value in adjusted]


def _differences(first: Sequence[float] | Floats, second: Sequence[float] | Floats, clusters: Partition) -> Floats:
    return as_scores(second, clusters) - as_scores(first, clusters)


def _adjusted(differences: Floats, clusters: Partition) -> tuple[float, float, int]:
    """(shrinkage of the mean, standard error, degrees of freedom) with one observation gained, and one lost, added.

    Each is a cluster of d items, d being the design effect: the clustered over the plain variance of the mean, between
    1 and the average size of a cluster, which it is where no difference varies and so nothing is known of it.
    """
    n, sums, sizes = len(differences), clusters.sums(differences), clusters.sizes()
    mean, average = float(differences.mean()), len(differences) / clusters.count
    plain = float(np.square(differences - mean).sum())
    together = float(np.square(sums - sizes * mean).sum())
    effect = min(average, max(1.0, together / plain)) if plain > 1e-12 else average
    sums, sizes, count = np.append(sums, [effect, -effect]), np.append(sizes, [effect, effect]), clusters.count + 2
    shrunk = n / (n + 2 * effect)
    spread = float(np.square(sums - sizes * mean * shrunk).sum()) * count / (count - 1)
    return shrunk, math.sqrt(spread) / float(sizes.sum()), count - 1

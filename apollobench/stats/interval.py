"""Means and proportions with intervals that respect clusters: several questions on one video are not independent.

The standard error is the cluster-robust one: for a weighted mean sum_i w_i s_i with residuals e_i,
SE = sqrt(sum_c (sum_{i in c} w_i e_i)^2); with w_i = 1/n it is sqrt(sum_c (sum_{i in c} (s_i - mean))^2) / n.
Few clusters make that too small, so intervals use SE * sqrt(G / (G - 1)) and Student's t with G - 1 degrees of freedom,
G being the number of clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from apollobench.stats.clusters import Floats, Partition, as_scores


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, or a coefficient, with its interval. se: standard error over clusters, None when it cannot be told."""

    value: float
    se: float | None
    low: float
    high: float
    n: int
    clusters: int
    level: float = 0.95


def wilson(successes: float, n: float, level: float = 0.95, *, quantile: float | None = None) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927). `n` may be an effective, fractional, size.

    quantile: the two-sided quantile to use in place of the normal one.
    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"{successes} successes of {n}")
    z = NormalDist().inv_cdf(0.5 + level / 2) if quantile is None else quantile
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high


def clustered_mean(values: Sequence[float] | Floats, clusters: Partition, level: float = 0.95) -> Estimate:
    """Mean of any scores [n]: value -+ t * SE * sqrt(G / (G - 1)). One cluster: an infinite interval.

    Raises ValueError on empty, unequal or non-finite input.
    """
    scores = as_scores(values, clusters)
    mean = float(scores.mean())
    se = _robust_se((scores - mean) / scores.size, clusters)
    half = _half_width(se, clusters.count, level)
    return Estimate(mean, se, mean - half, mean + half, scores.size, clusters.count, level)


def clustered_proportion(values: Sequence[float] | Floats, clusters: Partition, level: float = 0.95) -> Estimate:
    """Share of ones in 0/1 scores [n], with an interval inside [0, 1] (`proportion_interval`)."""
    scores = as_scores(values, clusters)
    mean = float(scores.mean())
    se = _robust_se((scores - mean) / scores.size, clusters)
    low, high = proportion_interval(mean, se, scores.size, clusters.count, level)
    return Estimate(mean, se, low, high, scores.size, clusters.count, level)


def clustered_macro(
    values: Sequence[float] | Floats, groups: Sequence[str], clusters: Partition, level: float = 0.95
) -> Estimate:
    """Unweighted mean over groups of each group's share of ones; a cluster may span groups.

    Each item weighs 1 / (K n_group) and leaves a residual from its own group's mean; the SE is clustered over those.
    """
    scores, weights, residuals = _macro_terms(values, groups, clusters)
    mean = float((weights * scores).sum())
    se = _robust_se(weights * residuals, clusters)
    low, high = proportion_interval(mean, se, scores.size, clusters.count, level)
    return Estimate(mean, se, low, high, scores.size, clusters.count, level)


def proportion_interval(p: float, se: float | None, n: int, clusters: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's interval at the effective sample size p (1 - p) / SE^2 with a t quantile (Kott and Carr 1997).

    It stays inside [0, 1] and behaves near the ends, where mean -+ t SE does not. The effective size is at most n, so
    that clusters that happen to cancel do not feign certainty. When every score is the same the scores say nothing of
    the clustering, and each cluster counts as one observation. One cluster: [0, 1].
    """
    if se is None:
        return 0.0, 1.0
    spread = p * (1 - p)
    if spread <= 1e-12:
        return wilson(round(p) * clusters, clusters, level, quantile=t_quantile(level, clusters - 1))
    variance = se * se * clusters / (clusters - 1)
    effective = min(float(n), spread / variance) if variance > 0 else float(n)
    return wilson(p * effective, effective, level, quantile=t_quantile(level, clusters - 1))


def within(estimate: Estimate, low: float, high: float) -> Estimate:
    """The estimate with its interval cut to what is possible at all; an infinite one stays, for it says nothing."""
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return estimate
    return replace(estimate, low=max(low, estimate.low), high=min(high, estimate.high))


def t_quantile(level: float, df: int) -> float:
    """Two-sided quantile of Student's t: P(|T| < q) = level."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.5 + level / 2))


def _macro_terms(
    values: Sequence[float] | Floats, groups: Sequence[str], clusters: Partition
) -> tuple[Floats, Floats, Floats]:
    scores = as_scores(values, clusters)
    if len(groups) != scores.size:
        raise ValueError(f"{len(groups)} group labels for {scores.size} scores")
    _, codes, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    means = np.bincount(codes, weights=scores) / sizes
    return scores, 1.0 / (len(sizes) * sizes[codes]), scores - means[codes]


def _robust_se(terms: Floats, clusters: Partition) -> float | None:
    if clusters.count < 2:
        return None
    return float(np.sqrt(np.square(clusters.sums(terms)).sum()))


def _half_width(se: float | None, clusters: int, level: float) -> float:
    if se is None:
        return math.inf
    return t_quantile(level, clusters - 1) * se * math.sqrt(clusters / (clusters - 1))

"""How many of a panel are right about one item, when models of one family are not independent of each other.

The ability of an item is the probability that a model of a further family is right about it. Given the ability,
families are independent; a family's own rate is drawn from a beta distribution around it, so that two of its models
are both right or both wrong more often than two strangers: `correlation` is the correlation of their votes. The
number right is then a sum of one beta-binomial per family. At correlation 0 it is binomial, at 1 each family is a
single vote. If models differ in ability on an item, the binomial's upper tail is only wider than theirs (Hoeffding
1956), so tests of it stay valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats, partition

GRID = np.linspace(0.0, 1.0, 401)


def right_pmf(sizes: Sequence[int], ability: Sequence[float] | Floats, correlation: float) -> Floats:
    """P(k of n right) [abilities, n + 1], n the sum of `sizes`, the voting models of each family."""
    theta = np.atleast_1d(np.asarray(ability, dtype=np.float64))
    pmf = np.ones((theta.size, 1))
    for size in sizes:
        family = _family_pmf(size, theta, correlation)
        wider = np.zeros((theta.size, pmf.shape[1] + size))
        for right in range(size + 1):
            wider[:, right : right + pmf.shape[1]] += family[:, right, None] * pmf
        pmf = wider
    return pmf


def right_tail(sizes: Sequence[int], ability: Sequence[float] | Floats, correlation: float) -> Floats:
    """P(at least k of n right) [abilities, n + 1]: the exact p-value of every k against that ability."""
    pmf = right_pmf(sizes, ability, correlation)
    tail = np.minimum(1.0, np.cumsum(pmf[:, ::-1], axis=1)[:, ::-1])
    tail[:, 0] = 1.0
    return tail


def power(sizes: Sequence[int], critical: int, correlation: float, ability: Sequence[float] | Floats) -> Floats:
    """Probability [abilities] that at least `critical` of the models are right; 0 where that is more than there are."""
    tail = right_tail(sizes, ability, correlation)
    return tail[:, critical] if critical < tail.shape[1] else np.zeros(len(tail))


def critical_count(sizes: Sequence[int], null: float, level: float, correlation: float) -> int:
    """The least number right whose p-value against ability <= `null` is at most `level`; n + 1 if all are too few."""
    return int((right_tail(sizes, [null], correlation)[0] > level).sum())


def detectable(sizes: Sequence[int], critical: int, correlation: float, wanted: float = 0.8) -> float | None:
    """The smallest ability, in steps of .0025, with `power` of at least `wanted`; None if there is none."""
    found = GRID[power(sizes, critical, correlation, GRID) >= wanted]
    return float(found[0]) if found.size else None


@dataclass(frozen=True, slots=True)
class Spread:
    """Moments of a score matrix. mean: of the abilities of its items. variance: of them between items, nan if unknown.

    correlation: of the votes of one family, given the ability; nan where no two families, or no two models of one,
    can be compared.
    """

    mean: float
    variance: float
    correlation: float


def spread(scores: NDArray[np.int8], families: Sequence[str]) -> Spread:
    """Method of moments on 0/1 scores [models, items], negative for no vote.

    Covariances over items of two models' votes, averaged over pairs: between families they are the variance of the
    ability; within a family they exceed it by correlation * E[ability (1 - ability)]. Each pair uses the items on which
    both voted. Models without variance say nothing and are left out.
    """
    voted = (scores >= 0).astype(np.float64)
    right = (scores == 1).astype(np.float64)
    votes = voted.sum(axis=1)
    means = np.divide(right.sum(axis=1), votes, out=np.full(len(votes), np.nan), where=votes > 0)
    useful = np.flatnonzero((means > 0) & (means < 1))
    mean = float(right.sum() / votes.sum()) if votes.sum() else np.nan
    deviation = (right - means[:, None])[useful] * voted[useful]
    both = voted[useful] @ voted[useful].T
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = (deviation @ deviation.T) / both
    codes = partition(families).codes[useful]
    pairs = np.triu(np.ones_like(both, dtype=np.bool_), 1) & (both > 1)
    same = codes[:, None] == codes[None, :]
    within, between = covariance[pairs & same], covariance[pairs & ~same]
    if not between.size:
        return Spread(mean, np.nan, np.nan)
    variance = float(between.mean())
    if not within.size:
        return Spread(mean, variance, np.nan)
    total = np.sqrt(np.outer(means[useful] * (1 - means[useful]), means[useful] * (1 - means[useful])))
    left = float(total[pairs & same].mean()) - variance
    return Spread(mean, variance, (float(within.mean()) - variance) / left if left > 0 else np.nan)


def beta_prior(mean: float, variance: float) -> Floats:
    """Weights [401] of the abilities in `GRID` under the beta distribution with these moments.

    Uniform where the variance is not known; a variance that no beta distribution has is brought to the nearest one.
    """
    from scipy.special import betainc

    if not (np.isfinite(variance) and 0 < mean < 1):
        return np.full(GRID.size, 1 / GRID.size)
    share = float(np.clip(variance / (mean * (1 - mean)), 1e-3, 1 - 1e-3))
    a, b = mean * (1 / share - 1), (1 - mean) * (1 / share - 1)
    edges = np.concatenate([[0.0], (GRID[1:] + GRID[:-1]) / 2, [1.0]])
    return np.diff(betainc(a, b, edges))


def _family_pmf(size: int, theta: Floats, correlation: float) -> Floats:
    """Beta-binomial [abilities, size + 1] in the product form of Polya's urn, which holds at every correlation.

    C(s, k) prod_{j<k} (t (1-r) + j r) prod_{j<s-k} ((1-t) (1-r) + j r) / prod_{j<s} (1 - r + j r), where a factor
    1 - r common to both sides is divided out.
    """
    from scipy.special import gammaln

    r = correlation
    steps = np.arange(1, size)
    with np.errstate(divide="ignore"):
        up = _rising(np.log(theta), np.log(theta[:, None] * (1 - r) + steps * r))
        down = _rising(np.log1p(-theta), np.log((1 - theta[:, None]) * (1 - r) + steps * r))
        mixed, whole = np.log1p(-r) if r < 1 else -np.inf, np.log(1 - r + steps * r).sum()
    k = np.arange(size + 1)
    ways = gammaln(size + 1) - gammaln(k + 1) - gammaln(size - k + 1)
    both = np.where((k > 0) & (k < size), mixed, 0.0)
    return np.asarray(np.exp(ways + up + down[:, ::-1] + both - whole), dtype=np.float64)


def _rising(first: Floats, others: Floats) -> Floats:
    """Sums [abilities, size + 1] of the first k terms: 0, `first`, `first` + the others one by one."""
    return np.cumsum(np.concatenate([np.zeros((first.size, 1)), first[:, None], others], axis=1), axis=1)

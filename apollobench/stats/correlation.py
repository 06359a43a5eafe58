"""How alike two lists of scores are: Pearson, Spearman, Kendall, a fitted line, with intervals over the models.

Each coefficient takes weights [draws, n], how often each model was drawn, and gives one value per draw: nan where one
of the lists does not vary among the models drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from apollobench.stats.bootstrap import DRAWS, bca, leave_one_out, resample
from apollobench.stats.clusters import Floats, Partition, partition
from apollobench.stats.interval import Estimate

Coefficient = Callable[[Floats, Floats, Floats], Floats]
# With fewer independent models resampling cannot tell how far off a coefficient may be.
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Association:
    """Two lists of scores of the same `n` models. slope, intercept: least squares of the second on the first.

    The coefficients have BCa bootstrap intervals over models (whole families, where they were given); with fewer than
    five independent models an interval is all that is possible, [-1, 1] or for r2 [0, 1].
    """

    n: int
    pearson: Estimate
    spearman: Estimate
    kendall: Estimate
    r2: Estimate
    slope: float
    intercept: float


def associate(
    first: ArrayLike, second: ArrayLike, families: Partition | None = None, *, level: float = 0.95, seed: int = 0
) -> Association:
    """How alike `first` [n] and `second` [n] are. families: models of one are resampled together.

    Raises ValueError for unequal lengths, values that are not finite, fewer than three models (two always lie on a
    line) and a list that does not vary.
    """
    x, y = as_pair(first, second)
    clusters = families or partition(range(len(x)))
    by_pearson, by_spearman, by_kendall, r2 = (
        estimate(each, x, y, clusters, level=level, seed=seed) for each in COEFFICIENTS.values()
    )
    slope = float(np.cov(x, y)[0, 1] / x.var(ddof=1))
    intercept = float(y.mean() - slope * x.mean())
    return Association(len(x), by_pearson, by_spearman, by_kendall, r2, slope, intercept)


def estimate(
    coefficient: Coefficient, x: Floats, y: Floats, clusters: Partition, *, level: float = 0.95, seed: int = 0
) -> Estimate:
    """One coefficient with its BCa interval over clusters of models; se: the standard deviation over resamples."""
    value = float(coefficient(x, y, np.ones((1, len(x))))[0])
    if clusters.count < ENOUGH:
        return Estimate(value, None, -1.0 if coefficient in SIGNED else 0.0, 1.0, len(x), clusters.count, level)
    drawn = coefficient(x, y, resample(clusters, DRAWS, seed))
    low, high = bca(value, drawn, coefficient(x, y, leave_one_out(clusters)), level)
    return Estimate(value, float(np.nanstd(drawn)), low, high, len(x), clusters.count, level)


def as_pair(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    """Both lists as float64 [n]. Raises ValueError where no coefficient is defined, naming why."""
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"two lists of equal length, got shapes {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("scores must be finite; leave out models that lack one")
    if len(x) < 3:
        raise ValueError(f"{len(x)} models in common, at least three are needed: two always lie on a line")
    for which, values in (("first", x), ("second", y)):
        if np.ptp(values) == 0:
            raise ValueError(f"the {which} does not vary: every model has {values[0]:g}, so no correlation is defined")
    return x, y


def pearson(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's r of x [n] and y [n] for each row of weights [draws, n]: [draws]."""
    return _pearson(np.broadcast_to(x - x.mean(), weights.shape), np.broadcast_to(y - y.mean(), weights.shape), weights)


def r_squared(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Pearson's r squared: the share of variance that a straight line explains."""
    return np.square(pearson(x, y, weights))


def spearman(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Spearman's rho: Pearson's r of the mid-ranks among the models drawn."""
    return _pearson(weights @ _below(x), weights @ _below(y), weights)


def kendall(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Kendall's tau-b: (concordant - discordant) / sqrt(pairs untied in x * pairs untied in y)."""
    a, b = _signs(x), _signs(y)
    untied = _paired(np.abs(a), weights) * _paired(np.abs(b), weights)
    return _ratio(_paired(a * b, weights), np.sqrt(untied))


def decision_agreement(x: Floats, y: Floats, weights: Floats) -> Floats:
    """Share of pairs that x and y order alike; a tie agrees only with a tie. Copies of one are not compared."""
    return stratified_agreement(x, y, weights, Partition(np.zeros(len(x), np.intp), 1))


def stratified_agreement(x: Floats, y: Floats, weights: Floats, strata: Partition) -> Floats:
    """Decision agreement over the pairs that lie in one stratum."""
    counted = (strata.codes[:, None] == strata.codes) & ~np.eye(len(x), dtype=np.bool_)
    pairs = _paired(counted.astype(np.float64), weights)
    alike = _paired((counted & (_signs(x) == _signs(y))).astype(np.float64), weights)
    return _ratio(alike, pairs)


def centred_r_squared(x: Floats, y: Floats, weights: Floats, strata: Partition) -> Floats:
    """Pearson's r squared of x and y less the mean of their stratum among what was drawn."""
    members = (strata.codes[:, None] == np.arange(strata.count)).astype(np.float64)
    sizes = np.maximum(weights @ members, 1)
    dx, dy = (v - (((weights * v) @ members) / sizes)[:, strata.codes] for v in (x, y))
    return np.square(_pearson(dx, dy, weights))


def _pearson(x: Floats, y: Floats, weights: Floats) -> Floats:
    total = weights.sum(axis=1)
    mean_x, mean_y = ((weights * v).sum(axis=1) / total for v in (x, y))
    dx, dy = x - mean_x[:, None], y - mean_y[:, None]
    xx, yy, xy = ((weights * v).sum(axis=1) for v in (dx * dx, dy * dy, dx * dy))
    # What is left of a constant list after rounding is no variance.
    varies = (xx > 1e-20 * np.square(x).max() * total) & (yy > 1e-20 * np.square(y).max() * total)
    return np.clip(_ratio(xy, np.sqrt(np.where(varies, xx * yy, 0))), -1, 1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """part / whole, nan where there is nothing to divide by."""
    found: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return found


def _below(values: Floats) -> Floats:
    """[n, n]: entry j, i is 1 where value j is below value i, 1/2 where they are equal; its weighted sums are ranks."""
    return np.asarray((values[:, None] < values) + 0.5 * (values[:, None] == values))


def _signs(values: Floats) -> Floats:
    return np.asarray(np.sign(values[:, None] - values))


def _paired(square: Floats, weights: Floats) -> Floats:
    """The sum of `square` [n, n] over all pairs drawn, for each row of weights."""
    return np.asarray(((weights @ square) * weights).sum(axis=1))


COEFFICIENTS: Mapping[str, Coefficient] = {
    "pearson": pearson,
    "spearman": spearman,
    "kendall": kendall,
    "r2": r_squared,
}
SIGNED = (pearson, spearman, kendall)

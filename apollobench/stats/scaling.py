"""Scaling Consistency (Apollo paper, arXiv 2412.10360, section 3): do variants rank alike at two model sizes?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kendalltau

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Consistency:
    """Of the same variants at two sizes. r2: squared Pearson correlation, with its interval over designs.

    tau: Kendall's tau-b. agreement: share of pairs of variants that both sizes order alike. n: variants.
    """

    n: int
    r2: float
    r2_low: float
    r2_high: float
    tau: float
    agreement: float


def consistency(x: ArrayLike, y: ArrayLike, designs: ArrayLike, *, seed: int = 0, level: float = 0.95) -> Consistency:
    """Scores `x` and `y` [variants] of one variant each at two sizes; `designs` [variants] names their designs.

    Designs are resampled whole (percentile bootstrap), since the mixtures of one design are not independent; resamples
    in which a size scores all alike are left out. With few designs the interval is wide, as it should be.
    Raises ValueError for fewer than three variants or different lengths.
    """
    a, b, groups = np.asarray(x, np.float64), np.asarray(y, np.float64), np.asarray(designs)
    if not len(a) == len(b) == len(groups) or len(a) < 3:
        raise ValueError(f"need the same three or more variants at both sizes, not {len(a)}, {len(b)}, {len(groups)}")
    rng = np.random.default_rng(seed)
    names = np.unique(groups)
    places = [np.flatnonzero(groups == name) for name in names]
    drawn = []
    for _ in range(RESAMPLES):
        rows = np.concatenate([places[i] for i in rng.integers(len(names), size=len(names))])
        value = r_squared(a[rows], b[rows])
        if not np.isnan(value):
            drawn.append(value)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]) if drawn else (np.nan, np.nan)
    tau = float(kendalltau(a, b).statistic)
    return Consistency(len(a), r_squared(a, b), float(low), float(high), tau, decision_agreement(a, b))


def r_squared(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Squared Pearson correlation; nan where one of them does not vary."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1] ** 2)


def decision_agreement(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Share of pairs of variants that `x` and `y` order alike; a tie agrees only with a tie."""
    first, second = np.triu_indices(len(x), 1)
    return float(np.mean(np.sign(x[first] - x[second]) == np.sign(y[first] - y[second])))

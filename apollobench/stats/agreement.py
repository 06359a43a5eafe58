"""Do two lists of scores rank the same models alike?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats


def kendall_tau(first: Sequence[float] | Floats, second: Sequence[float] | Floats) -> float:
    """Kendall's tau-b of two score lists [n], corrected for ties; nan when either list is all ties (no ranking in it).

    Raises ValueError on unequal lengths or fewer than two scores.
    """
    from scipy.stats import kendalltau

    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1 or a.size < 2:
        raise ValueError(f"two lists of at least two scores each, got shapes {a.shape} and {b.shape}")
    return float(kendalltau(a, b, variant="b").statistic)


def kendall_taus(many: Floats, one: Floats) -> Floats:
    """Kendall's tau-b [draws] of each row of score lists [draws, n] with one [n]; nan where there is no ranking.

    Scores that differ by less than 1e-9 tie. The same as `kendall_tau` row by row, which is faster for long lists.
    """
    first, second = np.triu_indices(len(one), 1)
    here = np.sign(np.round(many[:, first] - many[:, second], 9))
    there = np.sign(np.round(one[first] - one[second], 9))
    with np.errstate(invalid="ignore"):
        return np.asarray((here @ there) / np.sqrt(np.abs(here).sum(axis=1) * np.abs(there).sum()))


def expected_concordance(
    scores: NDArray[np.floating[Any]], weights: Floats, target: Floats, size: float, of: float
) -> float:
    """Expected share of pairs of models that `size` items drawn from `of` put into the order of `target` [models].

    scores [models, items], weights [items]: the items drawn from and how often each is drawn, relative to others. For a
    pair with score differences d_i the mean over the drawn items is close to normal with mean m = sum w d / sum w and
    variance v (1 - size / of) / size, v the weighted variance of d; so the pair is in order with probability
    Phi(+-m / sd). Pairs that tie in the target are left out; nan where all do.
    """
    from scipy.special import ndtr

    share = (weights / weights.sum()).astype(scores.dtype)
    means = scores @ share
    products = (scores * share) @ scores.T
    first, second = np.triu_indices(len(target), 1)
    order = np.sign(np.round(target[first] - target[second], 9))
    squares = products[first, first] + products[second, second] - 2 * products[first, second]
    gaps = means[first] - means[second]
    variance = np.maximum(squares - gaps**2, 1e-3) * max(1 - size / of, 0.02) / size
    known = order != 0
    return float(ndtr(order[known] * gaps[known] / np.sqrt(variance[known])).mean()) if known.any() else np.nan

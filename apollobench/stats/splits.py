"""Splits of models for validation: families stay whole, as frame budgets and reruns of one model are alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats
from apollobench.stats.interval import Estimate, t_quantile

Split = tuple[NDArray[np.intp], NDArray[np.intp]]
_TRIES = 50


def family_halves(families: Sequence[str], count: int, least: int, seed: int) -> list[Split]:
    """Up to `count` different splits of models [n] into (training, held out), half of the families on either side.

    Each side has `least` models or more; of an odd number of families, either side may have the one more. Fewer splits,
    or none, come back where the families allow no more.
    """
    names = sorted(set(families))
    owner = np.array([names.index(family) for family in families])
    rng = np.random.default_rng(seed)
    seen: set[tuple[int, ...]] = set()
    found: list[Split] = []
    for _ in range(_TRIES * count):
        if len(found) == count or len(names) < 2:
            break
        half = (len(names) + rng.integers(2)) // 2
        held_out = tuple(sorted(rng.permutation(len(names))[:half].tolist()))
        inside = np.isin(owner, held_out)
        if held_out in seen or min(inside.sum(), (~inside).sum()) < least:
            continue
        seen.add(held_out)
        found.append((np.flatnonzero(~inside), np.flatnonzero(inside)))
    return found


def resampled_mean(values: Floats, ratio: float, level: float = 0.95) -> Estimate:
    """Mean over splits of `values` [splits], with Nadeau and Bengio's (2003) corrected resampled interval.

    Splits share models, so their values are not independent: SE^2 = (1 / n + ratio) s^2 in place of s^2 / n, `ratio`
    being held-out over training models; Student's t with n - 1 degrees of freedom. One split: an infinite interval.
    """
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Estimate(mean, None, -math.inf, math.inf, n, n, level)
    se = math.sqrt((1 / n + ratio) * float(values.var(ddof=1)))
    half = t_quantile(level, n - 1) * se
    return Estimate(mean, se, mean - half, mean + half, n, n, level)

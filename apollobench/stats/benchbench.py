"""BenchBench (Perlitz et al. 2024, arXiv 2407.13696): how well each benchmark agrees with all of them together.

The reference is the aggregate: each model's win rate (the share of the other models with a lower score) on every
benchmark, averaged over the benchmarks it has. tau is Kendall's tau-b of a benchmark's scores and the aggregate, and
z = (tau - mean of all taus) / their standard deviation (n - 1), so z says how it stands among the benchmarks given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apollobench.stats.agreement import kendall_tau
from apollobench.stats.clusters import Floats
from apollobench.stats.correlation import ENOUGH

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Standing:
    """A benchmark against the aggregate. models: how many have both; with fewer than five tau and z are nan.

    tau, z: as BenchBench has them, where a benchmark is part of the aggregate it is held against. tau_rest, z_rest:
    against the aggregate of the others, which does not agree with it by construction.
    """

    benchmark: str
    models: int
    tau: float
    z: float
    tau_rest: float
    z_rest: float


def standings(scores: pd.DataFrame) -> tuple[Standing, ...]:
    """Every benchmark of scores [models x benchmarks], nan where missing, against the others.

    A model counts in the aggregate if it has a third of the benchmarks or more, at least one.
    """
    values = scores.to_numpy(np.float64)
    whole, models = _taus(values, itself=True)
    rest, _ = _taus(values, itself=False)
    return tuple(
        Standing(str(name), *row)
        for name, *row in zip(scores.columns, models, whole, _z(whole), rest, _z(rest), strict=True)
    )


def win_rates(values: Floats) -> Floats:
    """Mean win rate of each model [models] over its benchmarks; values [models, benchmarks], nan where missing."""
    known = np.isfinite(values)
    kept = known.sum(axis=1) >= max(1, values.shape[1] // 3)
    values = np.where(kept[:, None], values, np.nan)
    wins = np.full(values.shape, np.nan)
    for column in range(values.shape[1]):
        has = np.flatnonzero(np.isfinite(values[:, column]))
        if len(has) > 1:
            score = values[has, column]
            wins[has, column] = (score[:, None] > score).sum(axis=1) / (len(has) - 1)
    counted = np.isfinite(wins).sum(axis=1)
    total = np.nansum(wins, axis=1)
    found: Floats = np.divide(total, counted, out=np.full(len(values), np.nan), where=counted > 0)
    return found


def _taus(values: Floats, itself: bool) -> tuple[list[float], list[int]]:
    taus, models = [], []
    for column in range(values.shape[1]):
        aggregate = win_rates(values if itself else np.delete(values, column, axis=1))
        both = np.isfinite(aggregate) & np.isfinite(values[:, column])
        models.append(int(both.sum()))
        taus.append(kendall_tau(values[both, column], aggregate[both]) if both.sum() >= ENOUGH else np.nan)
    return taus, models


def _z(taus: list[float]) -> list[float]:
    known = np.array([tau for tau in taus if np.isfinite(tau)])
    sd = float(known.std(ddof=1)) if known.size > 1 else 0.0
    return [(tau - float(known.mean())) / sd if sd > 0 else np.nan for tau in taus]

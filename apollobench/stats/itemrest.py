"""Corrected item-rest correlation: do the models that are better elsewhere also do better on this item?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats

_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class ItemRest:
    """Per item. r: nan where it is not defined. se: sqrt((1 - r^2) / (units - 2)). p: of so low an r without a link."""

    r: Floats
    se: Floats
    p: Floats


def item_rest(scores: NDArray[np.int8], units: NDArray[np.int64] | None = None) -> ItemRest:
    """Point-biserial correlation over models of right [models, items] with the share right of all other items.

    scores: 1 right, 0 not, negative no vote, which leaves the model out of that item. units [items]: how many of the
    models that voted are independent (families); all of them by default. r is nan for an item that nobody or everybody
    solves, for fewer than three votes, and where the rest does not vary; se and p are nan for fewer than three units.
    p is Student's, but never below one over the number of ways in which so many models can be right: no more can be
    told by so few.
    """
    parts = []
    block = max(1, _CELLS // max(1, len(scores)))
    right, voted = (scores == 1).sum(axis=1), (scores >= 0).sum(axis=1)
    for start in range(0, scores.shape[1], block):
        parts.append(_correlation(scores[:, start : start + block], right, voted))
    r = np.concatenate(parts) if parts else np.zeros(0)
    solved, answered = (scores == 1).sum(axis=0), (scores >= 0).sum(axis=0)
    n = (answered if units is None else units).astype(np.float64)
    return ItemRest(r, *_error(r, n, solved, answered))


def _correlation(scores: NDArray[np.int8], right: NDArray[np.int64], voted: NDArray[np.int64]) -> Floats:
    ones, votes = (scores == 1).astype(np.float64), (scores >= 0).astype(np.float64)
    others = np.maximum(voted[:, None] - votes, 1)
    rest = (right[:, None] - ones) / others
    n = votes.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_rest, mean_one = (votes * rest).sum(axis=0) / n, ones.sum(axis=0) / n
        deviation = votes * (rest - mean_rest)
        spread = np.square(deviation).sum(axis=0)
        r = (deviation * ones).sum(axis=0) / np.sqrt(spread * n * mean_one * (1 - mean_one))
    defined = (n >= 3) & (spread > 1e-12) & (mean_one > 0) & (mean_one < 1)
    return np.where(defined, np.clip(r, -1, 1), np.nan)


def _error(r: Floats, n: Floats, solved: NDArray[np.int64], answered: NDArray[np.int64]) -> tuple[Floats, Floats]:
    from scipy.special import binom, stdtr

    df = np.where(n >= 3, n - 2, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        se = np.sqrt((1 - r * r) / df)
        p = np.maximum(stdtr(df, r / se), 1 / binom(answered, solved))
    return se, np.where(np.isnan(se), np.nan, np.where(np.isnan(p), np.nan, p))

"""Where models stand among each other, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.bootstrap import resampled_means
from apollobench.stats.clusters import Floats, Partition


@dataclass(frozen=True, slots=True)
class RankInterval:
    """A model's rank, 1 the best; equal scores share the mean of their ranks.

    low, high: percentile interval over resampled videos, for this model alone (marginal). first: share of the resamples
    in which no other model is better. surely_low, surely_high: the ranks that the decided pairs leave open; with Holm's
    pairs they hold for all models at once (simultaneous; Mogstad, Romano, Shaikh and Wilhelm 2024).
    """

    rank: float
    low: float
    high: float
    first: float
    surely_low: int
    surely_high: int


def rank_intervals(
    scores: Floats,
    clusters: Partition,
    better: NDArray[np.bool_],
    *,
    draws: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> list[RankInterval]:
    """Ranks of the rows of `scores` [models, n], which have answered the same items.

    better [models, models]: whether the row's model is decidedly better than the column's.
    """
    drawn = ranks(resampled_means(scores, clusters, draws=draws, seed=seed))
    now = ranks(scores.mean(axis=1)[None])[0]
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    first = (drawn < 2).mean(axis=0) if len(scores) > 1 else np.ones(1)
    worse_than, better_than = better.sum(axis=0), better.sum(axis=1)
    return [
        RankInterval(
            float(now[i]),
            float(low[i]),
            float(high[i]),
            float(first[i]),
            1 + int(worse_than[i]),
            len(scores) - int(better_than[i]),
        )
        for i in range(len(scores))
    ]


def ranks(scores: Floats) -> Floats:
    """Ranks in each row of `scores` [draws, models], 1 the highest; equal scores share the mean of their ranks."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(-scores.round(12), method="average", axis=1), dtype=np.float64)


def tie_groups(order: Sequence[int], differ: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """The longest runs of models, in `order` from the best on, of which no two differ; runs may overlap.

    differ [models, models], symmetric: which pairs are decided.
    """
    groups: list[tuple[int, ...]] = []
    for start in range(len(order)):
        run = [order[start]]
        for model in order[start + 1 :]:
            if any(differ[model, member] for member in run):
                break
            run.append(model)
        if not groups or groups[-1][-1] != run[-1]:
            groups.append(tuple(run))
    return groups

"""How well a score finds what it looks for: the area under the ROC curve, with an interval that respects clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats, Partition, as_scores
from apollobench.stats.interval import Estimate, t_quantile


def roc_area(
    scores: Sequence[float] | Floats, positive: NDArray[np.bool_], clusters: Partition, level: float = 0.95
) -> Estimate:
    """P(a positive scores higher than a negative), ties half: the Mann-Whitney statistic, 1/2 for a useless score.

    The standard error sums, over clusters, what each item's placement among those of the other kind departs from the
    area (DeLong 1988; by clusters Obuchowski 1997), with the factor G / (G - 1); the interval is Student's on the logit
    scale. An area of 0 or 1 has a standard error of 0 and no width, which says too much; one cluster: [0, 1]. n: the
    positives.
    Raises ValueError when all items are of one kind.
    """
    from scipy.stats import rankdata

    values = as_scores(scores, clusters)
    m, n = int(positive.sum()), int((~positive).sum())
    if not (m and n):
        raise ValueError(f"{m} positive and {n} negative items; both are needed")
    overall = rankdata(values)
    placement = np.empty(len(values))
    placement[positive] = (overall[positive] - rankdata(values[positive])) / n
    placement[~positive] = 1 - (overall[~positive] - rankdata(values[~positive])) / m
    area = float(placement[positive].mean())
    if clusters.count < 2:
        return Estimate(area, None, 0.0, 1.0, m, clusters.count, level)
    influence = (placement - area) / np.where(positive, m, n)
    se = math.sqrt(float(np.square(clusters.sums(influence)).sum()) * clusters.count / (clusters.count - 1))
    if not 0 < area < 1:
        return Estimate(area, se, area, area, m, clusters.count, level)
    logit, half = math.log(area / (1 - area)), t_quantile(level, clusters.count - 1) * se / (area * (1 - area))
    return Estimate(area, se, _expit(logit - half), _expit(logit + half), m, clusters.count, level)


def _expit(x: float) -> float:
    from scipy.special import expit

    return float(expit(x))

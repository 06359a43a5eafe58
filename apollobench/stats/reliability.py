"""How well a set of items tells models apart, and how many it takes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats, Partition
from apollobench.stats.interval import Estimate
from apollobench.stats.paired import clustered_paired_difference

Scores = NDArray[np.int8]


def kr20(scores: Scores) -> float:
    """Kuder and Richardson's (1937) formula 20 for 0/1 scores [models, items]: k/(k-1) (1 - sum p q / var S).

    var S: population variance of the models' sums. Below 0 when items agree less than chance; nan for fewer than two
    items or when all models have the same sum.
    """
    return _kr20(np.ones(len(scores)), scores, scores.sum(axis=1, dtype=np.float64))


def kr20_over_families(
    scores: Scores, families: Sequence[str], *, draws: int = 1000, seed: int = 0, level: float = 0.95
) -> Estimate:
    """KR-20 of scores [models, items] with the percentile interval of `draws` resamples of whole families.

    Resamples whose models all have one sum are left out; n counts models, clusters families.
    """
    names = sorted(set(families))
    rows = [np.flatnonzero([family == name for family in families]) for name in names]
    rng = np.random.default_rng(seed)
    total = scores.sum(axis=1, dtype=np.float64)
    found = []
    for _ in range(draws):
        chosen = np.concatenate([rows[i] for i in rng.integers(len(names), size=len(names))])
        times = np.bincount(chosen, minlength=len(scores)).astype(np.float64)
        found.append(_kr20(times, scores, total))
    known = np.array(found)[~np.isnan(found)]
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2]) if known.size else (math.nan, math.nan)
    se = float(known.std()) if known.size else None
    return Estimate(kr20(scores), se, float(low), float(high), len(scores), len(names), level)


def spearman_brown(reliability: float, factor: float) -> float:
    """Reliability of a set `factor` times as long: factor r / (1 + (factor - 1) r) (Spearman 1910, Brown 1910)."""
    return factor * reliability / (1 + (factor - 1) * reliability)


def length_for_reliability(reliability: float, wanted: float) -> float:
    """The factor of length that lifts `reliability` to `wanted`, Spearman-Brown turned round; inf where none does."""
    if not 0 < reliability < 1:
        return math.inf
    return wanted * (1 - reliability) / (reliability * (1 - wanted))


def pair_variances(scores: Scores, videos: Partition) -> Floats:
    """For each pair of models [pairs]: n SE^2 of the difference of their scores [models, items], clustered by video.

    Over the n items that both answered; the variance that one item brings, dependence within videos included. Pairs
    with fewer than two videos in common are left out.
    """
    found = []
    for first, second in combinations(range(len(scores)), 2):
        both = (scores[first] >= 0) & (scores[second] >= 0)
        clusters = videos.where(both)
        if clusters.count < 2:
            continue
        difference = clustered_paired_difference(scores[first][both], scores[second][both], clusters)
        found.append(difference.n * (difference.se or 0.0) ** 2)
    return np.array(found)


def items_for_difference(variance: float, difference: float, *, level: float = 0.95, power: float = 0.8) -> float:
    """Items that show a true `difference` of two models with `power` in a two-sided test at 1 - `level`.

    (z_{(1 + level) / 2} + z_power)^2 variance / difference^2, `variance` as `pair_variances` gives it; so for items as
    many to a video as there.
    """
    normal = NormalDist()
    return (normal.inv_cdf(0.5 + level / 2) + normal.inv_cdf(power)) ** 2 * variance / difference**2


def _kr20(times: Floats, scores: Scores, total: Floats) -> float:
    """KR-20 when model j counts `times`[j] times; `total` is each model's sum."""
    items, weight = scores.shape[1], times / times.sum()
    variance = float(weight @ np.square(total - weight @ total)) if len(scores) > 1 else 0.0
    if items < 2 or variance <= 1e-12:
        return math.nan
    p = weight.astype(np.float32) @ scores
    return float(items / (items - 1) * (1 - (p * (1 - p)).sum(dtype=np.float64) / variance))

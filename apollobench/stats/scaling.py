"""Scaling Consistency (Apollo paper, arXiv 2412.10360, section 3): do variants rank alike at two model sizes?

A variant is a design under a data mixture. The mixtures of one design are not independent, so designs are resampled
whole; with few designs the intervals are wide, as they should be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apollobench.stats.bootstrap import DRAWS, bca, leave_one_out, resample
from apollobench.stats.clusters import Floats, Partition, partition
from apollobench.stats.correlation import (
    as_pair,
    centred_r_squared,
    decision_agreement,
    estimate,
    kendall,
    r_squared,
    spearman,
    stratified_agreement,
)
from apollobench.stats.interval import Estimate

Weights = Floats


@dataclass(frozen=True, slots=True)
class Within:
    """What is left when variants are compared within their stratum (data mixture) only.

    r2: of scores from which the stratum's mean is taken, over all strata. agreement: over pairs inside a stratum.
    by_stratum: R2 in each, nan where it is not defined.
    """

    r2: Estimate
    agreement: Estimate
    by_stratum: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Consistency:
    """Of the same `n` variants at two sizes; intervals over designs.

    r2: squared Pearson correlation. spearman; kendall: tau-b. agreement: share of pairs of variants that both sizes
    order alike. within: None without strata. without: design -> R2 when it is left out.
    """

    n: int
    r2: Estimate
    spearman: Estimate
    kendall: Estimate
    agreement: Estimate
    within: Within | None
    without: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The R2 that scores with these errors would show on average if the true scores were perfectly correlated.

    It is the product of the two reliabilities, the shares of the observed variance that are not error.
    """

    r2: float
    reliability_x: float
    reliability_y: float


@dataclass(frozen=True, slots=True)
class SizeFit:
    """R2 = a ln(B) + b over sizes B (in billions of parameters), each against the largest; intervals over designs."""

    billions: tuple[float, ...]
    r2: tuple[float, ...]
    a: Estimate
    b: Estimate


@dataclass(frozen=True, slots=True)
class Plateau:
    """R2 of a small size, trained on ever more samples, against the large one.

    gain: R2 with the most samples minus R2 with so many. at: the fewest samples from which on no gain exceeds the
    margin.
    """

    samples: tuple[float, ...]
    r2: tuple[Estimate, ...]
    gain: tuple[Estimate, ...]
    at: float


def consistency(
    x: ArrayLike,
    y: ArrayLike,
    designs: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    seed: int = 0,
    level: float = 0.95,
) -> Consistency:
    """Scores `x` and `y` [variants] of one variant each at two sizes; `designs` and `strata` [variants] name theirs.

    Raises ValueError for fewer than three variants, different lengths, scores that are not finite, and a size at which
    all variants score alike.
    """
    a, b = as_pair(x, y)
    names = np.asarray(designs).astype(str)
    if len(names) != len(a):
        raise ValueError(f"{len(names)} designs for {len(a)} variants")
    clusters = partition(names.tolist())
    over = partial(estimate, x=a, y=b, clusters=clusters, seed=seed, level=level)
    left = r_squared(a, b, leave_one_out(clusters))
    return Consistency(
        n=len(a),
        r2=over(r_squared),
        spearman=over(spearman),
        kendall=over(kendall),
        agreement=over(decision_agreement),
        within=None if strata is None else _within(a, b, np.asarray(strata).astype(str), over),
        without=dict(zip(np.unique(names).tolist(), left.tolist(), strict=True)) if clusters.count > 1 else {},
    )


def noise_ceiling(
    x: ArrayLike, y: ArrayLike, se_x: ArrayLike, se_y: ArrayLike, item_correlation: float = 0.0
) -> Ceiling:
    """The highest R2 to expect between `x` and `y` [variants], whose standard errors are `se_x` and `se_y` [variants].

    reliability = 1 - (1 - rho) mean(se^2) / var(x), not below 0 (Spearman 1904, correction for attenuation).
    item_correlation: rho, how much two variants' errors on the same items have in common; what they share moves all
    variants alike and hides no order. 0 holds for variants that were scored on different items.
    Raises ValueError as `as_pair` does, and unless 0 <= rho < 1.
    """
    a, b = as_pair(x, y)
    if not 0 <= item_correlation < 1:
        raise ValueError(f"item_correlation must be at least 0 and below 1, not {item_correlation}")
    first, second = (
        max(0.0, 1 - (1 - item_correlation) * float(np.mean(np.square(np.asarray(se, np.float64)))) / v.var(ddof=1))
        for se, v in ((se_x, a), (se_y, b))
    )
    return Ceiling(first * second, first, second)


def size_fit(
    billions: ArrayLike, small: ArrayLike, large: ArrayLike, designs: ArrayLike, *, seed: int = 0, level: float = 0.95
) -> SizeFit:
    """Fits R2 = a ln(B) + b by least squares. billions [sizes]; small [sizes, variants]; large, designs [variants].

    A resample draws the same designs at every size. Raises ValueError for fewer than two sizes, and as `consistency`.
    """
    sizes, scores = np.asarray(billions, np.float64), np.asarray(small, np.float64)
    if len(sizes) < 2:
        raise ValueError("a fit over sizes needs two or more beside the largest")
    pairs = [as_pair(each, large) for each in scores]
    clusters = partition(np.asarray(designs).astype(str).tolist())

    def fit(weights: Weights) -> tuple[Floats, Floats]:
        r2 = np.array([r_squared(x, y, weights) for x, y in pairs])
        a, b = np.linalg.lstsq(np.column_stack([np.log(sizes), np.ones(len(sizes))]), np.nan_to_num(r2), rcond=None)[0]
        known = np.isfinite(r2).all(axis=0)
        return np.where(known, a, np.nan), np.where(known, b, np.nan)

    r2 = tuple(float(r_squared(x, y, np.ones((1, len(x))))[0]) for x, y in pairs)
    a = _over_designs(lambda weights: fit(weights)[0], clusters, seed, level)
    b = _over_designs(lambda weights: fit(weights)[1], clusters, seed, level)
    return SizeFit(tuple(sizes.tolist()), r2, a, b)


def plateau(
    samples: ArrayLike,
    small: ArrayLike,
    large: ArrayLike,
    designs: ArrayLike,
    margin: float = 0.02,
    *,
    seed: int = 0,
    level: float = 0.95,
) -> Plateau:
    """From how many training samples on does a small size tell of the large one what it ever will?

    samples [k], ascending; small [k, variants]: the small size after so many; large, designs [variants].
    Raises ValueError for fewer than two amounts, amounts that do not ascend, and as `consistency`.
    """
    amounts = np.asarray(samples, np.float64)
    if len(amounts) < 2 or not (np.diff(amounts) > 0).all():
        raise ValueError(f"a plateau needs two or more numbers of samples in ascending order, got {amounts.tolist()}")
    pairs = [as_pair(each, large) for each in np.asarray(small, np.float64)]
    clusters = partition(np.asarray(designs).astype(str).tolist())

    def gain_of_the_most(weights: Weights, x: Floats, y: Floats) -> Floats:
        return r_squared(*pairs[-1], weights) - r_squared(x, y, weights)

    r2 = tuple(estimate(r_squared, x, y, clusters, seed=seed, level=level) for x, y in pairs)
    gain = tuple(_over_designs(partial(gain_of_the_most, x=x, y=y), clusters, seed, level) for x, y in pairs)
    above = [i for i, found in enumerate(gain) if found.value > margin]
    return Plateau(tuple(amounts.tolist()), r2, gain, float(amounts[above[-1] + 1 if above else 0]))


def _within(a: Floats, b: Floats, strata: NDArray[np.str_], over: Callable[..., Estimate]) -> Within:
    groups = partition(strata.tolist())
    by_stratum = {
        str(name): float(r_squared(a[members], b[members], np.ones((1, int(members.sum()))))[0])
        for name in np.unique(strata)
        if (members := strata == name).any()
    }
    return Within(
        r2=over(partial(centred_r_squared, strata=groups)),
        agreement=over(partial(stratified_agreement, strata=groups)),
        by_stratum=by_stratum,
    )


def _over_designs(statistic: Callable[[Weights], Floats], clusters: Partition, seed: int, level: float) -> Estimate:
    n = len(clusters.codes)
    value = float(statistic(np.ones((1, n)))[0])
    drawn = statistic(resample(clusters, DRAWS, seed))
    low, high = bca(value, drawn, statistic(leave_one_out(clusters)), level)
    return Estimate(value, float(np.nanstd(drawn)), low, high, n, clusters.count, level)

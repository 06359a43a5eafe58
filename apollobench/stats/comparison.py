"""Many models on the same items: accuracies, paired differences, ranks and what could have been seen at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats, Partition
from apollobench.stats.interval import Estimate, clustered_proportion
from apollobench.stats.multiple import benjamini_hochberg
from apollobench.stats.paired import (
    Discordance,
    clustered_paired_difference,
    clustered_paired_p,
    holm,
    mcnemar_exact,
    minimum_detectable_difference,
)
from apollobench.stats.ranks import RankInterval, rank_intervals, tie_groups

Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Standing:
    """One model. accuracy: on the items that it answered. shared: on those that all have answered, which `rank` is
    about; both None where these are of fewer than two videos. group: letters; models that share one are tied."""

    model: str
    accuracy: Estimate | None
    shared: Estimate | None
    rank: RankInterval | None
    group: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models on the items that both answered. difference: first - second.

    discordance: gained, items right only in the first; lost, only in the second. p: clustered, of no difference; holm,
    bh: p adjusted over all pairs, and holm_mcnemar McNemar's. detectable: the difference that these items would show
    with 80 % power.
    """

    first: str
    second: str
    difference: Estimate
    discordance: Discordance
    p: float
    holm: float
    bh: float
    holm_mcnemar: float
    detectable: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Models from the best to the worst, and their pairs. items: answered by any model; shared: by all.

    apart: pairs without two shared videos, which cannot be compared.
    """

    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    apart: tuple[tuple[str, str], ...]
    items: int
    shared: int
    level: float


def compare(
    scores: Codes,
    models: Sequence[str],
    clusters: Partition,
    *,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Compares the rows of `scores` [models, items]: 1 right, 0 not, negative no answer.

    Models are ordered by accuracy on what all answered (on what each answered, where there is too little of that),
    equal ones by name. Two models differ when Holm's adjusted clustered p is at most 1 - level.
    """
    everyone: NDArray[np.bool_] = np.all(scores >= 0, axis=0)
    common = clusters.where(everyone)
    ranked = common.count >= 2
    own = [_accuracy(row, clusters, level) for row in scores]
    shared = [_accuracy(row[everyone], common, level) if ranked else None for row in scores]
    basis = shared if ranked else own
    values = [estimate.value if estimate else -1.0 for estimate in basis]
    order = sorted(range(len(models)), key=lambda i: (-values[i], models[i]))
    pairs, apart = _pairs(scores, models, clusters, order, level)
    better = _better(pairs, models, 1 - level)
    groups = tie_groups(order, better | better.T)
    answered = scores[:, everyone].astype(np.float64)
    ranks = rank_intervals(answered, common, better, draws=draws, seed=seed, level=level) if ranked else []
    return Comparison(
        standings=tuple(
            Standing(
                models[i], own[i], shared[i], ranks[i] if ranked else None,
                "".join(_letter(n) for n, group in enumerate(groups) if i in group),
            )
            for i in order
        ),
        pairs=tuple(pairs),
        apart=tuple(apart),
        items=int((scores >= 0).any(axis=0).sum()),
        shared=int(everyone.sum()),
        level=level,
    )  # fmt: skip


def _accuracy(row: Codes, clusters: Partition, level: float) -> Estimate | None:
    answered = row >= 0
    if not answered.any():
        return None
    return clustered_proportion((row[answered] == 1).astype(np.float64), clusters.where(answered), level)


def _pairs(
    scores: Codes, models: Sequence[str], clusters: Partition, order: Sequence[int], level: float
) -> tuple[list[Pair], list[tuple[str, str]]]:
    kept: list[tuple[int, int, Floats, Floats, Partition]] = []
    apart = []
    for i, j in combinations(order, 2):
        both = (scores[i] >= 0) & (scores[j] >= 0)
        part = clusters.where(both)
        if part.count < 2:
            apart.append((models[i], models[j]))
        else:
            kept.append((i, j, scores[i][both].astype(np.float64), scores[j][both].astype(np.float64), part))
    tests = [mcnemar_exact(second, first) for _, _, first, second, _ in kept]
    p = [clustered_paired_p(second, first, part) for _, _, first, second, part in kept]
    adjusted = zip(holm(p), benjamini_hochberg(p), holm([test.p for test in tests]), strict=True)
    pairs = [
        Pair(
            models[i],
            models[j],
            clustered_paired_difference(second, first, part, level),
            test,
            plain,
            by_holm,
            float(by_bh),
            by_mcnemar,
            minimum_detectable_difference(second, first, part, level=level),
        )
        for (i, j, first, second, part), test, plain, (by_holm, by_bh, by_mcnemar) in zip(
            kept, tests, p, adjusted, strict=True
        )
    ]
    return pairs, apart


def _better(pairs: Sequence[Pair], models: Sequence[str], alpha: float) -> NDArray[np.bool_]:
    better = np.zeros((len(models), len(models)), dtype=np.bool_)
    row = {model: i for i, model in enumerate(models)}
    for pair in pairs:
        if pair.holm <= alpha and pair.difference.value:
            winner, loser = (pair.first, pair.second) if pair.difference.value > 0 else (pair.second, pair.first)
            better[row[winner], row[loser]] = True
    return better


def _letter(number: int) -> str:
    """a to z, then a1 to z1 and so on."""
    return chr(ord("a") + number % 26) + (str(number // 26) if number >= 26 else "")

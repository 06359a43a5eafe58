"""Which benchmarks measure the same? Correlations of all pairs over models, and what could stand for what.

Figure 2 (right) of arXiv 2412.10360, with intervals. Benchmarks of which one is part of another correlate through the
shared items alone; where the items are known, those are removed first (part-whole correction).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.stats.clusters import Floats, partition
from apollobench.stats.correlation import ENOUGH, SIGNED, Association, associate

if TYPE_CHECKING:
    import pandas as pd

UNLIKE = 2.0  # the distance of what is not known to be alike: as far as -1 is from 1


@dataclass(frozen=True, slots=True)
class Rule:
    """coefficient decides what is alike: at `threshold` or above. Fewer than `min_models` in common are not judged.

    level and seed: of the bootstrap intervals.
    """

    coefficient: str = "pearson"
    threshold: float = 0.9
    min_models: int = ENOUGH
    level: float = 0.95
    seed: int = 0


DEFAULT = Rule()


@dataclass(frozen=True, slots=True, eq=False)
class PairScores:
    """Scores of all models on two benchmarks [models], nan where missing. shared: items removed from both sides."""

    first: Floats
    second: Floats
    shared: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """Two benchmarks over the `models` that have both. found: None where `why` says what is missing."""

    first: str
    second: str
    models: int
    shared: int
    found: Association | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Benchmarks every two of which correlate at the threshold or above. delegate: has the highest mean with the rest.

    weakest: the pair that correlates least.
    """

    members: tuple[str, ...]
    delegate: str
    weakest: Pair


@dataclass(frozen=True, slots=True, eq=False)
class Redundancy:
    """names: in the order of the tree, so that what is alike is side by side."""

    rule: Rule
    names: tuple[str, ...]
    models: int
    families: int
    pairs: tuple[Pair, ...]
    groups: tuple[Group, ...]

    def matrix(self, coefficient: str) -> Floats:
        """[benchmarks, benchmarks] in the order of `names`: 1 on the diagonal, nan where there is no figure."""
        return matrix_of_pairs(self.names, self.pairs, coefficient)


def redundancy(
    names: Sequence[str], scores_of: Callable[[str, str], PairScores], families: Sequence[str], rule: Rule
) -> Redundancy:
    """All pairs of `names`. scores_of: two names -> their models' scores; families [models]: resampled together.

    Raises InputError for fewer than two benchmarks, fewer than three models, and a rule that cannot be.
    """
    _check(rule)
    if len(names) < 2:
        raise InputError(f"one benchmark ({', '.join(names)}) is redundant with nothing; two or more are needed")
    if len(families) < 3:
        raise InputError(f"{len(families)} models: any two lie on a line, so a correlation needs three or more")
    pairs = [_pair(a, b, scores_of(a, b), np.asarray(families), rule) for a, b in combinations(names, 2)]
    values = matrix_of_pairs(names, pairs, rule.coefficient)
    groups = [
        _group([names[i] for i in members], pairs, rule.coefficient)
        for members in near_duplicates(values, rule.threshold)
    ]
    order = tuple(names[i] for i in tree_order(values))
    return Redundancy(rule, order, len(families), len(set(families)), tuple(pairs), tuple(groups))


def redundancy_of_table(scores: pd.DataFrame, families: Sequence[str] = (), rule: Rule = DEFAULT) -> Redundancy:
    """`redundancy` of scores [models x benchmarks], nan where missing; without families each model is its own."""

    def both(first: str, second: str) -> PairScores:
        return PairScores(scores[first].to_numpy(np.float64), scores[second].to_numpy(np.float64))

    return redundancy(list(scores.columns), both, families or [str(name) for name in scores.index], rule)


def matrix_of_pairs(names: Sequence[str], pairs: Sequence[Pair], coefficient: str) -> Floats:
    """One coefficient of all pairs as a symmetric matrix: 1 on the diagonal, nan where there is no figure."""
    place = {name: i for i, name in enumerate(names)}
    values = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(values, 1.0)
    for pair in pairs:
        if pair.found is not None:
            i, j = place[pair.first], place[pair.second]
            values[i, j] = values[j, i] = getattr(pair.found, coefficient).value
    return values


def near_duplicates(values: Floats, threshold: float) -> list[list[int]]:
    """Sets of two or more rows of a correlation matrix, every two of which correlate at `threshold` or above.

    Complete linkage on the distance 1 - r, cut at 1 - threshold; a pair without a figure is never alike.
    """
    from scipy.cluster.hierarchy import fcluster

    labels = fcluster(_tree(values), 1 - threshold + 1e-12, criterion="distance")
    groups = [np.flatnonzero(labels == label).tolist() for label in dict.fromkeys(labels.tolist())]
    return [members for members in groups if len(members) > 1]


def tree_order(values: Floats) -> list[int]:
    """The rows of a correlation matrix in the order of the leaves of its complete-linkage tree."""
    from scipy.cluster.hierarchy import leaves_list, optimal_leaf_ordering

    order = leaves_list(optimal_leaf_ordering(_tree(values), _distances(values)))
    return [int(i) for i in order]


def _check(rule: Rule) -> None:
    valid = [coefficient.__name__ for coefficient in SIGNED]
    if rule.coefficient not in valid:
        raise InputError(f"unknown coefficient {rule.coefficient!r}; valid: {', '.join(valid)}")
    if not 0 < rule.threshold <= 1:
        raise InputError(f"threshold is {rule.threshold:g}, expected above 0 and at most 1")


def _pair(first: str, second: str, scores: PairScores, families: NDArray[np.str_], rule: Rule) -> Pair:
    both = np.isfinite(scores.first) & np.isfinite(scores.second)
    n = int(both.sum())
    if not n and scores.shared:
        return Pair(first, second, n, scores.shared, None, "nothing is left without the shared items")
    if n < rule.min_models:
        return Pair(first, second, n, scores.shared, None, f"fewer than {rule.min_models} models in common")
    clusters = partition(families[both].tolist())
    try:
        found = associate(scores.first[both], scores.second[both], clusters, level=rule.level, seed=rule.seed)
    except ValueError as error:
        told = str(error).replace("the first", first).replace("the second", second)
        return Pair(first, second, n, scores.shared, None, told)
    return Pair(first, second, n, scores.shared, found)


def _group(members: Sequence[str], pairs: Sequence[Pair], coefficient: str) -> Group:
    inside = [pair for pair in pairs if pair.first in members and pair.second in members]

    def strength(pair: Pair) -> float:
        return float(getattr(pair.found, coefficient).value)

    mean = {name: np.mean([strength(p) for p in inside if name in (p.first, p.second)]) for name in members}
    return Group(tuple(members), max(members, key=lambda name: mean[name]), min(inside, key=strength))


def _distances(values: Floats) -> Floats:
    from scipy.spatial.distance import squareform

    distances = np.where(np.isnan(values), UNLIKE, np.clip(1 - values, 0, UNLIKE))
    np.fill_diagonal(distances, 0.0)
    return np.asarray(squareform(distances, checks=False))


def _tree(values: Floats) -> Floats:
    from scipy.cluster.hierarchy import linkage

    return np.asarray(linkage(_distances(values), method="complete"))

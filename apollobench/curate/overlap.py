"""Redundancy of whatever there is: a table of scores, or groups of items, whose shared items are removed first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from apollobench.curate.answers import NO_VOTE, RIGHT, Bools
from apollobench.curate.groups import groups_of
from apollobench.curate.matrix import Matrix
from apollobench.curate.recorded import read_labelled
from apollobench.errors import InputError
from apollobench.imports.published import read_scores
from apollobench.stats.benchbench import Standing, standings
from apollobench.stats.clusters import Floats
from apollobench.stats.redundancy import DEFAULT, PairScores, Redundancy, Rule, redundancy, redundancy_of_table
from apollobench.types import Mode


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """All pairs, how each stands among all, and what has to be known to read them."""

    found: Redundancy
    standings: tuple[Standing, ...]
    notes: tuple[str, ...]


def compare(
    path: Path, more: Sequence[Path], mode: Mode, by: str, columns: Sequence[str] = (), rule: Rule = DEFAULT
) -> Compared:
    """Redundancy of a table in CSV, or of the items of a folder in groups `by` a label.

    Raises InputError as the readers and `redundancy` do.
    """
    if path.is_dir():
        matrix, labels = read_labelled(path, more, mode, by)
        groups = groups_of(labels)
        found = redundancy_of_items(matrix, groups, rule)
        return Compared(found, standings(group_scores(matrix, groups)), _shared(found))
    if more:
        raise InputError(f"{more[0]}: one table at a time; further folders go with a benchmark's folder")
    scores, notes = (read := read_scores(path, mode, columns)).table, read.notes
    found = redundancy_of_table(scores, read.families, rule)
    return Compared(found, standings(scores), (*notes, *_parts(list(scores.columns))))


def accuracy_on(matrix: Matrix, items: Bools) -> Floats:
    """Accuracy of each model [models] on some items: right over votes, nan without a vote."""
    scores = matrix.scores[:, items]
    votes = (scores != NO_VOTE).sum(axis=1)
    right = (scores == RIGHT).sum(axis=1)
    found: Floats = np.divide(right, votes, out=np.full(len(votes), np.nan), where=votes > 0)
    return found


def group_scores(matrix: Matrix, groups: Mapping[str, Bools]) -> pd.DataFrame:
    """Accuracies [models x groups]."""
    columns = {name: accuracy_on(matrix, items) for name, items in groups.items()}
    return pd.DataFrame(columns, index=list(matrix.models))


def without_shared(first: Bools, second: Bools) -> tuple[Bools, Bools, int]:
    """Two sets of items [items] made disjoint: what they share leaves the larger, or both if neither holds the other.

    Of a part and its whole the part stays and the whole becomes the rest. Gives the sets and how many were shared.
    """
    shared = first & second
    if (shared == first).all():
        return first, second & ~shared, int(shared.sum())
    if (shared == second).all():
        return first & ~shared, second, int(shared.sum())
    return first & ~shared, second & ~shared, int(shared.sum())


def redundancy_of_items(matrix: Matrix, groups: Mapping[str, Bools], rule: Rule = DEFAULT) -> Redundancy:
    """`redundancy` between groups of items that may overlap; models of one family are resampled together."""

    def scores_of(first: str, second: str) -> PairScores:
        a, b, shared = without_shared(groups[first], groups[second])
        return PairScores(accuracy_on(matrix, a), accuracy_on(matrix, b), shared)

    return redundancy(list(groups), scores_of, matrix.families, rule)


def _shared(found: Redundancy) -> tuple[str, ...]:
    removed = [pair for pair in found.pairs if pair.shared]
    if not removed:
        return ()
    return (f"{len(removed)} pairs share items; these were removed from the larger side before correlating",)


def _parts(names: Sequence[str]) -> tuple[str, ...]:
    """Without items one can only guess from the names what is part of what."""
    parts = [f"{b} of {a}" for a in names for b in names if a != b and b.startswith((f"{a}-", f"{a} ", f"{a}_"))]
    told = "a table has no items, so what two benchmarks share is not removed"
    return (f"{told}; by their names, these may be parts: {', '.join(parts)}" if parts else told,)

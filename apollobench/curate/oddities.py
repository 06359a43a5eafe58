"""What is odd about a matrix of scores, in sentences: whoever reads a statistic of it should know."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from apollobench.curate.answers import NO_VOTE, RIGHT
from apollobench.curate.matrix import Matrix

SHOWN = 5


def oddities(matrix: Matrix) -> list[str]:
    """Models and items that say less than others, and what is not known of them."""
    return [*_models(matrix), *_items(matrix)]


def _models(matrix: Matrix) -> Iterator[str]:
    voted = (matrix.scores != NO_VOTE).sum(axis=1)
    right = (matrix.scores == RIGHT).sum(axis=1)
    if len(matrix.models) == 2:
        yield "two models only: correlations over models, and what tells items apart, are not defined"
    silent = [m for m, n in zip(matrix.models, voted, strict=True) if not n]
    if silent:
        yield f"no answer at all: {_some(silent)}"
    for name, constant in (("right", (right == voted)), ("wrong", right == 0)):
        same = [m for m, yes, n in zip(matrix.models, constant, voted, strict=True) if yes and n]
        if same:
            yield f"always {name}: {_some(same)}"
    if len(set(voted.tolist())) > 1:
        fewer = [f"{m} ({n:,})" for m, n in zip(matrix.models, voted, strict=True) if n < len(matrix.ids)]
        yield f"answered fewer than all {len(matrix.ids):,} items: {_some(fewer)}"
    _, first, inverse = np.unique(matrix.scores, axis=0, return_index=True, return_inverse=True)
    twins = [(i, j) for i, j in enumerate(first[inverse.reshape(-1)]) if i != j]
    alike = [f"{matrix.models[i]} = {matrix.models[j]}" for i, j in twins]
    if alike:
        yield f"the same scores on every item, so that one of them adds nothing: {_some(alike)}"


def _items(matrix: Matrix) -> Iterator[str]:
    voted = (matrix.scores != NO_VOTE).sum(axis=0)
    right = (matrix.scores == RIGHT).sum(axis=0)
    counts = {
        "without any answer": int((voted == 0).sum()),
        "that everybody solves": int(((right == voted) & (voted > 0)).sum()),
        "that nobody solves": int(((right == 0) & (voted > 0)).sum()),
        "without a category": sum(not category for category in matrix.categories),
        "with an unknown number of options": int(np.isnan(matrix.chance).sum()),
    }
    for name, count in counts.items():
        if count:
            yield f"{count:,} of {len(matrix.ids):,} items {name}"


def _some(names: list[str]) -> str:
    rest = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")

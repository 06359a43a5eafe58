"""Chooses the benchmark's items from the survivors: a score per item, then all constraints, then ties by hash.

Rankers give the scores and are registered by name (curate/rankers.py, curate/apollo_plus.py); the recipe names one.
Constraints are those of the recipe's `Quotas`, kept by curate/fill.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import apollobench.curate.apollo_plus  # noqa: F401  (registers its ranker)
from apollobench.curate.candidates import Candidates, quota_per_category, tie_keys
from apollobench.curate.fill import fill
from apollobench.curate.rankers import RANKERS, shrunk_item_rest
from apollobench.errors import InputError
from apollobench.recipe.select import Quotas, Selecting
from apollobench.stats.clusters import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """chosen: positions of the selected items, best first. score [items]: what they were ranked by, nan = not rankable.

    wanted, taken: items per category asked for and found. gated [items]: what the item-rest gate kept out. gap: how far
    the sum of scores may be below the best possible under the constraints, relative to it; 0 is proven optimal.
    notes: what the ranker tells. representative: whether accuracy on the items chosen estimates that on the survivors,
    since categories, easy items and hard items keep their shares.
    """

    chosen: NDArray[np.intp]
    score: Floats
    wanted: Mapping[str, int]
    taken: Mapping[str, int]
    gated: NDArray[np.bool_]
    gap: float
    notes: tuple[str, ...]
    representative: bool

    @property
    def short(self) -> Mapping[str, tuple[int, int]]:
        """Category -> (taken, wanted) wherever there were too few."""
        return {c: (self.taken[c], wanted) for c, wanted in self.wanted.items() if self.taken[c] < wanted}


def select(candidates: Candidates, spec: Selecting) -> Selection:
    """The selection a recipe asks for.

    Raises InputError when nobody survived, when the answers cannot support the method, when no set of items meets the
    constraints, and, where `when_short` is `stop`, when a category has too few survivors.
    """
    if not len(candidates.ids):
        raise InputError(
            "no item survived the filter, so there is nothing to select from; see the report's filter table"
        )
    _check(candidates, spec)
    ranking = RANKERS[spec.method](candidates, spec)
    gated = _gated(candidates) if spec.item_rest_gate else np.zeros(len(candidates.ids), dtype=np.bool_)
    unknown = np.isnan(candidates.cost) if candidates.cost is not None else False
    score = np.where(gated | unknown, np.nan, ranking.score)
    wanted = quota_per_category(spec, candidates)
    room = [wanted.get(name, 0) for name in candidates.categories]
    filled = fill(candidates, score, tie_keys(candidates.ids, spec.seed), room, spec)
    if not len(filled.chosen):
        raise InputError(
            "no survivor can be ranked and fits the constraints: the panel has no usable answer in the mode that "
            "ranks, or the budget, the shares of sources or the gate leave none"
        )
    counts = np.bincount(candidates.category[filled.chosen], minlength=len(room))
    taken = {name: int(counts[candidates.categories.index(name)]) for name in wanted}
    selection = Selection(
        filled.chosen,
        score,
        wanted,
        taken,
        gated,
        filled.gap,
        ranking.notes,
        representative=ranking.representative and spec.quotas == "proportional" and not gated.any(),
    )
    if selection.short and spec.when_short == "stop":
        found = ", ".join(f"{c} {taken} of {asked}" for c, (taken, asked) in selection.short.items())
        raise InputError(
            f"too few survivors: {found}. Ask for fewer with --size, widen the pool, or set select.when_short: take_all"
        )
    return selection


def _check(candidates: Candidates, spec: Quotas) -> None:
    if spec.max_budget is not None and candidates.cost is None:
        raise InputError("select.max_budget: nothing says what the items cost; give their cost, or set it to null")
    here = set(candidates.sources.tolist()) if spec.source_mix else set()
    strange = next((source for source in spec.source_mix or {} if source not in here), None)
    if strange is not None:
        raise InputError(f"select.source_mix: no survivor is from {strange!r}; they are from {', '.join(sorted(here))}")


def _gated(candidates: Candidates) -> NDArray[np.bool_]:
    """Items whose shrunk item-rest correlation is not above 0; one without a correlation counts as 0."""
    return np.asarray(shrunk_item_rest(candidates)[0] <= 0)

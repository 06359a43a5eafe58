"""How much of a benchmark hangs on one family of its panel: filter and selection again without each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apollobench.benchmark import DROPPED, load_benchmark, read_entries
from apollobench.curate.answers import Answers, Bools
from apollobench.curate.candidates import item_seconds
from apollobench.curate.categorize import Categorized
from apollobench.curate.crossfit import left_out, lowered
from apollobench.curate.decide import candidates_of
from apollobench.curate.decisions import REVIEW
from apollobench.curate.filter import ballots, judge
from apollobench.curate.recorded import RESPONSES, families, recorded_answers
from apollobench.curate.select import select
from apollobench.curate.shifts import under_all_rotations, wants_shifts
from apollobench.errors import InputError
from apollobench.evaluate.store import load_responses
from apollobench.recipe import Recipe, recorded_recipe
from apollobench.stats.clusters import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Replicate:
    """The pool as one panel leaves it. left_out: who is missing, empty for the whole panel. models: that vote.

    kept, selected [items]: by the filter, and by the selection after it. refused: why there was no selection, if so.
    """

    left_out: str
    models: int
    kept: Bools
    selected: Bools
    refused: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Jackknife:
    """The whole panel's outcome, and one without each family; `by_model` where all models are of one family."""

    ids: tuple[str, ...]
    categories: tuple[str, ...]
    by_model: bool
    whole: Replicate
    replicates: tuple[Replicate, ...]

    @property
    def kept_in(self) -> Floats:
        """Per item, the share of replicates in which the filter keeps it."""
        return np.asarray(np.mean([replicate.kept for replicate in self.replicates], axis=0))

    @property
    def selected_in(self) -> Floats:
        """Per item, the share of replicates in which it is kept and selected."""
        return np.asarray(np.mean([replicate.selected for replicate in self.replicates], axis=0))


def jackknife(
    recipe: Recipe,
    panel: Answers,
    categorized: Sequence[Categorized],
    blind: Answers | None = None,
    cost: Floats | None = None,
) -> Jackknife:
    """Filters and selects by `recipe` with the whole panel, and with each of its families left out.

    blind: the panel's answers as the filter sees them, where those are not the same. cost: of the items, where the
    selection has a budget. The filter's `min_votes` is lowered to the models that are left, and a category with too few
    survivors gives what it has. Raises InputError for a panel of one model.
    """
    known = families(panel.models)
    kin = [known.get(model, model) for model in panel.models]
    groups = left_out(panel.models, kin)
    if not groups:
        raise InputError(f"the panel is one model, {', '.join(panel.models)}: there is nothing to leave out")
    everyone = np.zeros(len(panel.models), dtype=np.bool_)
    return Jackknife(
        ids=tuple(item.id for item in panel.items),
        categories=tuple(entry.item.category or "" for entry in categorized),
        by_model=len(set(kin)) == 1,
        whole=_without("", everyone, recipe, panel, blind or panel, categorized, cost),
        replicates=tuple(
            _without(name, gone, recipe, panel, blind or panel, categorized, cost) for name, gone in groups.items()
        ),
    )


def of_benchmark(directory: Path) -> Jackknife:
    """The jackknife of a benchmark by its own recipe and its stored responses, on what no person has dropped.

    Raises InputError where answers of its panel are not stored, and as `jackknife` does.
    """
    benchmark = load_benchmark(directory, needs_videos=False)
    recipe = recorded_recipe(benchmark.manifest, str(directory)).recipe
    answers = recorded_answers(directory)
    lost = [model for model in recipe.panel if model not in answers.models]
    if lost:
        raise InputError(f"{directory}: {lost[0]} of its panel has no answers under responses/")
    out = {entry.item.id for entry in read_entries(directory / DROPPED, directory) if entry.rule == REVIEW}
    panel = answers.only(recipe.panel).at(np.array([item.id not in out for item in answers.items]))
    blind = None
    if wants_shifts(recipe.filter):
        blind = under_all_rotations(panel, load_responses([directory / RESPONSES]))
    cost = None if recipe.select.max_budget is None else item_seconds(panel.items)
    return jackknife(recipe, panel, [Categorized(item, "") for item in panel.items], blind, cost)


def jaccard(first: Bools, second: Bools) -> float:
    """Shared items over items in either set; 1 for two empty sets."""
    either = int((first | second).sum())
    return int((first & second).sum()) / either if either else 1.0


def _without(
    name: str,
    gone: Bools,
    recipe: Recipe,
    panel: Answers,
    blind: Answers,
    categorized: Sequence[Categorized],
    cost: Floats | None,
) -> Replicate:
    rest = [model for model, absent in zip(panel.models, gone, strict=True) if not absent]
    spec = lowered(recipe.filter, len(rest))
    kept = np.array([verdict.keep for verdict in judge(ballots(blind.only(rest), spec), spec)], dtype=np.bool_)
    survivors = np.flatnonzero(kept)
    selected = np.zeros_like(kept)
    candidates = candidates_of(recipe, panel.only(rest), categorized, survivors, cost)
    try:
        chosen = select(candidates, recipe.select.model_copy(update={"when_short": "take_all"})).chosen
    except InputError as error:
        return Replicate(name, len(rest), kept, selected, str(error))
    selected[survivors[chosen]] = True
    return Replicate(name, len(rest), kept, selected)

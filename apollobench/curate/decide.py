"""From a panel's answers to a benchmark, as a pure function: lint, audit, filter, select, validate, in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import MISSING, STATUSES, Answers, Bools
from apollobench.curate.audit import Audit, audit
from apollobench.curate.candidates import Candidates
from apollobench.curate.categorize import Categorized, Quality
from apollobench.curate.crossfit import CrossFit, cross_fit
from apollobench.curate.decisions import REVIEW, Review
from apollobench.curate.filter import NOT_JUDGED, Ballots, Verdict, ballots, judge
from apollobench.curate.lint import Finding, lint_answers
from apollobench.curate.power import Power, filter_power, filter_warnings
from apollobench.curate.recorded import families
from apollobench.curate.select import Selection, select
from apollobench.curate.validate import (
    Agreement,
    FilterScore,
    ModeAccuracy,
    mode_accuracies,
    rank_agreement,
    score_categories,
    score_filter,
)
from apollobench.recipe import Recipe
from apollobench.recipe.select import PanelSelection
from apollobench.stats.clusters import Floats
from apollobench.stats.interval import Estimate
from apollobench.types import CATEGORIES, Item, Mode, Status


@dataclass(frozen=True, slots=True)
class Examination:
    """What the finished selection is worth.

    filter, categories: against known truth. held_out, panel: rank agreement with the full pool, on the models that did
    not vote and on those that did. accuracies, voters: of the held-out models and of the panel on pool, survivors and
    selection. cross_fits: of the survivors, where no model is held out. power: what the filter can see.
    """

    filter: FilterScore | None
    categories: Estimate | None
    held_out: Agreement | None
    panel: Agreement | None
    accuracies: tuple[ModeAccuracy, ...]
    voters: tuple[ModeAccuracy, ...]
    cross_fits: tuple[CrossFit, ...]
    power: tuple[Power, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Everything that a curation decided.

    categorized, verdicts: per item of the pool. quality: of the categorizer, where it was measured. review: what people
    decided, None where nobody did. survivors, chosen: positions in the pool, of those that the
    filter kept and of those selected (best first). warnings: what whoever runs it should be told.
    """

    recipe: Recipe
    answers: Answers
    categorized: tuple[Categorized, ...]
    findings: tuple[Finding, ...]
    audit: Audit
    verdicts: tuple[Verdict, ...]
    survivors: NDArray[np.intp]
    selection: Selection
    chosen: NDArray[np.intp]
    examination: Examination
    warnings: tuple[str, ...]
    quality: Quality | None = None
    review: Review | None = None


def decide(
    recipe: Recipe,
    answers: Answers,
    categorized: Sequence[Categorized],
    *,
    blind: Answers | None = None,
    quality: Quality | None = None,
    review: Review | None = None,
    warnings: Sequence[str] = (),
    cost: Floats | None = None,
) -> Decisions:
    """Runs the stages on the answers of panel and held-out models to the pool that `categorized` sorts.

    blind: the panel's answers as the filter is to see them, where those are not the same. quality: of the categorizer.
    review: what people decided; what they drop is dropped. warnings: of earlier stages. cost: what an item of the pool
    costs, where the selection has a budget; nan where that is not known. Raises InputError where a stage does, for
    instance when no item survives.
    """
    panel = answers.only(recipe.panel)
    votes = ballots(blind or panel, recipe.filter)
    judged = judge(votes, recipe.filter)
    power = filter_power(votes, recipe.filter, judged)
    verdicts = _reviewed(judged, panel.items, review)
    survivors = np.flatnonzero([verdict.keep for verdict in verdicts])
    candidates = candidates_of(recipe, panel, categorized, survivors, cost)
    selection = select(candidates, recipe.select)
    chosen = survivors[selection.chosen]
    return Decisions(
        recipe=recipe,
        answers=answers,
        categorized=tuple(categorized),
        findings=tuple(lint_answers(answers, recipe.lint)),
        audit=audit(panel, _groups(categorized), recipe.validation.confidence),
        verdicts=tuple(verdicts),
        survivors=survivors,
        selection=selection,
        chosen=chosen,
        examination=_examine(recipe, answers, categorized, votes, judged, power, survivors, candidates, selection),
        warnings=(
            *warnings,
            *_about_review(review),
            *_warnings(recipe, answers, verdicts, selection),
            *filter_warnings(votes, power),
        ),
        quality=quality,
        review=review,
    )


def _reviewed(verdicts: Sequence[Verdict], items: Sequence[Item], review: Review | None) -> list[Verdict]:
    """The filter's verdicts, with those of people in place of its own."""
    drops = review.drops if review else {}
    found = list(verdicts)
    for i, item in enumerate(items):
        if item.id in drops:
            reason = f"{drops[item.id].reviewer}: {drops[item.id].reason}"
            found[i] = replace(found[i], keep=False, grounds=REVIEW, reason=reason, rule=REVIEW)
    return found


def candidates_of(
    recipe: Recipe,
    panel: Answers,
    categorized: Sequence[Categorized],
    survivors: NDArray[np.intp],
    cost: Floats | None = None,
) -> Candidates:
    """What the selection works on: the survivors (positions in the pool), with the panel's scores.

    cost: of the items of the pool, where the selection has a budget.
    """
    mode = recipe.select.mode if isinstance(recipe.select, PanelSelection) else recipe.modes[0]
    known = families(panel.models)
    names = [categorized[i].item.category or "" for i in survivors]
    return Candidates(
        ids=tuple(panel.items[i].id for i in survivors),
        category=np.array([CATEGORIES.index(name) for name in names], dtype=np.intp),
        video=panel.videos.codes[survivors],
        scores=panel.scores(mode)[:, survivors],
        families=tuple(known.get(model, model) for model in panel.models),
        categories=CATEGORIES,
        cost=None if cost is None else cost[survivors],
    )


def _groups(categorized: Sequence[Categorized]) -> dict[str, Bools]:
    sources = np.array([entry.item.source for entry in categorized])
    categories = np.array([entry.item.category for entry in categorized])
    found = dict.fromkeys(sources.tolist())
    by_source = {f"source {name}": sources == name for name in found} if len(found) > 1 else {}
    by_category = {name: categories == name for name in CATEGORIES if (categories == name).any()}
    return {"all": np.ones(len(categorized), dtype=np.bool_), **by_source, **by_category}


def _examine(
    recipe: Recipe,
    answers: Answers,
    categorized: Sequence[Categorized],
    votes: Ballots,
    verdicts: Sequence[Verdict],
    power: Sequence[Power],
    survivors: NDArray[np.intp],
    candidates: Candidates,
    selection: Selection,
) -> Examination:
    spec = recipe.validation
    held_out, panel = answers.only(recipe.held_out), answers.only(recipe.panel)
    agreement = [
        rank_agreement(models, candidates, survivors, selection.chosen, recipe.select, spec)
        if Mode.VIDEO in recipe.modes
        else None
        for models in (held_out, panel)
    ]
    sets = {"pool": _mask(answers, range(len(answers.items))), "survivors": _mask(answers, survivors)}
    sets["selected"] = _mask(answers, survivors[selection.chosen])
    return Examination(
        filter=score_filter(answers.items, [not verdict.keep for verdict in verdicts], spec.confidence),
        categories=score_categories(answers.items, categorized, spec.confidence),
        held_out=agreement[0],
        panel=agreement[1],
        accuracies=tuple(mode_accuracies(held_out, sets, spec.confidence)) if recipe.held_out else (),
        voters=tuple(mode_accuracies(panel, sets, spec.confidence)),
        cross_fits=() if recipe.held_out else tuple(cross_fit(votes, recipe.filter, spec.confidence)),
        power=tuple(power),
    )


def _mask(answers: Answers, positions: Sequence[int] | NDArray[np.intp]) -> Bools:
    mask = np.zeros(len(answers.items), dtype=np.bool_)
    mask[np.asarray(positions, dtype=np.intp)] = True
    return mask


def _about_review(review: Review | None) -> list[str]:
    if review is None:
        return []
    told = {"are about no item of this pool": review.strange, "are still to be discussed": review.undecided}
    return [f"decisions about {_listed(names)} {what}" for what, names in told.items() if names]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return f"{', '.join(names[:3])}{more}"


def _warnings(recipe: Recipe, answers: Answers, verdicts: Sequence[Verdict], selection: Selection) -> list[str]:
    found = []
    if len(recipe.panel) == 1:
        found.append(f"the panel is one model, {recipe.panel[0]}: the filter and the entropy are its opinion alone")
    if selection.short:
        short = ", ".join(f"{c} {taken} of {wanted}" for c, (taken, wanted) in selection.short.items())
        found.append(f"asked for {recipe.select.size} items, found {len(selection.chosen)}: {short}")
    if selection.gap > 0:
        found.append(
            f"the selection may be {selection.gap:.2%} below the best possible sum of scores; not proven optimal"
        )
    unjudged = sum(verdict.grounds == NOT_JUDGED for verdict in verdicts)
    if unjudged:
        found.append(f"{unjudged} items had too few usable answers to be judged, and were dropped")
    for name, code in ((str(Status.ERROR), STATUSES.index(Status.ERROR)), ("missing", MISSING)):
        counts = {mode: int((status == code).sum()) for mode, status in answers.status.items()}
        if sum(counts.values()):
            told = ", ".join(f"{count} in {mode} mode" for mode, count in counts.items() if count)
            found.append(f"answers with status {name}: {told}; they are no votes")
    if len(recipe.held_out) < 2:
        found.append("fewer than two held-out models: the selection's ranking was not validated")
    return found

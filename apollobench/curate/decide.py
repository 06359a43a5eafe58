"""From a panel's answers to a benchmark, as a pure function: lint, audit, filter, select, validate, in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import MISSING, STATUSES, Answers, Bools
from apollobench.curate.audit import Audit, audit
from apollobench.curate.categorize import Categorized, Quality
from apollobench.curate.decisions import REVIEW, Review
from apollobench.curate.filter import FILTERS, Verdict
from apollobench.curate.lint import Finding, lint_answers
from apollobench.curate.select import Candidates, Selection, select
from apollobench.curate.validate import (
    Agreement,
    FilterScore,
    ModeAccuracy,
    mode_accuracies,
    rank_agreement,
    score_categories,
    score_filter,
)
from apollobench.recipe import EntropySelection, Recipe
from apollobench.stats.interval import Estimate
from apollobench.types import CATEGORIES, Item, Mode, Status


@dataclass(frozen=True, slots=True)
class Examination:
    """What the finished selection is worth.

    filter, categories: against known truth. held_out, panel: rank agreement with the full pool, on the models that did
    not vote and on those that did. accuracies: of the held-out models on pool, survivors and selection.
    """

    filter: FilterScore | None
    categories: Estimate | None
    held_out: Agreement | None
    panel: Agreement | None
    accuracies: tuple[ModeAccuracy, ...]


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
    quality: Quality | None = None,
    review: Review | None = None,
    warnings: Sequence[str] = (),
) -> Decisions:
    """Runs the stages on the answers of panel and held-out models to the pool that `categorized` sorts.

    quality: of the categorizer. review: what people decided; what they drop is dropped. warnings: of earlier stages.
    Raises InputError where a stage does, for instance when no item survives.
    """
    panel = answers.only(recipe.panel)
    judged = FILTERS[recipe.filter.method].judge(panel, recipe.filter)
    verdicts = _reviewed(judged, panel.items, review)
    survivors = np.flatnonzero([verdict.keep for verdict in verdicts])
    candidates = _candidates(recipe, panel, categorized, survivors)
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
        examination=_examine(recipe, answers, categorized, judged, survivors, candidates, selection),
        warnings=(*warnings, *_about_review(review), *_warnings(recipe, answers, verdicts, selection)),
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


def _candidates(
    recipe: Recipe, panel: Answers, categorized: Sequence[Categorized], survivors: NDArray[np.intp]
) -> Candidates:
    mode = recipe.select.mode if isinstance(recipe.select, EntropySelection) else recipe.modes[0]
    names = [categorized[i].item.category or "" for i in survivors]
    return Candidates(
        ids=[panel.items[i].id for i in survivors],
        category=np.array([CATEGORIES.index(name) for name in names], dtype=np.intp),
        video=panel.videos.codes[survivors],
        scores=panel.scores(mode)[:, survivors],
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
    verdicts: Sequence[Verdict],
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
    unjudged = sum(verdict.grounds == "not judged" for verdict in verdicts)
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

"""Does a benchmark still hold for models that came after it? Its items judged again, with old and new votes together.

Models that had no vote also tell, without the bias of selection, how blind the kept items are, and whether what was
hard for the old panel is hard for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from apollobench.benchmark import load_benchmark
from apollobench.curate.answers import NO_VOTE, RIGHT, Answers, Bools
from apollobench.curate.drift import Drift, Standing, by_category, drifts, standings
from apollobench.curate.filter import Verdict, ballots, judge
from apollobench.curate.recorded import recorded_answers, response_stores
from apollobench.curate.shifts import wants_shifts
from apollobench.curate.validate import ModeAccuracy, mode_accuracies
from apollobench.errors import InputError
from apollobench.evaluate.store import stream_responses
from apollobench.recipe import Recipe, recorded_recipe
from apollobench.stats.agreement import kendall_tau
from apollobench.types import Item, Mode

IN_COMMON = 20  # answers that two models must share, and have alike, to be taken for one


@dataclass(frozen=True, slots=True)
class Failure:
    """A kept item that would be dropped now. already: by the old votes alone too, under the rule as applied here."""

    item: Item
    verdict: Verdict
    already: bool


@dataclass(frozen=True, slots=True, eq=False)
class Recertification:
    """The outcome. examined: items on which a new model voted in a mode that the filter uses; only they can fail.

    blind: accuracies of the new models alone, on all kept items, each category, and what still holds; voters: of the
    old panel. ranks: tau between the models' accuracies on all items and on those that hold.
    """

    name: str
    recipe: Recipe
    panel: tuple[str, ...]
    new: tuple[str, ...]
    items: tuple[Item, ...]
    examined: int
    failures: tuple[Failure, ...]
    max_failed: float
    blind: tuple[ModeAccuracy, ...]
    voters: tuple[ModeAccuracy, ...]
    drifts: tuple[Drift, ...]
    standings: tuple[Standing, ...]
    ranks: float
    warnings: tuple[str, ...]

    @property
    def failed(self) -> float:
        """Share of the examined items that would be dropped now."""
        return len(self.failures) / self.examined

    @property
    def exit_code(self) -> int:
        return 1 if self.failed > self.max_failed else 0


def recertify(directory: Path, responses: Sequence[Path], max_failed: float) -> Recertification:
    """Judges the benchmark in `directory` again with the models in `responses`, folders of `import` and `eval`.

    Raises InputError where the panel's own answers are not at hand, and where no new model answered any item.
    """
    benchmark = load_benchmark(directory, needs_videos=False)
    recipe = recorded_recipe(benchmark.manifest, str(directory)).recipe
    stores = response_stores(responses)
    lost = [str(path) for path in responses if not response_stores([path])]
    if lost:
        raise InputError(f"{lost[0]}: no responses in it; name a folder that `apollobench import` or `eval` wrote")
    answers = recorded_answers(directory, responses)
    panel = [model for model in recipe.panel if model in answers.models]
    if not panel:
        raise InputError(f"{directory}: none of its panel's answers is stored under responses/; they vote here too")
    here = {item.id for item in benchmark.items}
    found = {response.model for response in stream_responses(stores, tell=False) if response.item in here}
    new = [model for model in answers.models if model in found and model not in recipe.panel]
    return judge_again(benchmark.name, recipe, answers, panel, new, here, max_failed)


def judge_again(
    name: str,
    recipe: Recipe,
    answers: Answers,
    panel: Sequence[str],
    new: Sequence[str],
    kept: set[str],
    max_failed: float,
) -> Recertification:
    """The same on arrays. answers: on the whole pool, by old and new models. kept: ids of the benchmark's items.

    The pool is judged as one, since a false discovery rate depends on all of it. New models whose answers are those of
    another are left out.
    """
    at = np.array([item.id in kept for item in answers.items])
    new, warnings = _without_copies(answers.at(at), panel, new)
    if not new:
        raise InputError(f"{name}: no new model in these responses answered one of its items: {'; '.join(warnings)}")
    spec = recipe.filter
    absent = [mode for mode in spec.modes if mode not in answers.modes]
    if absent:
        raise InputError(f"{name}: its filter needs {absent[0]} mode, in which there are no answers")
    before = judge(ballots(answers.only(panel), spec), spec)
    after = judge(ballots(answers.only([*panel, *new]), spec), spec)
    votes = ballots(answers.only(new), spec)
    seen = at & np.any([(matrix.scores != NO_VOTE).any(axis=0) for matrix in votes.values()], axis=0)
    if not seen.any():
        raise InputError(
            f"{name}: the new models did not answer in {' or '.join(spec.modes)} mode, by which its items were "
            f"filtered; evaluate them there too (--mode {','.join(spec.modes)},video)"
        )
    failed = [i for i in np.flatnonzero(seen) if not after[i].keep]
    holding = at.copy()
    holding[failed] = False
    sets = {"kept": at, **by_category(answers, at), "still holding": holding}
    level = recipe.validation.confidence
    warnings += _warnings(recipe, answers.at(at), panel, new, int(at.sum() - seen.sum()))
    ranked = standings(answers, panel, new, at, holding)
    pairs = np.array([[s.all, s.holding] for s in ranked]).reshape(-1, 2)
    known = ~np.isnan(pairs).any(axis=1)
    return Recertification(
        name=name,
        recipe=recipe,
        panel=tuple(panel),
        new=tuple(new),
        items=tuple(item for item, inside in zip(answers.items, at, strict=True) if inside),
        examined=int(seen.sum()),
        failures=tuple(Failure(answers.items[i], after[i], not before[i].keep) for i in failed),
        max_failed=max_failed,
        blind=tuple(_blind(answers.only(new), sets, spec.modes, level)),
        voters=tuple(_blind(answers.only(panel), sets, spec.modes, level)),
        drifts=tuple(drifts(answers.at(at), panel, new, recipe.validation)),
        standings=ranked,
        ranks=kendall_tau(*pairs[known].T) if known.sum() > 1 else np.nan,
        warnings=tuple(warnings),
    )


def _without_copies(answers: Answers, panel: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """The new models without those whose answers are another's throughout; and a line on each that was left out."""
    kept: list[str] = []
    told = []
    for model in new:
        twin = next((other for other in (*panel, *kept) if _alike(answers.only([model, other]))), None)
        if twin is None:
            kept.append(model)
        else:
            told.append(f"{model} answers everything as {twin} does, and was left out as a copy of it")
    return kept, told or ([] if kept else ["there is none beside the panel"])


def _alike(pair: Answers) -> bool:
    answered = {mode: (pair.scores(mode) != NO_VOTE).all(axis=0) for mode in pair.modes}
    return sum(int(both.sum()) for both in answered.values()) >= IN_COMMON and all(
        (pair.choice[mode][0] == pair.choice[mode][1])[both].all()
        and (pair.scores(mode)[0] == pair.scores(mode)[1])[both].all()
        for mode, both in answered.items()
    )


def _blind(answers: Answers, sets: dict[str, Bools], modes: Sequence[Mode], level: float) -> list[ModeAccuracy]:
    return [found for found in mode_accuracies(answers, sets, level) if found.mode in modes]


def _warnings(recipe: Recipe, kept: Answers, panel: Sequence[str], new: Sequence[str], unseen: int) -> list[str]:
    found = []
    gone = [model for model in recipe.panel if model not in panel]
    if gone:
        found.append(f"of the panel, {', '.join(gone)} has no stored answers and does not vote here")
    if unseen:
        found.append(f"{unseen} items were answered by no new model in the filter's modes, and were not examined")
    if wants_shifts(recipe.filter):
        found.append("the recipe judged text mode under rotated options; here it is judged as the options stand")
    for mode in kept.modes:
        scores = kept.only(new).scores(mode)
        for model, row in zip(new, scores, strict=True):
            votes, right = int((row != NO_VOTE).sum()), int((row == RIGHT).sum())
            if votes < len(row):
                found.append(f"{model} answered {votes} of {len(row)} items in {mode} mode")
            if votes > 1 and right in (0, votes):
                found.append(f"{model} has {'every' if right else 'no'} answer right in {mode} mode; its votes count")
    return found

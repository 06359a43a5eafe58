"""Filters decide which items need their video. Each is a function registered by name; the recipe names one.

They read matrices of scores, one for each mode, so that they judge recorded answers of any kind alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apollobench.curate.answers import NO_VOTE, STATUSES, Answers, tally
from apollobench.curate.chance import BlindTest, blind_tests
from apollobench.curate.matrix import Matrix, matrix_of
from apollobench.curate.recorded import families
from apollobench.errors import InputError
from apollobench.recipe.filter import ChanceAwareFilter, FilterSpec, PaperFilter
from apollobench.stats.clusters import Floats
from apollobench.stats.multiple import benjamini_hochberg
from apollobench.types import Mode, Status

NOT_JUDGED = "not judged"
Ballots = Mapping[Mode, Matrix]
Counts = Mapping[Mode, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Keep an item, or drop it for a reason.

    grounds: the reason in a word or two, the same for every item dropped alike; empty for a kept item. evidence: per
    mode, how many models were right of how many that voted. tests, q: where the rule tests, the test in each mode and
    the false discovery rate at which the item would still be dropped. rule: `review` where a person decided, else the
    filter's.
    """

    keep: bool
    grounds: str
    reason: str
    evidence: Counts
    tests: Mapping[Mode, BlindTest] = field(default_factory=dict)
    q: float | None = None
    rule: str = ""


Filter = Callable[[Ballots, Any], list[Verdict]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered filter. version: changes whenever its verdicts can. unparsed_votes: whether an answer that cannot be
    read is a vote that is not right; otherwise it is none."""

    name: str
    version: int
    unparsed_votes: bool
    judge: Filter


FILTERS: dict[str, Rule] = {}


def filter_rule(name: str, version: int, *, unparsed_votes: bool) -> Callable[[Filter], Filter]:
    """Registers a filter under the name that a recipe's `filter.method` gives."""

    def register(judge: Filter) -> Filter:
        FILTERS[name] = Rule(name, version, unparsed_votes, judge)
        return judge

    return register


def judge(votes: Ballots, spec: FilterSpec) -> list[Verdict]:
    """A verdict for each item by the rule that `spec` names."""
    return FILTERS[spec.method].judge(votes, spec)


def ballots(panel: Answers, spec: FilterSpec) -> dict[Mode, Matrix]:
    """The answers that the rule of `spec` counts as votes, in its modes; families of models as the roster has them."""
    known = families(panel.models)
    found = {}
    for mode in spec.modes:
        matrix = matrix_of(panel, mode, known)
        if not FILTERS[spec.method].unparsed_votes:
            matrix.scores[panel.status[mode] == STATUSES.index(Status.UNPARSED)] = NO_VOTE
        found[mode] = matrix
    return found


@filter_rule("paper", version=1, unparsed_votes=True)
def paper(votes: Ballots, spec: PaperFilter) -> list[Verdict]:
    """Drops what strictly more than `threshold` of the models get right in any of `spec.modes` (arXiv 2412.10360, 2.2).

    An unparsed answer is a vote that is not right. Errors and unsupported modes are no votes; an item with fewer than
    `min_votes` votes in one of the modes was not judged, and is dropped as that unless another mode convicts it.
    """
    verdicts = []
    for evidence in _evidence(votes, spec.modes):
        guilty = [
            mode
            for mode, (right, voted) in evidence.items()
            if voted >= spec.min_votes and right / voted > spec.threshold
        ]
        reason = f"{_told(evidence, guilty)}: more than {spec.threshold:.0%}"
        verdicts.append(_verdict(evidence, guilty, reason, spec))
    return verdicts


@filter_rule("chance_aware", version=1, unparsed_votes=False)
def chance_aware(votes: Ballots, spec: ChanceAwareFilter) -> list[Verdict]:
    """Drops what is answered above chance + `margin` in any of `spec.modes`, by exact tests (`blind_tests`).

    An item's p-value is its least over the modes times their number (Bonferroni); over the items Benjamini and
    Hochberg's procedure keeps the false discovery rate at `fdr`. Unparsed answers, errors and unsupported modes are no
    votes; a mode in which an item has fewer than `min_votes` cannot convict it, and an item that no other mode convicts
    is then dropped as not judged. What the votes are too few to convict is kept: `filter_power` says what that means.
    """
    evidence = _evidence(votes, spec.modes)
    tests = {mode: blind_tests(votes[mode], spec.margin, spec.family_correlation) for mode in spec.modes}
    p_values = np.array(
        [
            [tests[m][i].p if seen[m][1] >= spec.min_votes else np.nan for m in spec.modes]
            for i, seen in enumerate(evidence)
        ]
    )
    adjusted, cutoff = item_discoveries(p_values, spec.fdr)
    verdicts = []
    for i, (seen, row, q) in enumerate(zip(evidence, p_values.tolist(), adjusted.tolist(), strict=True)):
        guilty = [mode for mode, p in zip(spec.modes, row, strict=True) if p <= cutoff]
        reason = ""
        if guilty:
            least = min(p for p in row if not math.isnan(p))
            reason = f"{_told(seen, guilty)}: above chance by more than {spec.margin:.0%} (p {least:.2g}, q {q:.2g})"
        held = {mode: tests[mode][i] for mode in spec.modes}
        verdicts.append(_verdict(seen, guilty, reason, spec, held, None if math.isnan(q) else q))
    return verdicts


def item_discoveries(p_values: Floats, fdr: float) -> tuple[Floats, float]:
    """From p-values [items, modes] to (q [items], the p-value at or below which a mode convicts an item).

    nan is no test. Where nothing is discovered the cutoff is what a lone item would have had to reach.
    """
    modes = p_values.shape[1]
    best = np.where(np.isnan(p_values), np.inf, p_values).min(axis=1, initial=np.inf)
    q = benjamini_hochberg(np.where(np.isinf(best), np.nan, np.minimum(1.0, best * modes)))
    found = best[q <= fdr]
    tested = max(1, int((~np.isnan(q)).sum()))
    return q, float(found.max() if found.size else fdr / tested / modes)


def _evidence(votes: Ballots, modes: Iterable[Mode]) -> list[Counts]:
    """Per item and mode, how many are right of how many that voted. Raises InputError for a mode without answers."""
    absent = [mode for mode in modes if mode not in votes]
    if absent:
        raise InputError(
            f"the filter needs {absent[0]} mode, in which there are no answers; there are {', '.join(votes)}"
        )
    counts = {mode: tally(votes[mode].scores) for mode in modes}
    return [
        dict(zip(counts, row, strict=True))
        for row in zip(
            *(zip(right.tolist(), voted.tolist(), strict=True) for right, voted in counts.values()), strict=True
        )
    ]


def _told(evidence: Counts, modes: Iterable[Mode]) -> str:
    return "; ".join(f"{evidence[m][0]} of {evidence[m][1]} models are right in {m} mode" for m in modes)


def _verdict(
    evidence: Counts,
    guilty: list[Mode],
    reason: str,
    spec: FilterSpec,
    tests: Mapping[Mode, BlindTest] | None = None,
    q: float | None = None,
) -> Verdict:
    """Dropped for the guilty modes, else for want of votes in any mode, else kept."""
    held = tests or {}
    if guilty:
        return Verdict(False, " and ".join(guilty), reason, evidence, held, q)
    unjudged = [mode for mode, (_, voted) in evidence.items() if voted < spec.min_votes]
    if unjudged:
        found = [f"{evidence[m][1]} usable answers in {m} mode" for m in unjudged]
        told = f"{NOT_JUDGED}: {'; '.join(found)}, {spec.min_votes} needed"
        return Verdict(False, NOT_JUDGED, told, evidence, held, q)
    return Verdict(True, "", "", evidence, held, q)

"""Filters decide which items need their video. Each is a function registered by name; the recipe names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apollobench.curate.answers import Answers
from apollobench.recipe import PaperFilter
from apollobench.types import Mode


@dataclass(frozen=True, slots=True)
class Verdict:
    """Keep an item, or drop it for a reason. evidence: per mode, how many models were right of how many that voted."""

    keep: bool
    reason: str
    evidence: Mapping[Mode, tuple[int, int]]


Filter = Callable[[Answers, PaperFilter], list[Verdict]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A registered filter; `version` changes whenever its verdicts can."""

    name: str
    version: int
    judge: Filter


FILTERS: dict[str, Rule] = {}


def filter_rule(name: str, version: int) -> Callable[[Filter], Filter]:
    """Registers a filter under the name that a recipe's `filter.method` gives."""

    def register(judge: Filter) -> Filter:
        FILTERS[name] = Rule(name, version, judge)
        return judge

    return register


@filter_rule("paper", version=1)
def paper(panel: Answers, spec: PaperFilter) -> list[Verdict]:
    """Drops what strictly more than `threshold` of the models get right in any of `spec.modes` (arXiv 2412.10360, 2.2).

    An unparsed answer is a vote that is not right. Errors and unsupported modes are no votes; an item with fewer than
    `min_votes` votes in one of the modes was not judged, and is dropped as that unless another mode convicts it.
    """
    counts = {mode: panel.votes(mode) for mode in spec.modes}
    verdicts = []
    for i in range(len(panel.items)):
        evidence = {mode: (int(right[i]), int(voted[i])) for mode, (right, voted) in counts.items()}
        reasons = [
            f"right in {mode} mode by {right} of {voted} models, more than {spec.threshold:.0%}"
            for mode, (right, voted) in evidence.items()
            if voted >= spec.min_votes and right / voted > spec.threshold
        ] or [
            f"not judged: {voted} usable answers in {mode} mode, {spec.min_votes} needed"
            for mode, (_, voted) in evidence.items()
            if voted < spec.min_votes
        ]
        verdicts.append(Verdict(not reasons, "; ".join(reasons), evidence))
    return verdicts

"""Filters decide which items need their video. Each is a function registered by name; the recipe names one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apollobench.curate.answers import Answers
from apollobench.recipe import PaperFilter
from apollobench.types import Mode


@dataclass(frozen=True, slots=True)
class Verdict:
    """Keep an item, or drop it for a reason.

    grounds: the reason in a word or two, the same for every item dropped alike; empty for a kept item. evidence: per
    mode, how many models were right of how many that voted. rule: `review` where a person decided, else the filter's.
    """

    keep: bool
    grounds: str
    reason: str
    evidence: Mapping[Mode, tuple[int, int]]
    rule: str = ""


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
        verdicts.append(_verdict(evidence, spec))
    return verdicts


def _verdict(evidence: Mapping[Mode, tuple[int, int]], spec: PaperFilter) -> Verdict:
    solved = [m for m, (right, voted) in evidence.items() if voted >= spec.min_votes and right / voted > spec.threshold]
    if solved:
        found = [f"{evidence[m][0]} of {evidence[m][1]} models are right in {m} mode" for m in solved]
        return Verdict(False, " and ".join(solved), f"{'; '.join(found)}: more than {spec.threshold:.0%}", evidence)
    unjudged = [m for m, (_, voted) in evidence.items() if voted < spec.min_votes]
    if unjudged:
        found = [f"{evidence[m][1]} usable answers in {m} mode" for m in unjudged]
        return Verdict(False, "not judged", f"not judged: {'; '.join(found)}, {spec.min_votes} needed", evidence)
    return Verdict(True, "", "", evidence)

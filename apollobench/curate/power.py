"""What a filter can see: how often it drops an item that models only guess, and how easy one must be to be found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apollobench.curate.answers import NO_VOTE, RIGHT
from apollobench.curate.chance import family_correlation
from apollobench.curate.filter import Ballots, Verdict, item_discoveries
from apollobench.curate.matrix import Matrix
from apollobench.recipe.filter import ChanceAwareFilter, FilterSpec, PaperFilter
from apollobench.stats.votes import critical_count, detectable, power
from apollobench.types import Mode

OPTIONS = (2, 3, 4, 5)
WANTED = 0.8


@dataclass(frozen=True, slots=True)
class Power:
    """One mode and number of options, when the whole panel votes. sizes: models per family, largest first.

    critical: right votes that drop an item; more than there are models where none suffices. guessed: the probability
    that an item is dropped on which all guess. ability: the smallest that is dropped with a probability of 80 %, None
    where there is none. correlation: that was assumed of the votes of one family.
    """

    mode: Mode
    options: int
    sizes: tuple[int, ...]
    correlation: float
    critical: int
    guessed: float
    ability: float | None

    @property
    def blind(self) -> bool:
        """Whether not even an item that all models get right would be dropped."""
        return self.critical > sum(self.sizes)


def filter_power(votes: Ballots, spec: FilterSpec, verdicts: Sequence[Verdict]) -> list[Power]:
    """The power of the rule of `spec` in each mode for 2 to 5 options, by the verdicts that it gave on `votes`."""
    found = []
    for mode in spec.modes:
        matrix = votes[mode]
        sizes = panel_sizes(matrix)
        for options in OPTIONS:
            critical, rho = CRITICAL[spec.method](matrix, spec, verdicts, options)
            guessed = float(power(sizes, critical, rho, [1 / options])[0])
            found.append(Power(mode, options, sizes, rho, critical, guessed, detectable(sizes, critical, rho, WANTED)))
    return found


def filter_warnings(votes: Ballots, powers: Sequence[Power]) -> list[str]:
    """What a filter cannot see although the pool has it, and models that are right about all or nothing."""
    found = []
    for mode, matrix in votes.items():
        present = {round(1 / chance) for chance in np.unique(matrix.chance) if chance > 0}
        unseen = [str(p.options) for p in powers if p.mode is mode and p.options in present and p.blind]
        if unseen:
            sizes = panel_sizes(matrix)
            found.append(
                f"{mode} mode: {sum(sizes)} models (families: {len(sizes)}) are too few for the filter on this pool; "
                f"an item of {', '.join(unseen)} options would be kept although every model is right"
            )
        right, voted = (matrix.scores == RIGHT).sum(axis=1), (matrix.scores != NO_VOTE).sum(axis=1)
        for model, hits, answers in zip(matrix.models, right, voted, strict=True):
            if answers > 1 and hits in (0, answers):
                found.append(f"{mode} mode: {model} has {'no' if not hits else 'every'} answer right; its votes count")
    return found


def panel_sizes(votes: Matrix) -> tuple[int, ...]:
    """Models per family, largest first, of those that voted on anything."""
    voters = [family for family, row in zip(votes.families, votes.scores, strict=True) if (row != NO_VOTE).any()]
    return tuple(sorted(Counter(voters).values(), reverse=True))


Critical = Callable[[Matrix, Any, Sequence[Verdict], int], tuple[int, float]]
CRITICAL: dict[str, Critical] = {}


def critical_rule(name: str) -> Callable[[Critical], Critical]:
    """Registers, for a filter's name, how many right votes drop an item, at which correlation within families."""

    def register(function: Critical) -> Critical:
        CRITICAL[name] = function
        return function

    return register


@critical_rule("paper")
def _paper(votes: Matrix, spec: PaperFilter, verdicts: Sequence[Verdict], options: int) -> tuple[int, float]:
    """More than the threshold; the rule takes models as independent."""
    models = sum(panel_sizes(votes))
    return next((k for k in range(models + 1) if models and k / models > spec.threshold), models + 1), 0.0


@critical_rule("chance_aware")
def _chance_aware(
    votes: Matrix, spec: ChanceAwareFilter, verdicts: Sequence[Verdict], options: int
) -> tuple[int, float]:
    """The cutoff that the false discovery rate came to on this pool."""
    p_values = np.array(
        [[v.tests[m].p if v.evidence[m][1] >= spec.min_votes else np.nan for m in spec.modes] for v in verdicts]
    )
    rho = family_correlation(votes, spec.family_correlation)
    _, cutoff = item_discoveries(p_values, spec.fdr)
    return critical_count(panel_sizes(votes), min(1.0, 1 / options + spec.margin), cutoff, rho), rho

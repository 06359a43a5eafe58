"""Looks at runs before they are believed: patterns that a model answering in good faith does not leave behind.

Works on the answers themselves, and on a plain table of accuracies where there is nothing more, such as a paper's.
A finding accuses nobody: it says which run to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apollobench.curate.answers import MISSING, NO_VOTE, RIGHT, STATUSES, Answers
from apollobench.recipe import Lint
from apollobench.stats.clusters import partition
from apollobench.stats.paired import clustered_paired_difference
from apollobench.types import LETTERS, Mode, Status

if TYPE_CHECKING:
    import pandas as pd

# What sees less should not do better than, nor exactly as well as, what sees more.
LADDER = ((Mode.FRAME, Mode.VIDEO), (Mode.TEXT, Mode.FRAME))


@dataclass(frozen=True, slots=True)
class Finding:
    """rule: which pattern. group: the benchmark, source or category in which `model` shows it."""

    rule: str
    model: str
    group: str
    detail: str


def lint_table(table: pd.DataFrame, alpha: float) -> list[Finding]:
    """Checks a table with columns model, group, mode (text, frame, video) and accuracy in [0, 1].

    Equal and inverted modes are reported wherever they occur. With columns `chance` and `n` too, an accuracy below
    chance is reported when its binomial lower tail is under `alpha`; where either is nan, it is not tested.
    """
    findings: list[Finding] = []
    for (group, model), rows in table.groupby(["group", "model"], sort=False):
        accuracy = {Mode(mode): float(value) for mode, value in zip(rows["mode"], rows["accuracy"], strict=True)}
        for less, more in LADDER:
            if less not in accuracy or more not in accuracy:
                continue
            low, high = accuracy[less], accuracy[more]
            if low == high:
                findings.append(Finding(f"{more} = {less}", str(model), str(group), f"both {low:.1%}"))
            elif low > high:
                findings.append(
                    Finding(f"{less} > {more}", str(model), str(group), f"{less} {low:.1%}, {more} {high:.1%}")
                )
        if {"chance", "n"} <= set(table.columns):
            for mode, value, c, n in zip(accuracy, accuracy.values(), rows["chance"], rows["n"], strict=True):
                if not np.isnan([c, n]).any():
                    right = round(value * n)
                    findings.extend(_below_chance(str(model), str(group), mode, right, int(n), float(c), alpha))
    return findings


def lint_answers(answers: Answers, spec: Lint) -> list[Finding]:
    """Checks the answers of every model in every source and mode.

    What a table only suggests is tested here on the items: modes count as equal when every single choice is the same,
    and as inverted when the paired difference, clustered by video, is significant at `alpha`.
    """
    sources = np.array([item.source for item in answers.items])
    findings: list[Finding] = []
    for source in dict.fromkeys(sources.tolist()):
        part = answers.at(sources == source)
        for row, model in enumerate(part.models):
            for mode in part.modes:
                findings.extend(_one_run(part, row, model, source, mode, spec))
            for less, more in LADDER:
                if less in part.modes and more in part.modes:
                    findings.extend(_two_runs(part, row, model, source, less, more, spec))
    return findings


def _one_run(part: Answers, row: int, model: str, source: str, mode: Mode, spec: Lint) -> Iterator[Finding]:
    status, choice, scores = part.status[mode][row], part.choice[mode][row], part.scores(mode)[row]
    total = len(part.items)
    counts = {name: int((status == code).sum()) for code, name in enumerate(STATUSES)}
    missing = int((status == MISSING).sum())
    if counts[Status.UNSUPPORTED] == total:
        return
    if missing > spec.max_missing * total:
        yield Finding("missing items", model, source, f"{mode}: {missing} of {total} items have no answer")
    for name, allowed in ((Status.ERROR, spec.max_missing), (Status.UNPARSED, spec.max_unparsed)):
        if counts[name] > allowed * total:
            yield Finding(f"{name} answers", model, source, f"{mode}: {counts[name]} of {total}")
    letters = np.bincount(choice[choice >= 0], minlength=1)
    if letters.max() > spec.max_same_letter * letters.sum():
        letter, most = LETTERS[int(letters.argmax())], int(letters.max())
        yield Finding("one letter", model, source, f"{mode}: {letter} in {most} of {int(letters.sum())} answers")
    voted = scores != NO_VOTE
    if voted.any():
        right, n = int((scores == RIGHT).sum()), int(voted.sum())
        yield from _below_chance(model, source, mode, right, n, float(part.chance[voted].mean()), spec.alpha)


def _two_runs(
    part: Answers, row: int, model: str, source: str, less: Mode, more: Mode, spec: Lint
) -> Iterator[Finding]:
    first, second = part.scores(less)[row], part.scores(more)[row]
    both = (first != NO_VOTE) & (second != NO_VOTE)
    if not both.any():
        return
    if (part.choice[less][row][both] == part.choice[more][row][both]).all():
        yield Finding(f"{more} = {less}", model, source, f"the same choice on all {int(both.sum())} items")
        return
    videos = partition([part.items[i].video.id for i in np.flatnonzero(both)])
    gap = clustered_paired_difference(
        second[both].astype(np.float64), first[both].astype(np.float64), videos, level=1 - spec.alpha
    )
    if gap.low > 0:
        detail = f"{less} ahead by {gap.value:.1%} ({1 - spec.alpha:.0%} interval {gap.low:.1%} to {gap.high:.1%})"
        yield Finding(f"{less} > {more}", model, source, detail)


def _below_chance(
    model: str, group: str, mode: Mode, right: int, n: int, chance: float, alpha: float
) -> Iterator[Finding]:
    """One-sided binomial test at the items' mean chance; exact where all chances are equal, cautious otherwise."""
    from scipy.special import bdtr

    p = float(bdtr(right, n, chance))
    if p < alpha:
        yield Finding("below chance", model, group, f"{mode}: {right / n:.1%}, chance {chance:.1%} (p = {p:.1g})")

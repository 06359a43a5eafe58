"""Old models against new ones on the same items: what became easier, and whether the order of things changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import Answers, Bools
from apollobench.curate.audit import accuracies
from apollobench.recipe import Validation
from apollobench.stats.agreement import kendall_tau
from apollobench.stats.clusters import Floats, Partition
from apollobench.stats.interval import Estimate, clustered_mean, within
from apollobench.types import CATEGORIES, Mode


@dataclass(frozen=True, slots=True)
class Tau:
    """Kendall's tau-b with its percentile interval over resampled videos. n: what was ranked."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Drift:
    """Old panel against new models in one mode. shift: new - old accuracy, mean over items that both answered, per
    category and for all. difficulty: do both find the same items hard?"""

    mode: Mode
    shift: dict[str, Estimate]
    difficulty: Tau


@dataclass(frozen=True, slots=True)
class Standing:
    """A model's accuracy in video mode on all items of the benchmark and on those that still hold; nan if unknown."""

    model: str
    new: bool
    all: float
    holding: float


def by_category(answers: Answers, at: Bools) -> dict[str, Bools]:
    """The items of `at` in each category that has any."""
    labels = np.array([item.category or "" for item in answers.items])
    return {name: at & (labels == name) for name in CATEGORIES if (at & (labels == name)).any()}


def drifts(kept: Answers, panel: Sequence[str], new: Sequence[str], spec: Validation) -> list[Drift]:
    """What changed between two groups of models on the same items, in every mode that both were asked in."""
    found = []
    for mode in kept.modes:
        old, later = (_shares(kept.only(models), mode) for models in (panel, new))
        both = ~np.isnan(old) & ~np.isnan(later)
        if not both.any():
            continue
        sets = {"all": both, **by_category(kept, both)}
        shift = {
            name: within(clustered_mean((later - old)[inside], kept.videos.where(inside), spec.confidence), -1, 1)
            for name, inside in sets.items()
        }
        found.append(Drift(mode, shift, _tau(old[both], later[both], kept.videos.where(both), spec)))
    return found


def _shares(answers: Answers, mode: Mode) -> Floats:
    """Share of the models that are right [items], nan without a vote."""
    right, voted = answers.votes(mode)
    shares: Floats = np.divide(right, voted, out=np.full(len(voted), np.nan), where=voted > 0)
    return shares


def _tau(first: Floats, second: Floats, videos: Partition, spec: Validation) -> Tau:
    if first.size < 2:
        return Tau(np.nan, np.nan, np.nan, first.size)
    rng = np.random.default_rng(spec.seed)
    members: list[NDArray[np.intp]] = [np.flatnonzero(videos.codes == code) for code in range(videos.count)]
    draws = []
    for _ in range(spec.bootstrap):
        rows = np.concatenate([members[code] for code in rng.integers(videos.count, size=videos.count)])
        draws.append(kendall_tau(first[rows], second[rows]))
    known = np.array(draws)[~np.isnan(draws)]
    tail = 0.5 - spec.confidence / 2
    low, high = np.quantile(known, [tail, 1 - tail]) if known.size else (np.nan, np.nan)
    return Tau(kendall_tau(first, second), float(low), float(high), first.size)


def standings(
    answers: Answers, panel: Sequence[str], new: Sequence[str], at: Bools, holding: Bools
) -> tuple[Standing, ...]:
    """Every model, best first on all items."""
    if Mode.VIDEO not in answers.modes:
        return ()
    models = answers.only([*panel, *new])
    columns = [accuracies(models.at(items))[Mode.VIDEO] for items in (at, holding)]
    rows = [
        Standing(model, model in new, float(first), float(second))
        for model, first, second in zip(models.models, *columns, strict=True)
    ]
    return tuple(sorted(rows, key=lambda s: (np.isnan(s.all), -s.all, s.model)))

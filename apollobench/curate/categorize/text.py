"""The method `text`: what the items with a category teach about the wording of questions, applied to the others.

How good it is gets measured on the same items in the same run, by cross-validation in which no video is in two folds.
That speaks of items like those. What it is worth on a source that has no label at all is another matter, and measured
apart: each labelled source is sorted by what the others teach.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.categorize.base import Categorized, Job, Quality, Sorting, agreement, categorizer
from apollobench.curate.textmodel import classify, fold_of
from apollobench.errors import InputError
from apollobench.recipe.categorize import TextCategories
from apollobench.stats.clusters import Floats, partition
from apollobench.stats.interval import Estimate
from apollobench.types import CATEGORIES, Item


@categorizer("text")
def text(job: Job, spec: TextCategories) -> Sorting:
    """Raises InputError when no item of the pool has a category to learn from, and where `classify` does."""
    labelled = [entry.item for entry in job.known if entry is not None]
    if not labelled:
        raise InputError(
            f"the text categorizer learns from the pool's labelled items, and none of {len(job.items):,} has a usable "
            f"label or a decision. {job.reasons[0]}; or use --categorizer http"
        )
    quality = _measure(labelled, spec, job.level)
    unknown = [job.items[i] for i in job.unknown]
    names, likely = _sort(labelled, unknown, spec) if unknown else ([], np.zeros(0))
    told = {
        i: Categorized(replace(job.items[i], category=name), f"text:p={p:.2f}")
        for i, name, p in zip(job.unknown, names, likely, strict=True)
    }
    return Sorting(job.filled(told), quality, tuple(_warnings(labelled, unknown, quality)))


def _sort(labelled: Sequence[Item], others: Sequence[Item], spec: TextCategories) -> tuple[list[str], Floats]:
    questions, names = [item.question for item in labelled], [item.category or "" for item in labelled]
    asked = [item.question for item in others]
    return classify(questions, names, asked, words=spec.words, min_items=spec.min_items, c=spec.c)


def _measure(labelled: Sequence[Item], spec: TextCategories, level: float) -> Quality:
    """Out-of-fold categories against the known ones, and those of each source after learning from the other sources."""
    folds = fold_of(partition([item.video.id for item in labelled]), spec.folds, spec.seed)
    told, commonest = _by_part(labelled, folds, spec)
    sources = partition([item.source for item in labelled])
    abroad = {}
    if sources.count > 1:
        far = _by_part(labelled, sources.codes, spec)
        for code in range(sources.count):
            inside = np.flatnonzero(sources.codes == code)
            abroad[labelled[inside[0]].source] = _on(labelled, inside, *far, level)
    how = f"{spec.folds}-fold cross-validation grouped by video on {len(labelled):,} items whose category is known"
    truth = [item.category or "" for item in labelled]
    return agreement(how, labelled, truth, told, commonest, level, abroad)


def _by_part(labelled: Sequence[Item], parts: NDArray[np.intp], spec: TextCategories) -> tuple[list[str], list[str]]:
    """For every item what the other parts teach, and the commonest category of the other parts."""
    told, commonest = [""] * len(labelled), [""] * len(labelled)
    for part in np.unique(parts):
        inside, outside = np.flatnonzero(parts == part).tolist(), np.flatnonzero(parts != part).tolist()
        teachers = [labelled[i] for i in outside]
        names, _ = _sort(teachers, [labelled[i] for i in inside], spec)
        most = _commonest(teachers)
        for i, name in zip(inside, names, strict=True):
            told[i], commonest[i] = name, most
    return told, commonest


def _on(
    labelled: Sequence[Item], inside: NDArray[np.intp], told: Sequence[str], commonest: Sequence[str], level: float
) -> tuple[Estimate, Estimate]:
    places = inside.tolist()
    items = [labelled[i] for i in places]
    truth = [item.category or "" for item in items]
    found = agreement("", items, truth, [told[i] for i in places], [commonest[i] for i in places], level)
    return found.accuracy, found.majority


def _commonest(items: Sequence[Item]) -> str:
    counts = Counter(item.category or "" for item in items)
    return max(CATEGORIES, key=lambda category: counts[category])


def _warnings(labelled: Sequence[Item], unknown: Sequence[Item], quality: Quality) -> list[str]:
    if not unknown:
        return []
    found = []
    absent = [category for category in CATEGORIES if all(item.category != category for item in labelled)]
    if absent:
        found.append(f"no labelled item is of {', '.join(absent)}: the text categorizer can never say so")
    known = {item.source for item in labelled}
    strange = Counter(item.source for item in unknown if item.source not in known)
    for source, count in strange.items():
        told = [
            f"{100 * right.value:.0f} % of {name} ({100 * most.value:.0f} % by the commonest category)"
            for name, (right, most) in quality.abroad.items()
        ]
        trial = f"tried so, it was right for {', '.join(told)}" if told else "what that is worth cannot be measured"
        found.append(f"the {count:,} items of {source} were sorted by what other sources' questions teach; {trial}")
    return found

"""How far independent reviewers agree, per category: on keeping an item, and on its category and key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from apollobench.curate.decisions import CATEGORY, KEY, STAYS
from apollobench.review.history import History
from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate, clustered_proportion
from apollobench.stats.kappa import agreement, cohen_kappa, fleiss_kappa, pairs_agreeing
from apollobench.types import CATEGORIES, LETTERS, Item

ALL = "all"


@dataclass(frozen=True, slots=True)
class Agreed:
    """Agreement on one question in one group of items. percent: of pairs of reviewers. kappa: Cohen's for two reviewers
    in all, Fleiss' for more; None where no item has two independent words."""

    group: str
    items: int
    percent: Estimate | None
    kappa: Estimate | None


@dataclass(frozen=True, slots=True)
class Reader:
    """One reviewer. answered: of the items, without knowing the key; right: the share that chose the key."""

    name: str
    answered: int
    right: Estimate | None
    decided: int


@dataclass(frozen=True, slots=True)
class Report:
    """reviewers: who has an independent word. verdicts: on keep, drop or discuss, per category and over all.

    categories, keys: whether they would change the item's category and key, and to what, over all. readers: who has
    answered or decided.
    """

    reviewers: tuple[str, ...]
    verdicts: tuple[Agreed, ...]
    categories: Agreed
    keys: Agreed
    readers: tuple[Reader, ...]


def report(items: Mapping[str, Item], histories: Mapping[str, History], reviewers: Sequence[str]) -> Report:
    """From the independent words on these items; what was said after seeing the other's word does not count."""
    judged = {name: history for name, history in histories.items() if name in items and history.seeing}
    by_category = [c for c in CATEGORIES if any(items[name].category == c for name in judged)]
    voices = tuple(who for who in reviewers if any(who in history.seeing for history in judged.values()))

    def verdict(history: History, who: str, item: Item) -> str:
        return history.independent[who, STAYS].action

    def category(history: History, who: str, item: Item) -> str:
        row = history.independent.get((who, CATEGORY))
        return row.said if row else item.category or ""

    def key(history: History, who: str, item: Item) -> str:
        row = history.independent.get((who, KEY))
        return row.said if row else LETTERS[item.answer]

    def agreed(group: str, say: Callable[[History, str, Item], str]) -> Agreed:
        chosen = [name for name in judged if group == ALL or items[name].category == group]
        words = [
            {who: say(judged[name], who, items[name]) for who in voices if who in judged[name].seeing}
            for name in chosen
        ]
        return _agreed(group, words, [items[name].video.id for name in chosen], voices)

    return Report(
        reviewers=voices,
        verdicts=tuple(agreed(group, verdict) for group in [*by_category, ALL]),
        categories=agreed(ALL, category),
        keys=agreed(ALL, key),
        readers=tuple(
            reader for who in reviewers if (reader := _reader(who, items, histories)).answered or reader.decided
        ),
    )


def _agreed(group: str, words: Sequence[Mapping[str, str]], videos: Sequence[str], voices: Sequence[str]) -> Agreed:
    if not words:
        return Agreed(group, 0, None, None)
    labels = list(dict.fromkeys(label for said in words for label in said.values()))
    counts = np.zeros((len(words), len(labels)))
    for row, said in zip(counts, words, strict=True):
        for label in said.values():
            row[labels.index(label)] += 1
    clusters = partition(videos)
    if len(voices) == 2:
        first, second = voices
        kappa = cohen_kappa([said[first] for said in words], [said[second] for said in words], clusters)
    else:
        kappa = fleiss_kappa(counts, clusters)
    return Agreed(group, len(words), agreement(pairs_agreeing(counts), clusters), kappa)


def _reader(who: str, items: Mapping[str, Item], histories: Mapping[str, History]) -> Reader:
    chose = {n: h.answers[who].value for n, h in histories.items() if n in items and who in h.answers}
    right = [float(value == LETTERS[items[name].answer]) for name, value in chose.items()]
    share = clustered_proportion(right, partition([items[name].video.id for name in chose])) if right else None
    decided = sum(bool(history.verdict(who)) for name, history in histories.items() if name in items)
    return Reader(who, len(right), share, decided)

"""From items and responses to scores: accuracy with intervals clustered by video, beside what no video gives.

Accuracy is right answers over all answers; one that names no option (`unparsed`) is an answer, and wrong, and so is
one that was imported as no more than that (`wrong`). A question
that failed (`error`), that the model cannot be asked (`unsupported`) or that has no response (missing) is not part of
any accuracy: it is counted, and a score with such questions is not complete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apollobench.errors import InputError
from apollobench.evaluate.judge import best_option
from apollobench.evaluate.store import ANSWERED
from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate, clustered_macro, clustered_proportion
from apollobench.stats.paired import clustered_paired_difference
from apollobench.types import CATEGORIES, Item, Mode, Response, Status

Table = Mapping[str, Response]


@dataclass(frozen=True, slots=True)
class ModeScore:
    """Accuracy in one mode. None stands where there is no answer to score, or none in some category (`macro`).

    macro: the mean of the categories' accuracies; items without a category count in `overall` alone.
    by_logprobs: accuracy of the most likely option, on the answers that tell log-probabilities (its own n).
    chance, category_chance: expected accuracy of blind guessing, the mean of 1 / options over the items asked.
    statuses, missing: how the questions ended; together all items.
    """

    overall: Estimate | None
    macro: Estimate | None
    categories: Mapping[str, Estimate | None]
    by_logprobs: Estimate | None
    chance: float
    category_chance: Mapping[str, float]
    statuses: Mapping[Status, int]
    missing: int


@dataclass(frozen=True, slots=True)
class Gain:
    """Accuracy in `video` mode minus that in another mode, on the items answered in both, paired and clustered."""

    overall: Estimate | None
    categories: Mapping[str, Estimate | None]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One model on one set of items. gains: of video mode over each other mode that was asked."""

    model: str
    items: int
    modes: Mapping[Mode, ModeScore]
    gains: Mapping[Mode, Gain]

    def count(self, status: Status) -> int:
        """Responses with this status, over all modes."""
        return sum(mode.statuses[status] for mode in self.modes.values())

    @property
    def missing(self) -> int:
        """Questions without a response, over all modes."""
        return sum(mode.missing for mode in self.modes.values())


def score(items: Sequence[Item], responses: Iterable[Response]) -> Scorecard:
    """Scores the responses of one model to `items`, in every mode in which there are any; others are left aside.

    Raises InputError when there is nothing to score, for responses of several models, and for two responses to one
    question (of different weights, settings or videos, which a store may hold: pass those that a run returned).
    """
    known = {item.id for item in items}
    tables: dict[Mode, dict[str, Response]] = {}
    models: set[str] = set()
    for response in responses:
        if response.item not in known:
            continue
        models.add(response.model)
        if len(models) > 1:
            raise InputError(f"responses of several models ({', '.join(sorted(models))}); score them one by one")
        if tables.setdefault(response.mode, {}).setdefault(response.item, response) is not response:
            raise InputError(
                f"two responses of {response.model} to {response.item} in {response.mode} mode, of different weights, "
                "settings, sampling or videos; run the evaluation once more and score what it returns"
            )
    if not models:
        raise InputError("no responses to these items; run the evaluation first")
    ordered = {mode: tables[mode] for mode in Mode if mode in tables}
    video = ordered.get(Mode.VIDEO)
    others = {mode: table for mode, table in ordered.items() if mode is not Mode.VIDEO and video is not None}
    return Scorecard(
        model=models.pop(),
        items=len(items),
        modes={mode: _mode_score(items, table) for mode, table in ordered.items()},
        gains={mode: _gain(items, table, video or {}) for mode, table in others.items()},
    )


def accuracy(item: Item, response: Response) -> float | None:
    """1 if the answer is the item's, 0 if it is another or names none, None if there is no answer."""
    return float(response.choice == item.answer) if response.status in ANSWERED else None


def accuracy_by_logprobs(item: Item, response: Response) -> float | None:
    """1 if the most likely option is the answer, else 0; None without an answer or without log-probabilities."""
    if response.status not in ANSWERED or response.option_logprobs is None:
        return None
    return float(best_option(response.option_logprobs) == item.answer)


def _mode_score(items: Sequence[Item], table: Table) -> ModeScore:
    graded = [
        (item, right) for item in items if item.id in table and (right := accuracy(item, table[item.id])) is not None
    ]
    likely = [
        (item, right)
        for item in items
        if item.id in table and (right := accuracy_by_logprobs(item, table[item.id])) is not None
    ]
    statuses = Counter(response.status for response in table.values())
    groups = _by_category(items)
    categories = {name: _share([pair for pair in graded if pair[0].category == name]) for name in groups}
    return ModeScore(
        overall=_share(graded),
        macro=_macro(graded) if categories and None not in categories.values() else None,
        categories=categories,
        by_logprobs=_share(likely),
        chance=_chance(items),
        category_chance={name: _chance(group) for name, group in groups.items()},
        statuses={status: statuses[status] for status in Status},
        missing=len(items) - len(table),
    )


def _gain(items: Sequence[Item], other: Table, video: Table) -> Gain:
    pairs = []
    for item in items:
        if item.id in other and item.id in video:
            first, second = accuracy(item, other[item.id]), accuracy(item, video[item.id])
            if first is not None and second is not None:
                pairs.append((item, first, second))
    names = _by_category(items)
    return Gain(_paired(pairs), {name: _paired([pair for pair in pairs if pair[0].category == name]) for name in names})


def _share(graded: Sequence[tuple[Item, float]]) -> Estimate | None:
    if not graded:
        return None
    return clustered_proportion([right for _, right in graded], partition([item.video.id for item, _ in graded]))


def _macro(graded: Sequence[tuple[Item, float]]) -> Estimate:
    sorted_out = [(item, right) for item, right in graded if item.category is not None]
    return clustered_macro(
        [right for _, right in sorted_out],
        [str(item.category) for item, _ in sorted_out],
        partition([item.video.id for item, _ in sorted_out]),
    )


def _paired(pairs: Sequence[tuple[Item, float, float]]) -> Estimate | None:
    if not pairs:
        return None
    items, first, second = zip(*pairs, strict=True)
    return clustered_paired_difference(first, second, partition([item.video.id for item in items]))


def _chance(items: Sequence[Item]) -> float:
    return sum(1 / len(item.options) for item in items) / len(items)


def _by_category(items: Sequence[Item]) -> dict[str, list[Item]]:
    """Items of each category that occurs: the five in their usual order, then any others by name."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        if item.category is not None:
            groups.setdefault(item.category, []).append(item)
    usual = [name for name in CATEGORIES if name in groups]
    return {name: groups[name] for name in [*usual, *sorted(groups.keys() - set(usual))]}

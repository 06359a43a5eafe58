"""The figures of the first page: accuracy of every model, by category and mode, and each against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apollobench.evaluate.score import Scorecard, accuracy, score
from apollobench.pages.chart import Intervals, Line, mark
from apollobench.report.scorecard import NAMES
from apollobench.report.tables import with_interval
from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate
from apollobench.stats.paired import clustered_paired_difference
from apollobench.types import Item, Mode, Response
from apollobench.viewer.table import Table

INTERVALS = "95 % intervals clustered by video"
ROUND = 0.05


@dataclass(frozen=True, slots=True)
class Against:
    """A model against the first one, on the items that both answered in a mode.

    difference: its accuracy minus that of the first. first, other: items that only this one has right.
    """

    model: int
    mode: Mode
    difference: Estimate
    first: int
    other: int


def scorecards(table: Table) -> list[Scorecard | None]:
    """Each model's scores on the items of the benchmark; None for one without an answer to them."""
    items = [entry.item for entry in table.entries if not entry.rule]
    asked = {item.id for item in items}
    cards = []
    for place, _ in enumerate(table.subjects):
        own = [r for columns in table.answers.values() for r in columns[place].values() if r.item in asked]
        answered = {response.item for response in own}
        cards.append(score([item for item in items if item.id in answered], own) if own else None)
    return cards


def models_chart(table: Table, cards: Sequence[Scorecard | None]) -> Intervals:
    """All models, over all items."""
    lines = [
        Line(
            subject.name,
            tuple(
                one
                for place, mode in enumerate(table.modes)
                if mode in card.modes
                for one in mark(place, card.modes[mode].overall, with_interval(card.modes[mode].overall))
            ),
            next(iter(card.modes.values())).chance,
        )
        for subject, card in zip(table.subjects, cards, strict=True)
        if card
    ]
    return _percent("Accuracy by model", f"Accuracy in percent, {INTERVALS}.", table.modes, lines, "model")


def categories_chart(table: Table, name: str, card: Scorecard) -> Intervals:
    """One model, by category."""
    modes = [(place, card.modes[mode]) for place, mode in enumerate(table.modes) if mode in card.modes]
    lines = [
        Line(
            category,
            tuple(
                one
                for place, scored in modes
                for one in mark(place, scored.categories[category], with_interval(scored.categories[category]))
            ),
            modes[0][1].category_chance[category],
        )
        for category in modes[0][1].categories
    ]
    overall = tuple(
        one for place, scored in modes for one in mark(place, scored.overall, with_interval(scored.overall))
    )
    note = f"Accuracy of {name} in percent on {card.items:,} items, {INTERVALS}."
    return _percent(name, note, table.modes, [*lines, Line("overall", overall, modes[0][1].chance)], "category")


def against_first(table: Table) -> list[Against]:
    """Every other model against the first, in each mode in which both answered something."""
    items = [entry.item for entry in table.entries if not entry.rule]
    found = []
    for place in range(1, len(table.subjects)):
        for mode, columns in table.answers.items():
            pairs = [
                (item, first, other)
                for item in items
                if (first := _right(item, columns[0])) is not None
                and (other := _right(item, columns[place])) is not None
            ]
            if pairs:
                shared, before, after = zip(*pairs, strict=True)
                difference = clustered_paired_difference(before, after, partition([item.video.id for item in shared]))
                lost = sum(a > b for a, b in zip(before, after, strict=True))
                gained = sum(a < b for a, b in zip(before, after, strict=True))
                found.append(Against(place, mode, difference, lost, gained))
    return found


def against_chart(table: Table, found: Sequence[Against]) -> Intervals:
    """The differences to the first model, in points."""
    modes = {mode: place for place, mode in enumerate(table.modes)}
    lines = [
        Line(
            subject.name,
            tuple(
                one
                for against in found
                if against.model == place
                for one in mark(modes[against.mode], against.difference, with_interval(against.difference, signed=True))
            ),
            0.0,
        )
        for place, subject in enumerate(table.subjects)
        if any(against.model == place for against in found)
    ]
    reach = max(abs(bound) for a in found for bound in (a.difference.low, a.difference.high))
    reach = min(1.0, -(-reach // ROUND) * ROUND)
    first = table.subjects[0].name
    return Intervals(
        f"Against {first}",
        f"Accuracy minus that of {first} on the items that both answered, in points, {INTERVALS}, paired.",
        tuple(NAMES[mode] for mode in table.modes),
        tuple(lines),
        -reach,
        reach,
        reach / 2,
        head="model",
    )


def _right(item: Item, column: Mapping[str, Response]) -> float | None:
    response = column.get(item.id)
    return None if response is None else accuracy(item, response)


def _percent(title: str, note: str, modes: Sequence[Mode], lines: Sequence[Line], head: str) -> Intervals:
    series = tuple(NAMES[mode] for mode in modes)
    return Intervals(title, note, series, tuple(lines), 0.0, 1.0, 0.25, reference="chance", head=head)

"""The list of items: a row for each, with one character for every answer; and finding, sorting and paging rows.

The script of the static report (`pages/static/viewer.js`) finds and sorts the same rows in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from apollobench.errors import InputError
from apollobench.types import LETTERS, Mode, Response, Status
from apollobench.viewer.table import Table

F = TypeVar("F")
PER_PAGE = 50
LONGEST = 300  # characters of a question in the list
MISSING = "."
NOT_ASKED = f"-{MISSING}"
SIGNS = {Status.UNPARSED: "?", Status.ERROR: "!", Status.UNSUPPORTED: "-", Status.WRONG: "x"}


@dataclass(frozen=True, slots=True)
class Row:
    """An item in the list. key: letter of the right option. kept: whether it is in the benchmark.

    cells: per mode, a character for each model: the letter of its choice, or a sign (`?` unparsed, `x` wrong and no
    more is known, `!` error, `-` unsupported, `.` missing).
    """

    number: int
    id: str
    question: str
    category: str
    kept: bool
    key: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows, in which order. models: positions of the models that count, all when empty. mode: all when None."""

    show: str = "all"
    sort: str = "order"
    mode: Mode | None = None
    category: str | None = None
    left_out: bool | None = None
    text: str = ""
    models: tuple[int, ...] = ()
    page: int = 1


Shows = Callable[[str, str], bool]  # (key, one mode's cells)
Sorts = Callable[[int, int], float]  # (right, of so many answers), smaller first
SHOWS: dict[str, tuple[str, Shows]] = {}
SORTS: dict[str, tuple[str, Sorts]] = {}


def _in(registry: dict[str, tuple[str, F]], name: str, label: str) -> Callable[[F], F]:
    def register(function: F) -> F:
        registry[name] = (label, function)
        return function

    return register


@_in(SHOWS, "all", "all items")
def _all(key: str, cells: str) -> bool:
    return True


@_in(SHOWS, "wrong", "answered wrong")
def _wrong(key: str, cells: str) -> bool:
    return any(cell == "x" or (cell in LETTERS and cell != key) for cell in cells)


@_in(SHOWS, "unparsed", "unparsed")
def _unparsed(key: str, cells: str) -> bool:
    return "?" in cells


@_in(SHOWS, "error", "error")
def _error(key: str, cells: str) -> bool:
    return "!" in cells


@_in(SHOWS, "disagree", "models disagree")
def _disagree(key: str, cells: str) -> bool:
    return len(set(cells) - set(NOT_ASKED)) > 1


@_in(SORTS, "order", "order of the benchmark")
def _order(right: int, answers: int) -> float:
    return 0.0


@_in(SORTS, "hardest", "fewest right first")
def _hardest(right: int, answers: int) -> float:
    return right / answers if answers else 2.0


@_in(SORTS, "split", "most divided first")
def _split(right: int, answers: int) -> float:
    return abs(right / answers - 0.5) if answers else 2.0


def rows(table: Table) -> list[Row]:
    """A row for every item, in the table's order."""
    return [
        Row(
            number,
            entry.item.id,
            shortened(entry.item.question),
            entry.item.category or "",
            not entry.rule,
            LETTERS[entry.item.answer],
            tuple(
                "".join(sign(answers.get(entry.item.id)) for answers in columns) for columns in table.answers.values()
            ),
        )
        for number, entry in enumerate(table.entries)
    ]


def sign(response: Response | None) -> str:
    """The character of a cell."""
    if response is None:
        return MISSING
    return LETTERS[response.choice] if response.choice is not None else SIGNS[response.status]


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def votes(key: str, cells: str) -> tuple[int, int]:
    """How many are right, of how many answers."""
    return cells.count(key), sum(cell not in "!-." for cell in cells)


def find(listed: Sequence[Row], modes: Sequence[Mode], query: Query) -> list[Row]:
    """The rows that a query asks for, in its order; equal ones stay in the order given.

    Raises InputError for a filter or a sort that there is not.
    """
    shows, sorts = _known(SHOWS, "show", query.show), _known(SORTS, "sort", query.sort)
    places = [place for place, mode in enumerate(modes) if query.mode in (None, mode)]
    wanted = query.text.lower()
    found = []
    for row in listed:
        if query.category not in (None, row.category) or query.left_out is row.kept:
            continue
        if wanted and wanted not in f"{row.id}\n{row.question}".lower():
            continue
        cells = [of_models(row.cells[place], query.models) for place in places]
        if any(shows(row.key, some) for some in cells):
            found.append((sorts(*votes(row.key, "".join(cells))), row))
    return [row for _, row in sorted(found, key=lambda pair: pair[0])]


def of_models(cells: str, models: Sequence[int]) -> str:
    """The cells of these models, of all when there are none."""
    return "".join(cells[model] for model in models) if models else cells


def _known(registry: Mapping[str, tuple[str, F]], what: str, name: str) -> F:
    if name not in registry:
        raise InputError(f"{what}={name}: valid are {', '.join(registry)}")
    return registry[name][1]

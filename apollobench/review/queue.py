"""Which items a reviewer has before them, in which order, and which comes next."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import chain, islice
from urllib.parse import urlencode

from apollobench.errors import InputError
from apollobench.review.history import History, replay
from apollobench.review.subject import Subject
from apollobench.types import CATEGORIES

PER_PAGE = 50
NOTHING_SAID = replay(())
ORDERS: dict[str, tuple[str, Callable[[Subject, str], float | str]]] = {
    "suspicion": ("most suspicious first", lambda s, n: -s.cards[n].suspicion if n in s.cards else 0.0),
    "item_rest": ("lowest item-rest r first", lambda s, n: _or_last(s.cards[n].item_rest if n in s.cards else None)),
    "id": ("by id", lambda s, n: n),
}
STATES: dict[str, tuple[str, Callable[[History, str], bool]]] = {
    "all": ("all items", lambda h, who: True),
    "todo": ("not decided by me", lambda h, who: not h.verdict(who)),
    "keep": ("kept by me", lambda h, who: h.verdict(who) == "keep"),
    "drop": ("dropped by me", lambda h, who: h.verdict(who) == "drop"),
    "discuss": ("to discuss", lambda h, who: h.verdict(who) == "discuss"),
    "changed": ("key or category changed by me", lambda h, who: _changed(h, who)),
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked of the queue. sort: a key of ORDERS. show: of STATES. category: empty for all.

    text: part of an item's id, question or options. page: from 1.
    """

    sort: str = "suspicion"
    show: str = "all"
    category: str = ""
    text: str = ""
    page: int = 1

    def __post_init__(self) -> None:
        for name, value, valid in (
            ("sort", self.sort, ORDERS),
            ("show", self.show, STATES),
            ("category", self.category, ("", *CATEGORIES)),
        ):
            if value not in valid:
                raise InputError(f"{name}: unknown {value!r}; valid: {', '.join(valid)}")

    def link(self, path: str, item: str = "", **changes: str | int) -> str:
        """An address of the review that keeps this query, with some of it changed; `item` as its parameter `id`."""
        asked = asdict(replace(self, **changes))  # type: ignore[arg-type]
        told = {name: value for name, value in asked.items() if value != getattr(DEFAULT, name)}
        told |= {"id": item} if item else {}
        return f"{path}?{urlencode(told)}" if told else path


DEFAULT = Query()


def read_query(given: Mapping[str, str]) -> Query:
    """From an address. Raises InputError for a value that is none of those valid."""
    page = given.get("page", "1")
    if not (page.isascii() and page.isdigit() and len(page) < 9):
        raise InputError(f"page: {page!r} is not a number")
    told = {name: given[name] for name in ("sort", "show", "category", "text") if name in given}
    return Query(**told, page=max(1, int(page)))


def ordered(subject: Subject, query: Query) -> Sequence[str]:
    """The ids of the query's items in its order, whatever has been decided."""
    return _ordered(subject, query.sort, query.category, query.text.casefold())


@lru_cache(maxsize=32)
def _ordered(subject: Subject, sort: str, category: str, wanted: str) -> tuple[str, ...]:
    found = [
        name
        for name, item in subject.items.items()
        if (not category or item.category == category)
        and (not wanted or any(wanted in text.casefold() for text in (name, item.question, *item.options)))
    ]
    key = ORDERS[sort][1]
    return tuple(sorted(found, key=lambda name: (key(subject, name), name)))


def shown(names: Sequence[str], query: Query, histories: Mapping[str, History], who: str) -> list[str]:
    """Of these, the ones in the state that the query asks for."""
    is_in = STATES[query.show][1]
    return [name for name in names if is_in(histories.get(name, NOTHING_SAID), who)]


def next_open(names: Sequence[str], histories: Mapping[str, History], who: str, after: str = "") -> str | None:
    """The first that `who` has not decided, after an item and then from the beginning; None when all are."""
    start = names.index(after) + 1 if after in names else 0
    for name in chain(islice(names, start, None), islice(names, start)):
        if name != after and not histories.get(name, NOTHING_SAID).verdict(who):
            return name
    return None


def left_at(histories: Mapping[str, History], who: str) -> str:
    """The item that `who` decided last; empty if none."""
    verdicts = [row for history in histories.values() for row in history.told if row.reviewer == who]
    return max(verdicts, key=lambda row: (row.moment, row.number)).item if verdicts else ""


def pages(count: int) -> int:
    return max(1, math.ceil(count / PER_PAGE))


def _or_last(value: float | None) -> float:
    return math.inf if value is None else value


def _changed(history: History, who: str) -> bool:
    return any(reviewer == who and row.action in ("key", "category") for (reviewer, _), row in history.standing.items())

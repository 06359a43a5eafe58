"""`apollobench view`: the pages on demand, filtered, sorted and paged here; frames are decoded once they are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from apollobench.errors import InputError
from apollobench.types import Mode
from apollobench.viewer.detail import Films, detail
from apollobench.viewer.index import PER_PAGE, Query, Row, find
from apollobench.viewer.links import Served
from apollobench.viewer.pages import Book, as_words
from apollobench.viewer.table import Table

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

LINKS = Served()
KEPT = 256  # sheets and lists that are remembered
FRESH = "private, max-age=3600"


def routes(table: Table) -> list[BaseRoute]:
    """What `apollobench.pages.server.serve` takes."""
    from starlette.routing import Route

    desk = _Desk(table)
    return [
        Route("/", _safe(desk.overview)),
        Route("/items", _safe(desk.items)),
        Route("/item/{number:int}", _safe(desk.item)),
        Route("/frames/{video:int}-{sheet:int}.webp", _safe(desk.sheet)),
    ]


class _Desk:
    """The answers to requests. What was found or decoded once is kept."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._book = Book(table, Films(table))
        self._overview = cache(lambda: self._book.overview(LINKS))
        self._find = lru_cache(KEPT)(self._found)
        self._webp = lru_cache(KEPT)(lambda video, sheet: self._book.films.film(video).webp(sheet))

    def overview(self, request: Request) -> Response:
        return _html(self._overview())

    def items(self, request: Request) -> Response:
        query = parse_query(request.query_params, self._table)
        found = self._find(as_key(query))
        pages = max(1, -(-len(found) // PER_PAGE))
        page = min(query.page, pages)
        values = {
            "query": query,
            "words": as_words(query),
            "total": len(found),
            "page": page,
            "pages": pages,
            "listed": found[(page - 1) * PER_PAGE : page * PER_PAGE],
            "shown_models": [self._table.subjects[i].name for i in query.models or range(len(self._table.subjects))],
            "about": None,
        }
        return _html(self._book.items(LINKS, values))

    def item(self, request: Request) -> Response:
        number = request.path_params["number"]
        if number >= len(self._table.entries):
            return _text("no such item\n", 404)
        query = parse_query(request.query_params, self._table)
        found = [row.number for row in self._find(as_key(query))]
        place = found.index(number) if number in found else None
        values = {
            "words": as_words(query),
            "place": place,
            "total": len(found),
            "before": found[place - 1] if place else None,
            "after": found[place + 1] if place is not None and place + 1 < len(found) else None,
        }
        return _html(self._book.item(LINKS, [detail(self._table, self._book.films, number, query.models)], values))

    def sheet(self, request: Request) -> Response:
        from starlette.responses import Response

        video, sheet = request.path_params["video"], request.path_params["sheet"]
        if video >= len(self._book.films) or sheet >= self._book.films.film(video).sheets:
            return _text("no such sheet\n", 404)
        return Response(self._webp(video, sheet), media_type="image/webp", headers={"cache-control": FRESH})

    def _found(self, query: Query) -> list[Row]:
        return find(self._book.rows, self._table.modes, query)


def parse_query(words: Mapping[str, str], table: Table) -> Query:
    """The query of an address. Raises InputError for a mode, a number or a model that there is not."""
    models = [_number(words, name, len(table.subjects) - 1) for name in ("a", "b") if words.get(name)]
    mode = words.get("mode") or None
    if mode not in {None, *table.modes}:
        raise InputError(f"mode={mode}: valid are {', '.join(table.modes)}")
    return Query(
        show=words.get("show") or "all",
        sort=words.get("sort") or "order",
        mode=Mode(mode) if mode else None,
        category=words.get("category") or None,
        left_out={"in": False, "out": True}.get(words.get("part", "")),
        text=words.get("q", "").strip(),
        models=tuple(dict.fromkeys(models)),
        page=max(1, _number(words, "page", 10**9)) if words.get("page") else 1,
    )


def as_key(query: Query) -> Query:
    """The query but for its page: what decides which rows are found."""
    from dataclasses import replace

    return replace(query, page=1)


def _number(words: Mapping[str, str], name: str, most: int) -> int:
    text = words[name]
    if not (text.isascii() and text.isdigit() and int(text) <= most):
        raise InputError(f"{name}={text}: expected a number from 0 to {most}")
    return int(text)


def _safe(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """What cannot be shown is said as text."""

    def answering(request: Request) -> Response:
        try:
            return answer(request)
        except InputError as error:
            return _text(f"{error}\n", 400)

    return answering


def _html(text: str) -> Response:
    from starlette.responses import HTMLResponse

    return HTMLResponse(text, headers={"cache-control": "no-store"})


def _text(text: str, status: int) -> Response:
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(text, status)

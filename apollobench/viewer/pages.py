"""The pages of the viewer as HTML text, alike for the server and for a static report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apollobench.pages.render import page
from apollobench.report.scorecard import NAMES
from apollobench.viewer.curation import audit_charts, selection_charts
from apollobench.viewer.detail import Detail, Films
from apollobench.viewer.index import SHOWS, SORTS, Query, Row, of_models, rows, votes
from apollobench.viewer.links import Links
from apollobench.viewer.scores import against_chart, against_first, categories_chart, models_chart, scorecards
from apollobench.viewer.table import Table

OPEN = 4  # models whose charts by category are shown without being asked for
LETTERED = 4  # models whose answers stand in the list one by one


@dataclass(frozen=True)
class Book:
    """A table, with what all its pages need. policy: a Content-Security-Policy to write into pages, for files."""

    table: Table
    films: Films
    policy: str = ""

    @cached_property
    def rows(self) -> list[Row]:
        return rows(self.table)

    def overview(self, links: Links) -> str:
        """The first page: the runs, their scores, and what a curation found."""
        cards = scorecards(self.table)
        against = against_first(self.table)
        charts = [
            categories_chart(self.table, subject.name, card)
            for subject, card in zip(self.table.subjects, cards, strict=True)
            if card
        ]
        curations = [part for part in self.table.parts if part.manifest]
        values = {
            "models": models_chart(self.table, cards) if charts else None,
            "charts": charts,
            "folded": len(charts) > OPEN,
            "against": against,
            "against_chart": against_chart(self.table, against) if against else None,
            "audits": [chart for part in curations for chart in audit_charts(part)],
            "selections": [chart for part in curations for chart in selection_charts(part)],
        }
        return self._page("viewer/overview.html", links, "overview", values)

    def items(self, links: Links, values: Mapping[str, Any]) -> str:
        """The page with the list. values: what the template `viewer/items.html` needs besides."""
        return self._page("viewer/items.html", links, "items", {**self._words(), **values})

    def item(self, links: Links, shown: Sequence[Detail], values: Mapping[str, Any]) -> str:
        """A page with one or more items in full."""
        return self._page("viewer/item.html", links, "", {"shown": shown, **values})

    def _words(self) -> dict[str, Any]:
        """What filters offer."""
        return {
            "shows": {name: label for name, (label, _) in SHOWS.items()},
            "sorts": {name: label for name, (label, _) in SORTS.items()},
            "has_left_out": any(entry.rule for entry in self.table.entries),
            "offered": {
                "modes": [(mode.value, f"{NAMES[mode]} mode") for mode in self.table.modes],
                "categories": [(name, name) for name in self.table.categories if name],
                "models": [(place, subject.name) for place, subject in enumerate(self.table.subjects)],
            },
            "lettered": LETTERED,
            "votes": votes,
            "of_models": of_models,
        }

    def _page(self, template: str, links: Links, here: str, values: Mapping[str, Any]) -> str:
        common = {"table": self.table, "names": NAMES, "links": links, "here": here, "policy": self.policy}
        return page(template, {**common, **values}, links.static)


def as_words(query: Query) -> dict[str, object]:
    """A query as it stands in an address, defaults left out; the page is not part of it."""
    models = dict(zip(("a", "b"), query.models, strict=False))
    words: dict[str, object] = {
        "show": query.show if query.show != "all" else None,
        "sort": query.sort if query.sort != "order" else None,
        "mode": query.mode,
        "category": query.category,
        "part": {None: None, False: "in", True: "out"}[query.left_out],
        "q": query.text or None,
        **models,
    }
    return {name: value for name, value in words.items() if value is not None}

"""Where the pages lie: addresses of the server, or files of a static report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode


class Links(Protocol):
    """Addresses, as a page writes them."""

    @property
    def static(self) -> str: ...

    @property
    def overview(self) -> str: ...

    def items(self, query: Mapping[str, object]) -> str: ...

    def item(self, number: int, query: Mapping[str, object]) -> str: ...

    def sheet(self, video: int, sheet: int) -> str: ...


@dataclass(frozen=True, slots=True)
class Served:
    """Addresses of `apollobench view`."""

    static: str = "/static"
    overview: str = "/"

    def items(self, query: Mapping[str, object]) -> str:
        return _with("/items", "?", query)

    def item(self, number: int, query: Mapping[str, object]) -> str:
        return _with(f"/item/{number}", "?", query)

    def sheet(self, video: int, sheet: int) -> str:
        return f"/frames/{video}-{sheet}.webp"


@dataclass(frozen=True, slots=True)
class Files:
    """Files of a static report. up: the way from the page to the report's folder. per_page: items on a page."""

    up: str
    per_page: int

    @property
    def static(self) -> str:
        return f"{self.up}static"

    @property
    def overview(self) -> str:
        return f"{self.up}index.html"

    def items(self, query: Mapping[str, object]) -> str:
        return _with(f"{self.up}items.html", "#", query)

    def item(self, number: int, query: Mapping[str, object]) -> str:
        return f"{_with(f'{self.up}items/{self.file(number)}', '?', query)}#i{number}"

    def file(self, number: int) -> str:
        """The page that holds item `number`."""
        return f"{number // self.per_page:04}.html"

    def sheet(self, video: int, sheet: int) -> str:
        return f"{self.up}frames/{video}-{sheet}.webp"


def _with(path: str, mark: str, query: Mapping[str, object]) -> str:
    return f"{path}{mark}{urlencode(query)}" if query else path

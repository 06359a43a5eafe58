"""The beginning of a file, and what it shows of the format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.imports.archive import open_archive
from apollobench.imports.table import header
from apollobench.jsonfile import loads

START = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """start: the first characters. members: of a ZIP file. columns: of a table. first: the value of the first line."""

    start: str = ""
    members: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    first: Any = None

    @property
    def json(self) -> bool:
        return self.start.lstrip()[:1] in ("{", "[")


def sniff(path: Path) -> Head:
    """What the file begins with. Raises InputError for a file that is absent, empty or neither ZIP nor text."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with path.open("rb") as file:
        start = file.read(START)
    if start.startswith(b"PK\x03\x04"):
        with open_archive(path) as archive:
            return Head(members=tuple(archive.namelist()))
    text = start.decode("utf-8-sig", "ignore")
    if not text.strip() or "\0" in text:
        raise InputError(f"{path}: {'not text' if text.strip() else 'empty'}; expected a result file")
    if text.lstrip()[:1] in ("{", "["):
        try:
            first = loads(text.lstrip().split("\n", 1)[0])
        except ValueError:
            first = None
        return Head(text, first=first)
    return Head(text, columns=tuple(name.strip() for name in header(text)[1]))

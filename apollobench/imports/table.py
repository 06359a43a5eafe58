"""Tables in text: CSV and TSV, row by row, with the line that each begins on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from apollobench.errors import InputError
from apollobench.imports.rows import Fault, line_of

CELL_LIMIT = 1 << 24


def header(start: str) -> tuple[str, list[str]]:
    """The delimiter and the column names of a table that begins with `start`; no names where there is no table."""
    line = start.split("\n", 1)[0]
    delimiter = "\t" if "\t" in line else ","
    try:
        return delimiter, next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return delimiter, []


def read_table(path: Path) -> Iterator[tuple[str, dict[str, str] | Fault]]:
    """Every row with its place, as cells by column; a row with too few or too many cells is a fault.

    Raises InputError for what is no table in UTF-8, and for two columns of one name.
    """
    csv.field_size_limit(CELL_LIMIT)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline(CELL_LIMIT)
            file.seek(0)
            delimiter = "\t" if "\t" in first else ","
            yield from _rows(path, csv.reader(file, delimiter=delimiter, strict=True))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 at byte {error.start}; save the table as UTF-8") from error


def _rows(path: Path, reader: Iterator[list[str]]) -> Iterator[tuple[str, dict[str, str] | Fault]]:
    line = 1
    try:
        names = [name.strip() for name in next(reader, [])]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise InputError(f"{path}: column {sorted(twice)[0]!r} occurs more than once; rename or delete one")
        for cells in reader:
            number, line = line + 1, reader.line_num  # type: ignore[attr-defined]
            place = line_of(path, number)
            if not cells:
                continue
            if len(cells) != len(names):
                yield place, Fault(place, f"{len(cells)} cells, the header has {len(names)}")
            else:
                yield place, dict(zip(names, cells, strict=True))
    except csv.Error as error:
        raise InputError(f"{line_of(path, line + 1)}: not a row of a table ({error}); mend the file") from error

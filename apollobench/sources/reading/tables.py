"""Rows of the files in which annotations are published: Parquet, JSON, JSON lines and CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.jsonfile import load, loads
from apollobench.sources.reading.row import Row

Record = dict[str, Any] | str  # a row, or why it is none


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a table; a JSON file must be a list. A row that cannot be read carries its fault.

    Raises InputError naming a file that cannot be read.
    """
    if path.suffix not in READERS:
        raise InputError(f"{path}: a table's name must end in one of {', '.join(READERS)}")
    records = READERS[path.suffix](path)
    for number, record in enumerate(records):
        if isinstance(record, dict):
            yield Row(path, f"row {number}", number, record)
        else:
            yield Row(path, f"row {number}", number, {}, str(record))


def read_json(path: Path, kind: type) -> Any:
    """The content of a JSON file, which must be a list or a dict as `kind` says. Raises InputError naming the file."""
    content = load(path, "annotations in JSON; fetch the file again")
    if not isinstance(content, kind):
        raise InputError(f"{path}: found a {type(content).__name__} at the top, expected a {kind.__name__}")
    return content


def _json(path: Path) -> list[Record]:
    return [_record(value) for value in read_json(path, list)]


def _json_lines(path: Path) -> list[Record]:
    records: list[Record] = []
    for line in filter(bytes.strip, path.read_bytes().splitlines()):
        try:
            records.append(_record(loads(line)))
        except ValueError as error:
            records.append(str(error))
    return records


def _csv(path: Path) -> list[Record]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head, *lines = csv.reader(file, strict=True)
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 with a header ({error}); fetch the file again") from error
    width = len(head)
    return [
        dict(zip(head, fields, strict=True))
        if len(fields) == width
        else f"{len(fields)} fields, but the header names {width}"
        for fields in lines
        if fields
    ]


def _parquet(path: Path) -> list[Record]:
    from apollobench.parquetfile import read_rows

    return list(read_rows(path, "fetch the file again"))


def _record(value: Any) -> Record:
    return value if isinstance(value, dict) else f"found {str(value)[:60]!r}, expected names and values"


READERS: Mapping[str, Callable[[Path], list[Record]]] = {
    ".parquet": _parquet,
    ".json": _json,
    ".jsonl": _json_lines,
    ".csv": _csv,
}

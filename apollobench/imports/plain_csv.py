"""Plain CSV: columns model, item, and answer (text), choice (index from 0) or correct (0 or 1); mode may be added."""

from __future__ import annotations

from pathlib import Path

from apollobench.errors import InputError
from apollobench.imports.fields import IDS, Names, to_row
from apollobench.imports.rows import Fault, Rows
from apollobench.imports.sniff import Head
from apollobench.imports.table import read_table

ABOUT = "CSV of model, item, and answer, choice or correct (and mode)"
ANSWERS = ("answer", "choice", "correct")
NAMES = Names(answer=("answer",), choice=("choice",), key=("key",), lone_score=True)


def fits(head: Head) -> bool:
    columns = set(head.columns)
    return "model" in columns and bool(columns & set(IDS)) and bool(columns & set(ANSWERS))


def read(path: Path) -> Rows:
    for place, cells in read_table(path):
        if isinstance(cells, Fault):
            yield cells
            continue
        if not (cells.keys() & set(IDS) and cells.keys() & set(ANSWERS)):
            raise InputError(f"{path}: columns {', '.join(cells)}; expected model, item, and answer, choice or correct")
        given = {name: value if name in ("question", "options") else value.strip() for name, value in cells.items()}
        yield to_row({name: value or None for name, value in given.items()}, place, NAMES)

"""VLMEvalKit: xlsx or tsv of question, A, B, ..., answer (the key), prediction and, once scored, hit.

Its `index` is the row's number in its own copy of the data set, and no name of the item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.imports.archive import open_archive
from apollobench.imports.fields import Names, to_row
from apollobench.imports.rows import Fault, Row, Rows, line_of
from apollobench.imports.sniff import Head
from apollobench.imports.table import read_table

ABOUT = "xlsx or tsv of question, options, answer, prediction"
NAMES = Names(answer=("prediction",), key=("answer",))
FAILED = "Failed to obtain answer via API"


def fits(head: Head) -> bool:
    return "xl/workbook.xml" in head.members or {"prediction", "question"} <= set(head.columns)


def read(path: Path) -> Rows:
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    for place, cells in _workbook(path) if packed else read_table(path):
        if isinstance(cells, Fault):
            yield cells
            continue
        if not {"question", "prediction"} <= cells.keys():
            raise InputError(f"{path}: columns {', '.join(map(str, cells))}; expected question and prediction")
        row = to_row({name: None if value == "" else value for name, value in cells.items()}, place, NAMES)
        if isinstance(row, Row) and isinstance(row.answer, str) and FAILED in row.answer:
            row = replace(row, answer=None, correct=None, error=FAILED)
        yield row


def _workbook(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of the first sheet, streamed; every cell as text, as in a tsv."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise InputError(f"{path}: reading xlsx needs openpyxl; pip install 'apollobench[xlsx]'") from error
    with open_archive(path):
        pass
    try:
        with path.open("rb") as file:
            rows = load_workbook(file, read_only=True, data_only=True).worksheets[0].iter_rows(values_only=True)
            names = [str(name) for name in next(rows, ())]
            for number, cells in enumerate(rows, start=2):
                if any(cell is not None for cell in cells):
                    yield line_of(path, number), dict(zip(names, map(_cell, cells), strict=False))
    except Exception as error:  # the library raises whatever its parsers do
        raise InputError(f"{path}: not a workbook that can be read ({type(error).__name__}: {error})") from error


def _cell(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)

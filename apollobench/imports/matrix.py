"""A matrix of scores in CSV: a column of item ids, then one column per model with 1, 0, or nothing where not asked."""

from __future__ import annotations

from pathlib import Path

from apollobench.errors import InputError
from apollobench.imports.fields import IDS, truth
from apollobench.imports.rows import Fault, Row, Rows
from apollobench.imports.sniff import Head
from apollobench.imports.table import read_table

ABOUT = "CSV of one column of item ids and one column of 0 and 1 for each model"


def fits(head: Head) -> bool:
    first, *models = head.columns or [""]
    return first in IDS and bool(models) and not set(models) & {"model", "prediction", "answer", "question"}


def read(path: Path) -> Rows:
    for place, cells in read_table(path):
        if isinstance(cells, Fault):
            yield cells
            continue
        (name, item), *scores = cells.items()
        if name not in IDS or not scores:
            raise InputError(f"{path}: first column {name!r}; expected a column of item ids, then one per model")
        for model, cell in scores:
            score = truth(cell)
            if score is None and cell.strip():
                yield Fault(place, f"{model} has {cell[:80]!r}, expected 0, 1 or nothing")
            else:
                yield Row(place, model=model, ids=(item.strip(),), correct=score)

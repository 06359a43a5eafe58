"""Rows of Parquet files that may come from elsewhere: read whole, or refused by name."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from apollobench.errors import InputError

LIMIT = 4 << 30  # bytes that the values of a file may take once they are unpacked


def read_rows(
    path: Path, advice: str, schema: pa.Schema | None = None, full: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The rows of a file. schema: the columns that are wanted, of these types; those that are absent are null.

    full: those of them that must be there, with a value in every row. Raises InputError that names the file and the
    column, and ends in `advice`.
    """
    try:
        file = pq.ParquetFile(path)
        unpacked = sum(file.metadata.row_group(n).total_byte_size for n in range(file.num_row_groups))
        if unpacked > LIMIT:
            raise InputError(f"{path}: would take {unpacked:,} bytes of memory, more than {LIMIT:,}; {advice}")
        table = file.read()
        table.validate(full=True)
        rows: list[dict[str, Any]] = (table if schema is None else _as(schema, table, full, path, advice)).to_pylist()
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({error}); {advice}") from error
    return rows


def _as(schema: pa.Schema, table: pa.Table, full: Collection[str], path: Path, advice: str) -> pa.Table:
    columns = []
    for field in schema:
        found = table.column_names.count(field.name)
        if found > 1 or (not found and field.name in full):
            raise InputError(f"{path}: column {field.name} is there {found} times, expected once; {advice}")
        column = table.column(field.name) if found else pa.nulls(len(table), field.type)
        try:
            column = column.cast(field.type)
        except pa.ArrowException as error:
            told = f"column {field.name} is of type {column.type}, expected {field.type}"
            raise InputError(f"{path}: {told} ({error}); {advice}") from error
        if field.name in full and column.null_count:
            raise InputError(f"{path}: column {field.name} is empty in {column.null_count} rows; {advice}")
        columns.append(column)
    return pa.table(columns, names=schema.names)

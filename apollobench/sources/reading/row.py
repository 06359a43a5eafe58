"""One row of a file, column by column: each value is what it should be, or the row is malformed and says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollobench.types import LETTERS

DIGITS = 18  # of a number that still fits in 64 bits


class MalformedError(ValueError):
    """What is wrong with a row: the column, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Row:
    """label: how the row is found in its file. number: its place among the file's rows, counted from 0.

    fault: why it could not be read at all.
    """

    file: Path
    label: str
    number: int
    data: Mapping[str, Any]
    fault: str = ""

    @property
    def name(self) -> str:
        """An id for a row that has none: the file's name and the row's number."""
        return f"{self.file.stem}:{self.number}"

    def has(self, column: str) -> bool:
        return self.data.get(column) is not None

    def text(self, column: str) -> str:
        """Text, or a whole number as text, without spaces around it. Raises MalformedError when there is none."""
        found = _as_text(self.data.get(column))
        if not found:
            raise MalformedError(f"{column} is {self.data.get(column)!r}, expected text")
        return found

    def texts(self, column: str) -> list[str]:
        """A list of texts, of which some may be empty. Raises MalformedError for anything else."""
        values = self.data.get(column)
        found = [_as_text(value) for value in values] if isinstance(values, list | tuple) else [None]
        if None in found:
            raise MalformedError(f"{column} is {values!r}, expected a list of texts")
        return [text or "" for text in found]

    def cell(self, column: str) -> str:
        """Text that may be empty. Raises MalformedError for anything that is no text."""
        found = _as_text(self.data.get(column))
        if found is None:
            raise MalformedError(f"{column} is {self.data.get(column)!r}, expected text")
        return found

    def whole(self, column: str) -> int:
        """A whole number of at least 0, or its digits. Raises MalformedError for anything else."""
        value = self.data.get(column)
        text = _as_text(value)
        if text is None or not text.isdecimal() or len(text) > DIGITS:
            raise MalformedError(f"{column} is {value!r}, expected a whole number")
        return int(text)

    def number_of(self, column: str) -> float:
        """A finite number of at least 0. Raises MalformedError for anything else."""
        value = self.data.get(column)
        try:
            number = -1.0 if value is None or isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = -1.0
        if not 0 <= number < float("inf"):
            raise MalformedError(f"{column} is {value!r}, expected a number of at least 0")
        return number

    def letter(self, column: str) -> int:
        """The place that a letter means (A is 0). Raises MalformedError for anything but one capital letter."""
        value = self.text(column)
        if value not in LETTERS or len(value) != 1:
            raise MalformedError(f"{column} is {value!r}, expected a letter from A to {LETTERS[-1]}")
        return LETTERS.index(value)

    def labels(self, *columns: str) -> dict[str, str]:
        """Native labels as they are published, as text; lists are joined by commas. Absent ones are left out."""
        return {name: _as_label(self.data[name]) for name in columns if self.data.get(name) not in (None, "")}


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _as_label(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

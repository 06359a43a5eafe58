"""Markdown tables and numbers as text, alike in every report."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence

from apollobench.errors import InputError
from apollobench.stats.interval import Estimate


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; columns whose cells all begin like a number are aligned to the right.

    Raises ValueError for a row whose length is not the head's.
    """
    cells = [[_escaped(cell) for cell in row] for row in (head, *rows)]
    if any(len(row) != len(head) for row in cells):
        raise ValueError(f"every row needs {len(head)} cells")
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(head))]
    right = [bool(rows) and all(_numeric(row[i]) for row in cells[1:]) for i in range(len(head))]
    rule = [f"{'-' * (width - 1)}:" if is_right else "-" * width for width, is_right in zip(widths, right, strict=True)]
    lines = [_line(cells[0], widths, right), f"| {' | '.join(rule)} |"]
    return "\n".join([*lines, *(_line(row, widths, right) for row in cells[1:])])


def csv_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The same as CSV; figures come in full, nan and None as an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for row in rows:
        writer.writerow(["" if cell is None or cell != cell else cell for cell in row])
    return text.getvalue()


def pick(form: str, forms: Mapping[str, Callable[[], str]]) -> str:
    """The text in the form asked for. Raises InputError that lists the valid ones."""
    if form not in forms:
        raise InputError(f"unknown format {form!r}; valid: {', '.join(forms)}")
    return forms[form]()


def percent(value: float | None, digits: int = 1) -> str:
    """0.1234 as `12.3`; an unknown value as `-`."""
    return "-" if value is None or math.isnan(value) else f"{100 * value:.{digits}f}"


def with_interval(estimate: Estimate | None, *, signed: bool = False) -> str:
    """`61.2 (58.0 to 64.3)` in percent; without a finite interval the value alone."""
    if estimate is None or math.isnan(estimate.value):
        return "-"
    form = "+.1f" if signed else ".1f"
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return f"{100 * estimate.value:{form}}"
    return f"{100 * estimate.value:{form}} ({100 * estimate.low:{form}} to {100 * estimate.high:{form}})"


def figure(value: float, digits: int = 2) -> str:
    """A coefficient, as `0.83`; an unknown one as `-`."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def figure_with_interval(estimate: Estimate, digits: int = 2) -> str:
    """`0.83 (0.51 to 0.95)`; the value alone where there is no interval. A bootstrap without any spread gives none."""
    if not estimate.se or not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return figure(estimate.value, digits)
    return f"{figure(estimate.value, digits)} ({figure(estimate.low, digits)} to {figure(estimate.high, digits)})"


def in_range(bounds: tuple[float, float] | None, form: str) -> str:
    """`3 to 5`, one number where both are the same, `-` for None; `form` is a format specification."""
    if bounds is None:
        return "-"
    low, high = (format(bound, form) for bound in bounds)
    return low if low == high else f"{low} to {high}"


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
    return f"| {' | '.join(padded)} |"


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("\r", " ").replace("\n", " ")


def _numeric(cell: str) -> bool:
    return cell in ("-", "") or cell.lstrip("+-")[:1].isdigit()

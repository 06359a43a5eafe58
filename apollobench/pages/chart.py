"""Charts as inline SVG: where everything stands. The macros of `templates/chart.html` draw them, each with its table.

Horizontal places are percentages, so that a chart takes the width it is given and its text stays as large as others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from apollobench.report.tables import percent
from apollobench.stats.interval import Estimate

LEFT, WIDTH = 3.0, 94.0  # per cent of the drawing that the scale takes
NAME, LINE, GAP, AXIS = 20, 15, 10, 22  # pixels: of a row's name, of each mark, between rows, of the scale's labels


@dataclass(frozen=True, slots=True)
class Mark:
    """A value with its interval, or with the range of a spread and, as `box`, its quartiles. text: for the table."""

    series: int
    value: float
    low: float
    high: float
    text: str
    box: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A row of marks. reference: a value to compare with, such as chance."""

    name: str
    marks: tuple[Mark, ...]
    reference: float | None = None


@dataclass(frozen=True, slots=True)
class Intervals:
    """Rows of values with intervals over a common scale. note: says what the intervals are. unit: of the table."""

    title: str
    note: str
    series: tuple[str, ...]
    lines: tuple[Line, ...]
    low: float
    high: float
    step: float
    reference: str = ""
    head: str = "category"

    @property
    def ticks(self) -> list[float]:
        count = round((self.high - self.low) / self.step)
        return [self.low + i * self.step for i in range(count + 1)]

    @property
    def height(self) -> int:
        """Of the whole drawing, in pixels."""
        return sum(map(self._tall, self.lines)) + AXIS

    @property
    def tops(self) -> list[int]:
        """Where each row begins, in pixels from the top."""
        found = [0]
        for line in self.lines:
            found.append(found[-1] + self._tall(line))
        return found[:-1]

    def x(self, value: float) -> str:
        """The horizontal place of a value; what lies beyond the scale stands at its end."""
        inside = min(max(value, self.low), self.high)
        return f"{LEFT + WIDTH * (inside - self.low) / (self.high - self.low):.2f}%"

    def y(self, place: int) -> int:
        """The height of a row's mark number `place` below the row's top."""
        return NAME + LINE * place + LINE // 2

    @property
    def columns(self) -> list[str]:
        """Of the table, after the rows' names."""
        return [*([self.reference] if self.reference else []), *self.series]

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Of the table: name -> what each column says."""
        return [(line.name, self._cells(line)) for line in self.lines]

    def _cells(self, line: Line) -> list[str]:
        texts = {mark.series: mark.text for mark in line.marks}
        given = [texts.get(series, "-") for series in range(len(self.series))]
        return [percent(line.reference), *given] if self.reference else given

    def _tall(self, line: Line) -> int:
        return NAME + LINE * len(line.marks) + GAP


@dataclass(frozen=True, slots=True)
class Bars:
    """Rows of bars, each of stacked counts. lines: name -> one count for each of `series`."""

    title: str
    note: str
    series: tuple[str, ...]
    lines: tuple[tuple[str, tuple[int, ...]], ...]
    head: str = "category"

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Of the table: name -> its counts."""
        return [(name, [f"{count:,}" for count in counts]) for name, counts in self.lines]

    @property
    def height(self) -> int:
        return len(self.lines) * (NAME + LINE + GAP)

    @property
    def tops(self) -> list[int]:
        return [i * (NAME + LINE + GAP) for i in range(len(self.lines))]

    def spans(self, counts: Sequence[int]) -> list[tuple[str, str]]:
        """Start and width of each bar of a row."""
        most = max((sum(row) for _, row in self.lines), default=1) or 1
        starts = [sum(counts[:i]) for i in range(len(counts))]
        return [
            (f"{100 * start / most:.2f}%", f"{100 * count / most:.2f}%")
            for start, count in zip(starts, counts, strict=True)
        ]


def mark(series: int, estimate: Estimate | None, text: str) -> tuple[Mark, ...]:
    """The mark of an estimate; none where there is none, and no whiskers where its interval is not finite."""
    if estimate is None or math.isnan(estimate.value):
        return ()
    low, high = (bound if math.isfinite(bound) else estimate.value for bound in (estimate.low, estimate.high))
    return (Mark(series, estimate.value, low, high, text),)

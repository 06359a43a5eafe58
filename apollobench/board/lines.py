"""The leaderboard's rows by what they were measured on, with ranks where the answers behind them are at hand."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apollobench.content import content_path
from apollobench.evaluate.results import read_results
from apollobench.models.roster import RosterEntry, roster
from apollobench.report.contestants import contestants
from apollobench.report.leaderboard import Row, measured_row, read_leaderboard
from apollobench.stats.comparison import Standing, compare
from apollobench.types import Mode

NAMED = re.compile(r"(\d+(?:\.\d+)?) ?B\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the leaderboard and what is known beside it.

    billions: of parameters, by the roster or the model's name. licence: of the weights, by the roster. standing: among
    the results that were given for the same benchmark; None without answers to compare.
    """

    row: Row
    billions: float | None
    licence: str
    standing: Standing | None

    @property
    def overall(self) -> float:
        """In percent."""
        return float(self.row["overall"])


@dataclass(frozen=True, slots=True)
class Board:
    """Rows that may be compared: of one benchmark, and of one manifest where there is one; best first.

    shared: items that all who have a standing answered.
    """

    benchmark: str
    manifest: str
    lines: tuple[Line, ...]
    shared: int


def boards(results: Sequence[Path]) -> tuple[Board, ...]:
    """The shipped rows and those of `results` (folders that `eval` wrote).

    Raises InputError as `measured_row` does, and for results of one benchmark that cannot be compared.
    """
    measured = {directory: measured_row(directory) for directory in results}
    rows = [*read_leaderboard(content_path("leaderboard", "results.csv")), *measured.values()]
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["benchmark"], row["manifest"]), []).append(row)
    known = roster()
    return tuple(_board(name, manifest, members, measured, known) for (name, manifest), members in found.items())


def _board(
    name: str,
    manifest: str,
    rows: Sequence[Row],
    measured: Mapping[Path, Row],
    known: Mapping[str, RosterEntry],
) -> Board:
    """Rows of the same figure stay in the order in which they were given."""
    folders = [directory for directory, row in measured.items() if any(row is member for member in rows)]
    standings, shared = _standings(folders)
    lines = [
        Line(row, _billions(row["model"], known), _licence(row["model"], known), standings.get(row["model"]))
        for row in rows
    ]
    return Board(name, manifest, tuple(sorted(lines, key=lambda line: -line.overall)), shared)


def _standings(folders: Sequence[Path]) -> tuple[dict[str, Standing], int]:
    """By model; ranks are by the share of right answers in video mode, on the items that all of these answered."""
    models = {read_results(folder).model for folder in folders}
    if len(models) < 2 or len(models) < len(folders):
        return {}, 0
    matrix = contestants(folders, Mode.VIDEO)
    found = compare(matrix.scores, matrix.models, matrix.videos)
    return {standing.model: standing for standing in found.standings}, found.shared


def _billions(model: str, known: Mapping[str, RosterEntry]) -> float | None:
    entry = known.get(model)
    if entry is not None and entry.parameters:
        return entry.parameters / 1e9
    named = NAMED.search(model)
    return float(named[1]) if named else None


def _licence(model: str, known: Mapping[str, RosterEntry]) -> str:
    entry = known.get(model)
    return entry.licence if entry else ""


def size_text(billions: float | None) -> str:
    """`7B`, `1.5M`; empty where not known."""
    if billions is None:
        return ""
    value, letter = (billions, "B") if billions >= 0.1 else (billions * 1000, "M")
    return f"{round(value, 1 if value < 10 else 0):g}{letter}" if math.isfinite(value) else ""

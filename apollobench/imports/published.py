"""Tables of scores as papers and leaderboards print them: accuracies per mode, scores per benchmark, sizes of a study.

An empty cell, `-`, `--`, `nan` and `n/a` stand for a score that nobody reported. Everything else must be a number. Two
rows for one thing count once when they agree, and are refused when they do not.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.imports.rows import Fault
from apollobench.imports.table import read_table
from apollobench.types import Mode

if TYPE_CHECKING:
    import pandas as pd

NOT_REPORTED = ("", "-", "--", "nan", "n/a")
GROUP = ("group", "benchmark", "scenario")
SCORE = ("accuracy", "score")
UNITS = {"percent": 100.0, "share": 1.0}
MODES = {**{str(mode): mode for mode in Mode}, "image": Mode.FRAME}


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """A table as data, and what was done to read it, in sentences. families: of its rows, where it is one of models."""

    table: pd.DataFrame
    notes: tuple[str, ...]
    families: tuple[str, ...] = ()


def read_accuracies(path: Path, unit: str | None = None) -> Published:
    """A table of model, group (or benchmark), mode and accuracy, with or without n and chance; shares come out.

    unit: percent or share; without it the table must show which: percent when some accuracy is above 1, share when all
    lie in [0, 1]. Chance and the number of items of benchmarks known by name are filled in where the table has neither.
    Raises InputError naming the line of what cannot be read, and for a table whose unit is not clear.
    """
    notes: list[str] = []
    found: dict[tuple[str, ...], list[float]] = {}
    for place, row in _rows(path):
        key = (_cell(place, row, ("model",)), _cell(place, row, GROUP), str(_mode(place, row)))
        values = [_number(place, row, name) for name in (_column(place, row, SCORE), "n", "chance")]
        _once(found, key, values, place, notes)
    table = _frame(("model", "group", "mode"), ("accuracy", "n", "chance"), found)
    table["accuracy"] /= UNITS[_unit(path, table["accuracy"].tolist(), unit, notes)]
    _range(path, table)
    absent = table[table["accuracy"].isna()]
    notes.extend(f"{row.model} has no accuracy in {row.group}, {row.mode} mode" for row in absent.itertuples())
    table = table[table["accuracy"].notna()].reset_index(drop=True)
    if table.empty:
        raise InputError(f"{path}: holds no accuracy")
    return Published(_with_chance(table, notes), tuple(notes))


def read_scores(path: Path, mode: str = "video", columns: Sequence[str] = ()) -> Published:
    """Scores [models x benchmarks], nan where not reported, of a wide table (a row per model) or a long one.

    A long table has the columns model, benchmark and score (or accuracy); where it has a mode, that `mode` is taken. A
    wide one has the models in its first column and may have a column `family`. columns: the benchmarks to take.
    Raises InputError naming line and column of a cell that is no number.
    """
    notes: list[str] = []
    found: dict[tuple[str, ...], list[float]] = {}
    families: dict[str, str] = {}
    for place, row in _rows(path):
        if any(name in row for name in SCORE) and any(name in row for name in GROUP):
            if "mode" not in row or _mode(place, row) == mode:
                key = (_cell(place, row, ("model",)), _cell(place, row, GROUP))
                _once(found, key, [_number(place, row, _column(place, row, SCORE))], place, notes)
            continue
        first, *names = row
        model = _cell(place, row, (first,))
        families[model] = row.get("family", "").strip()
        for name in names:
            if name != "family" and (not columns or name in columns):
                _once(found, (model, name), [_number(place, row, name)], place, notes)
    if not found:
        raise InputError(f"{path}: holds no score{f' of {mode} mode' if mode else ''}")
    long = _frame(("model", "benchmark"), ("score",), found)
    wide = long.pivot(index="model", columns="benchmark", values="score")
    wide = wide[list(dict.fromkeys(long["benchmark"]))].loc[list(dict.fromkeys(long["model"]))]
    missing = [name for name in columns if name not in wide.columns]
    if missing:
        raise InputError(f"{path}: no column {missing[0]!r}; there are {', '.join(wide.columns)}")
    wide = wide[list(columns)] if columns else wide
    wide.columns.name = wide.index.name = None
    return Published(wide, tuple(dict.fromkeys(notes)), tuple(families.get(model) or model for model in wide.index))


def read_variants(path: Path) -> Published:
    """A table of llm, design_id, data_mixture and average, as `apollobench study` writes it; columns stay in its units.

    data_mixture, low and high (the interval of average), parameters and samples (training samples) may be absent.
    Raises InputError naming the line of what cannot be read.
    """
    notes: list[str] = []
    found: dict[tuple[str, ...], list[float]] = {}
    for place, row in _rows(path):
        mixture = row.get("data_mixture", "").strip()
        key = (_cell(place, row, ("llm",)), _cell(place, row, ("design_id",)), mixture, row.get("samples", "").strip())
        values = [_number(place, row, name, name == "average") for name in ("average", "low", "high", "parameters")]
        if "samples" in row and math.isnan(_number(place, row, "samples")):
            raise InputError(f"{place}: samples is empty; expected the number of training samples, as for every row")
        _once(found, key, values, place, notes)
    if not found:
        raise InputError(f"{path}: holds no variant")
    table = _frame(("llm", "design_id", "data_mixture", "samples"), ("average", "low", "high", "parameters"), found)
    absent = table[table["average"].isna()]
    notes.extend(
        f"{row.llm} has no average for design {row.design_id} {row.data_mixture}" for row in absent.itertuples()
    )
    table["samples"] = [float(text) if text else math.nan for text in table["samples"]]
    return Published(table[table["average"].notna()].reset_index(drop=True), tuple(notes))


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    if not path.is_file():
        raise InputError(f"{path}: no such table")
    for place, row in read_table(path):
        if isinstance(row, Fault):
            raise InputError(f"{place}: {row.reason}")
        yield place, row


def _column(place: str, row: dict[str, str], names: Sequence[str]) -> str:
    name = next((name for name in names if name in row), None)
    if name is None:
        raise InputError(f"{place}: no column {' or '.join(names)}; there are {', '.join(row)}")
    return name


def _cell(place: str, row: dict[str, str], names: Sequence[str]) -> str:
    name = _column(place, row, names)
    if not row[name].strip():
        raise InputError(f"{place}: {name} is empty")
    return row[name].strip()


def _mode(place: str, row: dict[str, str]) -> Mode:
    text = _cell(place, row, ("mode",))
    if text not in MODES:
        raise InputError(f"{place}: unknown mode {text!r}; valid: {', '.join(MODES)}")
    return MODES[text]


def _number(place: str, row: dict[str, str], name: str, required: bool = False) -> float:
    if name not in row:
        if required:
            raise InputError(f"{place}: no column {name}; there are {', '.join(row)}")
        return math.nan
    text = row[name].strip()
    if text.lower() in NOT_REPORTED:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if math.isinf(value):
        raise InputError(f"{place}: {name} is {text!r}, expected a number, or - where there is none")
    return value


def _once(
    found: dict[tuple[str, ...], list[float]], key: tuple[str, ...], values: list[float], place: str, notes: list[str]
) -> None:
    before = found.setdefault(key, values)
    if before is values:
        return
    what = ", ".join(filter(None, key))
    if str(before) != str(values):
        raise InputError(f"{place}: a second row for {what}: {values[0]:g}, before {before[0]:g}; keep one of them")
    notes.append(f"{key[0]} has a row twice with the same figures; it counts once")


def _frame(keys: Sequence[str], values: Sequence[str], found: dict[tuple[str, ...], list[float]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame([[*key, *row] for key, row in found.items()], columns=[*keys, *values])


def _unit(path: Path, accuracies: Sequence[float], unit: str | None, notes: list[str]) -> str:
    if unit is not None:
        if unit not in UNITS:
            raise InputError(f"unknown unit {unit!r}; valid: {', '.join(UNITS)}")
        return unit
    known = [value for value in accuracies if not math.isnan(value)]
    highest = max(known, default=0.0)
    between = [value for value in known if 0 < value < 1]
    if highest > 1 and between:
        raise InputError(
            f"{path}: accuracies such as {between[0]:g} and {highest:g}: percent or share? Say so with --unit"
        )
    told = "percent" if highest > 1 else "share"
    notes.append(f"accuracies read as {'percent' if highest > 1 else 'shares of 1'}: the highest is {highest:g}")
    return told


def _range(path: Path, table: pd.DataFrame) -> None:
    for name, high in (("accuracy", 1.0), ("chance", 1.0), ("n", math.inf)):
        wrong = table[(table[name] < 0) | (table[name] > high)]
        if len(wrong):
            row = wrong.iloc[0]
            where = f"{path}: {row['model']}, {row['group']}, {row['mode']}"
            raise InputError(f"{where}: {name} is {row[name]:g}, expected 0 to {high:g}")


def _with_chance(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Chance and n where neither is given and the benchmark is known; without both columns if nothing is known."""
    with content_path("curation", "paper", "benchmarks.csv").open(encoding="utf-8") as file:
        known = {row["benchmark"]: (float(row["n"]), float(row["chance"])) for row in csv.DictReader(file)}
    if table[["n", "chance"]].isna().all(axis=None):
        names = [name for name in dict.fromkeys(table["group"]) if name in known]
        for column, place in (("n", 0), ("chance", 1)):
            table[column] = [known[name][place] if name in known else math.nan for name in table["group"]]
        if names:
            notes.append(f"chance and number of items of {', '.join(names)} from curation/paper/benchmarks.csv")
    unknown = list(dict.fromkeys(table["group"][table["chance"].isna() | table["n"].isna()]))
    if unknown:
        notes.append(f"no chance or no number of items for {', '.join(unknown)}: not checked for accuracy below chance")
    return table

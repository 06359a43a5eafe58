"""The leaderboard: rows reported elsewhere, with their source, and rows scored here, with their manifest."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.evaluate.results import read_results
from apollobench.report.tables import markdown_table
from apollobench.types import CATEGORIES, Mode, Status
from apollobench.yamlfile import read_text

BASELINES = (Mode.TEXT, Mode.FRAME)
SCORES = (*CATEGORIES, "overall", "ci_low", "ci_high", *map(str, BASELINES))
COLUMNS = ("model", "kind", *SCORES, "n", "benchmark", "manifest", "source")
KINDS = ("reported", "measured", "imported")
Row = Mapping[str, str]


def export(form: str, results: Sequence[Path]) -> str:
    """The shipped rows and those of `results` (folders that `eval` wrote) as `csv` or `md`.

    Raises InputError for an unknown format, and for a result that is partial, failed in part, or damaged.
    """
    if form not in FORMATS:
        raise InputError(f"unknown format {form!r}; valid: {', '.join(FORMATS)}")
    measured = [measured_row(directory) for directory in results]
    return FORMATS[form]([*read_leaderboard(content_path("leaderboard", "results.csv")), *measured])


def read_leaderboard(path: Path) -> list[Row]:
    """The rows of a leaderboard file; figures in percent. Raises InputError naming line and column of a mistake."""
    reader = csv.DictReader(io.StringIO(read_text(path)))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InputError(f"{path}: the columns must be {', '.join(COLUMNS)}; found {reader.fieldnames}")
    return [_checked(row, f"{path}:{reader.line_num}") for row in reader]


def measured_row(directory: Path) -> Row:
    """A result of `eval` as a row: video mode, overall being the mean of the categories, with its interval.

    text, frame: the same mean without the video and from its center frame, where the result has those modes.

    Raises InputError when it covers only a part of the benchmark, when questions failed, or without video mode.
    """
    result = read_results(directory)
    ours = result.ours
    if ours["partial"]:
        raise InputError(
            f"{directory}: a partial result, {ours['items']} of {ours['size']} items with {ours['missing']} answers "
            f"missing; it cannot enter the leaderboard. Evaluate again without --limit"
        )
    video = ours["modes"].get(Mode.VIDEO)
    if video is None or video["macro"] is None:
        raise InputError(f"{directory}: no score in video mode for every category; evaluate with --mode video")
    failed = {status: video["statuses"][status] for status in (Status.ERROR, Status.UNSUPPORTED)}
    if any(failed.values()):
        told = ", ".join(f"{count} {status}" for status, count in failed.items() if count)
        raise InputError(f"{directory}: {told} answers in video mode; evaluate again until every item is answered")
    macro = video["macro"]
    scored = {name: estimate for name, estimate in video["categories"].items() if name in CATEGORIES and estimate}
    figures = {name: estimate["value"] for name, estimate in scored.items()}
    figures |= {"overall": macro["value"], "ci_low": macro["low"], "ci_high": macro["high"]}
    baselines = {mode: ours["modes"][mode]["macro"] for mode in BASELINES if mode in ours["modes"]}
    figures |= {str(mode): macro["value"] for mode, macro in baselines.items() if macro is not None}
    return dict.fromkeys(COLUMNS, "") | {
        "model": result.model,
        "kind": "imported" if ours.get("imported") else "measured",
        **{name: f"{100 * value:.1f}" for name, value in figures.items()},
        "n": str(macro["n"]),
        "benchmark": ours["task"],
        "manifest": ours["benchmark"],
        "source": _source(ours),
    }


def _source(ours: Mapping[str, Any]) -> str:
    """The weights that answered, or the files that another tool left."""
    if not ours.get("imported"):
        return f"apollobench {ours['version']}, weights {ours['model']['revision'][:12]}"
    files = ", ".join(f"{file['name']} {file['sha256'][:12]}" for file in ours["imported"]["files"])
    return f"another tool's run: {files}"


def as_csv(rows: Sequence[Row]) -> str:
    """The rows in their order."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_markdown(rows: Sequence[Row]) -> str:
    """One table per benchmark, best model first; scores of different manifests are never in one table."""
    boards: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        boards.setdefault((row["benchmark"], row["manifest"]), []).append(row)
    kinds = (
        "`reported`: copied from the source named. `measured`: computed here. "
        "`imported`: scored here, answered in another tool's run."
    )
    parts = ["# Leaderboard", f"In percent. {kinds}"]
    for (benchmark, manifest), members in boards.items():
        shown = [c for c in COLUMNS if c not in ("benchmark", "manifest") and any(row[c] for row in members)]
        ranked = sorted(members, key=lambda row: -float(row["overall"] or -math.inf))
        parts.append(f"## {benchmark}" + (f" (manifest {manifest})" if manifest else ""))
        parts.append(markdown_table(shown, [[row[c] for c in shown] for row in ranked]))
    return "\n\n".join(parts) + "\n"


FORMATS: dict[str, Callable[[Sequence[Row]], str]] = {"csv": as_csv, "md": as_markdown}


def _checked(row: Mapping[str | Any, str | Any], place: str) -> Row:
    if None in row or None in row.values():
        raise InputError(f"{place}: {len(COLUMNS)} cells expected")
    if row["kind"] not in KINDS:
        raise InputError(f"{place}: kind is {row['kind']!r}, expected {' or '.join(KINDS)}")
    needed = "source" if row["kind"] == "reported" else "manifest"
    for name in ("model", "benchmark", "overall", needed):
        if not row[name]:
            raise InputError(f"{place}: {name} is empty; a {row['kind']} row needs it")
    for name in (name for name in SCORES if row[name]):
        try:
            inside = 0 <= float(row[name]) <= 100
        except ValueError:
            inside = False
        if not inside:
            raise InputError(f"{place}: {name} is {row[name]!r}, expected a number from 0 to 100")
    return dict(row)

"""Writes the leaderboard as a folder that opens from disk: one page, its styles and scripts, and the data behind it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from apollobench.benchmark import MANIFEST, load_benchmark
from apollobench.board.lines import Board, Line, boards, size_text
from apollobench.board.records import Records
from apollobench.errors import InputError
from apollobench.pages.render import STATIC, page
from apollobench.report.leaderboard import as_csv
from apollobench.types import CATEGORIES

PAGE, DATA, MARK = "index.html", "results.csv", ".apollobench-site"
FILES = ("style.css", "board.css", "board.js")


def build(site: Path, results: Sequence[Path], benchmarks: Sequence[Path] = (), dataset: str | None = None) -> Path:
    """Writes the page of the shipped rows and of `results` into `site`; gives the page's path.

    benchmarks: folders whose manifest is put beside the page, for rows that were measured on them. dataset: id on the
    hub under which the benchmark is published, for `.eval_results` entries. A page that was built before is replaced.
    Raises InputError for a folder that holds something else, and as `boards` does.
    """
    if site.exists() and any(site.iterdir()) and not (site / MARK).is_file():
        raise InputError(f"{site}: holds something else than a leaderboard page; give an empty or new folder")
    found = boards(results)
    manifests = {benchmark.manifest_hash: benchmark.directory for benchmark in map(_published, benchmarks)}
    records = Records(results, dataset)
    site.mkdir(parents=True, exist_ok=True)
    (site / MARK).write_text("made by apollobench leaderboard build\n", encoding="utf-8")
    for name in FILES:
        shutil.copyfile(STATIC / name, site / name)
    for digest, directory in manifests.items():
        (site / "manifests").mkdir(exist_ok=True)
        shutil.copyfile(directory / MANIFEST, site / "manifests" / f"{digest}.json")
    records.write(site)
    lines = [line for board in found for line in board.lines]
    values = {
        "boards": [_board(board, manifests) for board in found],
        "kinds": sorted({line.row["kind"] for line in lines}),
        "licences": sorted({line.licence for line in lines if line.licence}),
        "data": DATA,
        "records": records.told,
    }
    (site / DATA).write_text(as_csv([line.row for line in lines]), encoding="utf-8")
    (site / PAGE).write_text(page("board/index.html", values, static="."), encoding="utf-8")
    return site / PAGE


def _published(directory: Path) -> Any:
    return load_benchmark(directory, needs_videos=False)


def _board(board: Board, manifests: Mapping[str, Path]) -> dict[str, Any]:
    """What the page's template puts into one table."""
    rows = [line.row for line in board.lines]
    categories = [name for name in CATEGORIES if any(row[name] for row in rows)]
    return {
        "benchmark": board.benchmark,
        "id": "".join(c if c.isalnum() else "-" for c in f"{board.benchmark}-{board.manifest[:8]}").strip("-"),
        "manifest": board.manifest,
        "manifest_file": f"manifests/{board.manifest}.json" if board.manifest in manifests else "",
        "categories": categories,
        "shared": board.shared,
        "kinds": len({row["kind"] for row in rows}),
        "ranked": any(line.standing for line in board.lines),
        "baselines": any(row["text"] or row["frame"] for row in rows),
        "sizes": any(line.billions for line in board.lines),
        "lines": [_line(number, line, categories) for number, line in enumerate(board.lines, 1)],
    }


def _line(number: int, line: Line, categories: Sequence[str]) -> dict[str, Any]:
    row, standing = line.row, line.standing
    rank = standing.rank if standing else None
    return {
        "number": number,
        "model": row["model"],
        "kind": row["kind"],
        "size": size_text(line.billions),
        "billions": line.billions,
        "licence": line.licence,
        "overall": float(row["overall"]),
        "low": _figure(row["ci_low"]),
        "high": _figure(row["ci_high"]),
        "text": _figure(row["text"]),
        "frame": _figure(row["frame"]),
        "categories": [_figure(row[name]) for name in categories],
        "n": row["n"],
        "source": row["source"],
        "rank": f"{rank.rank:g}" if rank else "",
        "rank_range": f"{rank.low:g} to {rank.high:g}" if rank else "",
        "rank_value": rank.rank if rank else number,
        "group": standing.group if standing else "",
        "told": _told(row),
    }


def _told(row: Mapping[str, str]) -> str:
    """What the row's drawing shows, for who cannot see it."""
    interval = f"95 % interval {row['ci_low']} to {row['ci_high']}" if row["ci_low"] else "no interval given"
    baselines = [f"{name} {row[key]}" for key, name in (("text", "text only"), ("frame", "one frame")) if row[key]]
    return ", ".join([row["overall"], interval, *baselines])


def _figure(text: str) -> float | None:
    return float(text) if text else None

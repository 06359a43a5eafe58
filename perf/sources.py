"""Times the reading of real annotation files into items: `python perf/sources.py ANNOTATIONS [--repeats 5]`.

ANNOTATIONS: a folder with one folder per source. Timed is all that `load_items` does with files at hand: parse,
validate every row, find repeats, make items. Packages are imported before. The best of the rounds counts.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from pathlib import Path

import pyarrow.parquet  # noqa: F401

from apollobench.report.tables import markdown_table
from apollobench.sources import load_items

READS: list[tuple[str, dict[str, str]]] = [
    ("egoschema", {}),
    ("longvideobench", {}),
    ("mlvu", {}),
    ("mlvu", {"split": "test"}),
    ("mvbench", {}),
    ("nextqa", {"split": "val"}),
    ("tempcompass", {"split": "multi-choice"}),
    ("tempcompass", {"split": "yes_no"}),
    ("tempcompass", {"split": "caption_matching"}),
]


def measure(root: Path, source: str, options: dict[str, str]) -> tuple[int, float, float]:
    """Items, seconds and CPU seconds of one reading; what it says of malformed rows is not shown."""
    start, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stderr(io.StringIO()):
        items = load_items(source, {**options, "skip_malformed": True}, root)
    return len(items), time.perf_counter() - start, time.process_time() - cpu


def row(name: str, rounds: list[list[tuple[int, float, float]]]) -> list[str]:
    items = sum(count for count, _, _ in rounds[0])
    wall = min(sum(seconds for _, seconds, _ in each) for each in rounds)
    cpu = min(sum(used for _, _, used in each) for each in rounds)
    return [name, f"{items:,}", f"{items / wall:,.0f}", f"{items / cpu:,.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    rounds = [[measure(arguments.annotations, *read) for read in READS] for _ in range(arguments.repeats)]
    rows = []
    for number, (source, options) in enumerate(READS):
        rows.append(row(" ".join([source, *options.values()]), [[each[number]] for each in rounds]))
    rows.append(row("all", rounds))
    print(markdown_table(["source", "items", "items/s", "items/s of CPU"], rows))


if __name__ == "__main__":
    main()

"""Which files to examine, and how many items hang on each: from sources, a benchmark, or files and folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from apollobench.arguments import items_of_sources
from apollobench.benchmark import absolute, load_benchmark
from apollobench.errors import InputError
from apollobench.types import Item

# What counts as a video in a folder; a file that is named itself is examined whatever it is called.
SUFFIXES = (
    ".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv",
    ".ts", ".vob", ".webm", ".wmv",
)  # fmt: skip


def files_of_sources(names: str, data_root: Path) -> Counter[Path]:
    """The videos of every item of the sources (separated by commas): file -> number of items.

    Raises InputError as `items_of_sources` does.
    """
    return _count(items_of_sources(names, data_root))


def files_of_benchmark(directory: Path, data_root: Path | None) -> Counter[Path]:
    """The videos of a benchmark's items: file -> number of items. Raises InputError as `load_benchmark` does."""
    return _count(load_benchmark(directory, data_root).items)


def files_in(places: Iterable[Path]) -> Counter[Path]:
    """Files as they are named, and the videos in folders at any depth, with no items on them.

    Raises InputError for a place that does not exist, and for a folder without a video.
    """
    found: Counter[Path] = Counter()
    for place in map(absolute, places):
        if not place.exists():
            raise InputError(f"{place}: no such file or folder; check the path")
        inside = [place]
        if place.is_dir():
            inside = sorted(p for p in place.rglob("*") if p.suffix.lower() in SUFFIXES and not p.is_dir())
        if not inside:
            raise InputError(f"{place}: no video in this folder; looked for {' '.join(SUFFIXES)}")
        found.update(dict.fromkeys(inside, 0))
    return found


def common_folder(files: Iterable[Path]) -> Path:
    """The deepest folder that holds all of `files`."""
    return Path(os.path.commonpath([path.parent for path in files]))


def _count(items: Iterable[Item]) -> Counter[Path]:
    return Counter(absolute(item.video.path) for item in items)

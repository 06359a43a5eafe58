"""A published directory: its files, and reading one that is complete and unchanged.

SHA256SUMS is written last. Its existence says that the directory is complete, its content that nothing changed since.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollobench.benchmark import FULL, MANIFEST, file_sha256, read_manifest
from apollobench.errors import InputError
from apollobench.manifest import About, Part
from apollobench.parquetfile import read_rows
from apollobench.publish.rows import CONTENT, PUBLISHED, Row
from apollobench.schema import check
from apollobench.yamlfile import read_text

FORMAT = 1
ITEMS, DROPPED = "data/items.parquet", "data/dropped.parquet"
CARD, BENCHMARK_CARD, LICENCES = "README.md", "BENCHMARK.md", "LICENSE.md"
CROISSANT, EVALUATION, SUMS = "croissant.json", "eval.yaml", "SHA256SUMS"
KNOWN = ("id", "source", "withheld", "fingerprint")  # of every row, withheld or not
FILES = (ITEMS, DROPPED, CARD, BENCHMARK_CARD, LICENCES, CROISSANT, EVALUATION, MANIFEST, SUMS)


class ReadAs(Part):
    name: str
    options: dict[str, int | float | bool | str]


class Source(Part):
    read_as: tuple[ReadAs, ...]
    fingerprint: str


class Published(Part):
    """What of a published manifest is relied on."""

    name: str
    version: str
    benchmark: About
    sources: dict[str, Source]


@dataclass(frozen=True, slots=True)
class Publication:
    """A complete published directory. items, dropped: rows of `apollobench.publish.rows.PUBLISHED`."""

    directory: Path
    manifest: Mapping[str, Any]
    items: tuple[Row, ...]
    dropped: tuple[Row, ...]

    @property
    def benchmark(self) -> Mapping[str, Any]:
        """The manifest of the benchmark that was published, but for its place."""
        found: Mapping[str, Any] = self.manifest["benchmark"]
        return found


def load_publication(directory: Path) -> Publication:
    """Reads what `publish` wrote. Raises InputError naming the file that is missing, changed or unreadable."""
    _check_sums(directory)
    path = directory / MANIFEST
    manifest = read_manifest(path, FORMAT)
    check(manifest, str(path), Published, advice="this is not the manifest of a published dataset; publish it again")
    dropped = _rows(directory / DROPPED) if (directory / DROPPED).is_file() else ()
    return Publication(directory, manifest, _rows(directory / ITEMS), dropped)


def claim(folder: Path, names: Collection[str], benchmark: str, what: str) -> None:
    """Checks that `what`, of the named benchmark, may be written into a folder in files of these names.

    Raises InputError when the folder holds other files (hidden ones aside, such as those of git), or another benchmark.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file; choose a folder")
    there = (path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else ()
    relative = (path.relative_to(folder) for path in there)
    visible = sorted(path.as_posix() for path in relative if not any(part.startswith(".") for part in path.parts))
    foreign = [name for name in visible if name.removesuffix(".part") not in names]
    if foreign:
        raise InputError(
            f"{folder}: holds {len(foreign)} files that are not of {what}, such as {foreign[0]}; choose another folder"
        )
    held = _held(folder / MANIFEST)
    if held not in (None, benchmark):
        raise InputError(f"{folder}: holds {held}, which {what} of {benchmark} would replace; choose another folder")


def _held(manifest: Path) -> str | None:
    try:
        return str(json.loads(manifest.read_bytes())["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_sums(directory: Path) -> None:
    sums = directory / SUMS
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory")
    if not sums.is_file():
        begun = [name for name in FILES if (directory / name).exists()]
        state = f"half-written, {begun[0]} is there but {SUMS} is not" if begun else f"no published dataset, no {SUMS}"
        raise InputError(f"{directory}: {state}; make one with `apollobench publish`, or fetch it again")
    for line in read_text(sums).splitlines():
        expected, _, name = line.partition("  ")
        path = directory / name
        if not path.is_file():
            raise InputError(f"{path}: missing; the published dataset is damaged. Publish it again, or fetch it again")
        if file_sha256(path) != expected:
            raise InputError(
                f"{path}: its content changed after it was published (its hash is not that in {SUMS}). "
                f"Publish it again, or fetch it again"
            )


def _rows(path: Path) -> tuple[Row, ...]:
    rows = tuple(read_rows(path, "publish it again", PUBLISHED, KNOWN))
    for row in rows:
        lacking = [name for name in FULL if row[name] is None and not (row["withheld"] and name in CONTENT)]
        if lacking:
            raise InputError(f"{path}: {row['id']}: {lacking[0]} is empty; publish it again")
    return rows

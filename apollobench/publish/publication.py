"""A published directory: its files, and reading one that is complete and unchanged.

SHA256SUMS is written last. Its existence says that the directory is complete, its content that nothing changed since.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from apollobench.benchmark import MANIFEST, file_sha256
from apollobench.errors import InputError
from apollobench.publish.rows import Row

FORMAT = 1
ITEMS, DROPPED = "data/items.parquet", "data/dropped.parquet"
CARD, BENCHMARK_CARD, LICENCES = "README.md", "BENCHMARK.md", "LICENSE.md"
CROISSANT, EVALUATION, SUMS = "croissant.json", "eval.yaml", "SHA256SUMS"
FILES = (ITEMS, DROPPED, CARD, BENCHMARK_CARD, LICENCES, CROISSANT, EVALUATION, MANIFEST, SUMS)


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
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        version = manifest["format"]
        lacking = [key for key in ("name", "benchmark", "sources") if key not in manifest]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not the manifest of a published dataset ({error!r}); publish it again") from error
    if lacking:
        raise InputError(f"{path}: not the manifest of a published dataset, it lacks {', '.join(lacking)}")
    if version != FORMAT:
        raise InputError(f"{path}: format {version}, but this version of apollobench reads format {FORMAT}")
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
    for line in sums.read_text(encoding="utf-8").splitlines():
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
    try:
        return tuple(pq.ParquetFile(path).read().to_pylist())
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: cannot be read as Parquet ({error}); publish it again") from error

"""The benchmark on disk: items.parquet, dropped.parquet, a card, and manifest.json, written last.

The manifest's existence says that the directory is complete, and its hashes say that nothing changed since. Videos are
not part of it: items name them relative to a media root, which whoever uses the benchmark may set.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.jsonfile import load, load_object
from apollobench.manifest import Manifest
from apollobench.parquetfile import read_rows
from apollobench.schema import check
from apollobench.types import CATEGORIES, FLAWS, NEEDS, Item, Mode, Truth, Video, digest

FORMAT = 1
MANIFEST, ITEMS, DROPPED, CARD = "manifest.json", "items.parquet", "dropped.parquet", "README.md"
OF_THE_PLACE = ("media_root", "files")
TRUTHS = frozenset((needs, flaw) for needs in NEEDS for flaw in FLAWS)
Evidence = Mapping[Mode, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of the pool as it is stored.

    category_from: provenance of the category. score: what the selection ranked by. evidence: per mode, how many of the
    panel were right of how many that voted, as the filter counts votes. media: content hash of the video. rule,
    version, reason: what left the item out, and why; empty for an item of the benchmark. tests, q: where the filter
    tests, per mode its p-value and posterior probability, and the false discovery rate at which the item is dropped.
    """

    item: Item
    category_from: str = ""
    score: float | None = None
    evidence: Evidence = field(default_factory=dict)
    media: str = ""
    rule: str = ""
    version: int = 0
    reason: str = ""
    tests: Mapping[Mode, tuple[float, float]] = field(default_factory=dict)
    q: float | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A complete benchmark. manifest_hash: what `identity` makes of the manifest, which scores refer to."""

    directory: Path
    items: tuple[Item, ...]
    manifest: Mapping[str, Any]
    manifest_hash: str

    @property
    def name(self) -> str:
        return str(self.manifest["name"])


def write_benchmark(
    directory: Path,
    kept: Sequence[Entry],
    dropped: Sequence[Entry],
    about: Mapping[str, Any],
    card: str,
    *,
    needs_videos: bool = True,
) -> Benchmark:
    """Writes a benchmark, the manifest last and atomically. An older one in the same place is replaced.

    about: what the manifest says beside format, items, files and media root (recipe, panel, counts, ...); needs `name`.
    needs_videos: whether one at least has to be at hand, as in `load_benchmark`.
    Raises InputError when there is nothing to write, and when an item has no category.
    """
    if not kept:
        raise InputError(f"{directory}: no items; an empty benchmark is not written")
    for entry in kept:
        if entry.item.category not in CATEGORIES:
            raise InputError(f"{entry.item.id}: category {entry.item.category!r} is not one of {', '.join(CATEGORIES)}")
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MANIFEST).unlink(missing_ok=True)
    root = _common_folder([entry.item.video.path for entry in (*kept, *dropped)])
    _write_parquet(directory / ITEMS, kept, root)
    _write_parquet(directory / DROPPED, dropped, root)
    replace_file(directory / CARD, card)
    manifest = {
        "format": FORMAT,
        **about,
        "items": {"count": len(kept), "fingerprint": items_fingerprint([entry.item for entry in kept])},
        "media_root": Path(os.path.relpath(root, directory)).as_posix(),
        "files": {name: file_sha256(directory / name) for name in (ITEMS, DROPPED, CARD)},
    }
    replace_file(directory / MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return load_benchmark(directory, data_root=root, needs_videos=needs_videos)


def load_benchmark(directory: Path, data_root: Path | None = None, *, needs_videos: bool = True) -> Benchmark:
    """Reads a benchmark and verifies its hashes. data_root: where the videos are, if not where the manifest says.

    needs_videos: whether it is going to be shown to a model. Raises InputError naming the file that is missing or
    changed, and when not one of the videos that are needed is where it should be. Single missing videos are left to
    the runner, which gives them a status.
    """
    manifest = _read_manifest(directory)
    for name, expected in manifest["files"].items():
        path = directory / name
        if not path.is_file():
            raise InputError(f"{path}: missing; the benchmark is damaged. Curate it again, or fetch it again")
        if file_sha256(path) != expected:
            raise InputError(
                f"{path}: its content changed after the benchmark was written (its hash is not the manifest's). "
                f"Curate it again, or fetch it again"
            )
    root = absolute(data_root or directory / manifest["media_root"])
    items = tuple(entry.item for entry in read_entries(directory / ITEMS, root))
    if needs_videos and not any(item.video.path.is_file() for item in items):
        raise InputError(
            f"{directory}: none of its {len(items)} items has its video under {root}; the first, {items[0].id}, needs "
            f"{items[0].video.path}. Say where the videos are with --data_root DIR"
        )
    return Benchmark(directory, items, manifest, identity(manifest))


def read_entries(path: Path, root: Path) -> list[Entry]:
    """The rows of items.parquet or dropped.parquet; `root` is the media root."""
    return [from_row(row, root, path) for row in read_rows(path, "curate the benchmark again", SCHEMA, FULL)]


def identity(manifest: Mapping[str, Any]) -> str:
    """Hash of what a benchmark is, in hex: of its manifest but for where the videos lie and how the files are encoded.

    A benchmark that was published and rebuilt elsewhere is the same one, and scores on either can be compared.
    """
    return digest({key: value for key, value in manifest.items() if key not in OF_THE_PLACE})


def items_fingerprint(items: Sequence[Item]) -> str:
    """Hash of what is asked, of the keys and of the categories, in whatever order the items stand."""
    return digest(sorted([item.fingerprint, item.answer, item.category] for item in items))


SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("category", pa.string()),
        ("category_from", pa.string()),
        ("question", pa.string()),
        ("context", pa.string()),
        ("options", pa.list_(pa.string())),
        ("answer", pa.int8()),
        ("video_id", pa.string()),
        ("video", pa.string()),
        ("media", pa.string()),
        ("licence", pa.string()),
        ("native", pa.string()),
        ("needs", pa.string()),
        ("flaw", pa.string()),
        ("score", pa.float64()),
        *((f"{mode}_{count}", pa.int32()) for mode in Mode for count in ("right", "votes")),
        *((f"{mode}_{value}", pa.float64()) for mode in Mode for value in ("p", "posterior")),
        ("q", pa.float64()),
        ("rule", pa.string()),
        ("version", pa.int16()),
        ("reason", pa.string()),
    ]
)


# What every row has, but for one that a publication withholds.
FULL = (
    "id", "category_from", "question", "options", "answer", "video_id", "video", "media", "licence", "native", "rule",
    "version", "reason",
)  # fmt: skip


def to_row(entry: Entry, root: Path) -> dict[str, Any]:
    """An entry as SCHEMA has it; its video must lie below `root`."""
    item, truth = entry.item, entry.item.truth
    row: dict[str, Any] = {
        "id": item.id,
        "category": item.category,
        "category_from": entry.category_from,
        "question": item.question,
        "context": item.context or None,
        "options": list(item.options),
        "answer": item.answer,
        "video_id": item.video.id,
        "video": absolute(item.video.path).relative_to(root).as_posix(),
        "media": entry.media,
        "licence": item.licence,
        "native": json.dumps(dict(item.native), sort_keys=True, ensure_ascii=False),
        "needs": truth.needs if truth else None,
        "flaw": truth.flaw if truth else None,
        "score": entry.score,
        "q": entry.q,
        "rule": entry.rule,
        "version": entry.version,
        "reason": entry.reason,
    }
    for mode, (right, votes) in entry.evidence.items():
        row |= {f"{mode}_right": right, f"{mode}_votes": votes}
    for mode, (p, posterior) in entry.tests.items():
        row |= {f"{mode}_p": p, f"{mode}_posterior": posterior}
    return row


def from_row(row: Mapping[str, Any], root: Path, file: Path = Path(ITEMS)) -> Entry:
    """The entry that `to_row` made a row of. root: the media root, or any where the row has an absolute path.

    Raises InputError naming the `file` and the item that is none.
    """
    if not 0 <= row["answer"] < len(row["options"]) or None in row["options"]:
        raise InputError(f"{file}: {row['id']}: its answer is number {row['answer']} of the options {row['options']}")
    if row["needs"] is not None and (row["needs"], row["flaw"]) not in TRUTHS:
        raise InputError(f"{file}: {row['id']}: needs is {row['needs']!r} and flaw is {row['flaw']!r}")
    item = Item(
        id=row["id"],
        question=row["question"],
        options=tuple(row["options"]),
        answer=row["answer"],
        video=Video(row["video_id"], root / row["video"]),
        category=row["category"],
        native=_labels(row, file),
        licence=row["licence"],
        truth=Truth(row["needs"], row["flaw"]) if row["needs"] else None,
        context=row.get("context") or "",
    )
    evidence = {m: (row[f"{m}_right"], row[f"{m}_votes"]) for m in Mode if row[f"{m}_votes"] is not None}
    return Entry(
        item=item,
        category_from=row["category_from"],
        score=row["score"],
        evidence=evidence,
        media=row["media"],
        rule=row["rule"],
        version=row["version"],
        reason=row["reason"],
        tests={m: (row[f"{m}_p"], row[f"{m}_posterior"]) for m in Mode if row.get(f"{m}_p") is not None},
        q=row.get("q"),
    )


def _labels(row: Mapping[str, Any], file: Path) -> dict[str, str]:
    try:
        found = load_object(row["native"])
    except ValueError as error:
        raise InputError(f"{file}: {row['id']}: its native labels: {error}") from error
    if not all(isinstance(value, str) for value in found.values()):
        raise InputError(f"{file}: {row['id']}: its native labels are {found!r:.200}, expected texts")
    return found


def _read_manifest(directory: Path) -> dict[str, Any]:
    path = directory / MANIFEST
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory; make a benchmark with `apollobench curate`")
    if not path.is_file():
        begun = [name for name in (ITEMS, DROPPED, "responses") if (directory / name).exists()]
        if begun:
            raise InputError(
                f"{directory}: half-written, {begun[0]} is there but {MANIFEST} is not. "
                f"Run the same curate command again; it carries on where it stopped"
            )
        raise InputError(f"{directory}: not a benchmark, it has no {MANIFEST}; make one with `apollobench curate`")
    manifest = read_manifest(path, FORMAT)
    if "benchmark" in manifest:
        raise InputError(f"{directory}: a published dataset; make a benchmark of it with `apollobench rebuild`")
    check(manifest, str(path), Manifest, advice="it is damaged; curate the benchmark again, or fetch it again")
    return manifest


def read_manifest(path: Path, version: int) -> dict[str, Any]:
    """The object in a manifest of this version of its format. Raises InputError naming the file."""
    manifest = load(path, "the manifest of a benchmark; it is damaged, curate the benchmark again, or fetch it again")
    if not isinstance(manifest, dict) or "format" not in manifest:
        raise InputError(f"{path}: damaged, it tells no format; curate the benchmark again, or fetch it again")
    if manifest["format"] != version:
        told = f"format {manifest['format']!r:.80}"
        raise InputError(f"{path}: {told}, but this version of apollobench reads format {version}")
    return manifest


def _write_parquet(path: Path, entries: Sequence[Entry], root: Path) -> None:
    part = path.with_suffix(".part")
    pq.write_table(pa.Table.from_pylist([to_row(entry, root) for entry in entries], schema=SCHEMA), part)
    part.replace(path)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _common_folder(paths: Sequence[Path]) -> Path:
    return Path(os.path.commonpath([absolute(path).parent for path in paths]))


def is_benchmark(path: Path) -> bool:
    """Whether `path` is a folder of a benchmark, be it half-written."""
    return (path / MANIFEST).is_file() or (path / ITEMS).is_file()


def absolute(path: Path) -> Path:
    """Absolute and without `..`, but with its symbolic links: a media folder may be made of them."""
    return Path(os.path.abspath(path))  # noqa: PTH100

"""Where a source's files lie on this machine, or come from: the lookup order, and what is said when nothing is there.

Annotations: the option `data`, else `ROOT/SOURCE`, `$APOLLOBENCH_DATA/SOURCE`, the hub's cache (where lmms-eval leaves
them, too), the hub. Media: the option `videos`, else the layout that lmms-eval leaves, under the first of ROOT,
`$APOLLOBENCH_DATA` and `$HF_HOME` that has it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from apollobench.errors import InputError
from apollobench.hub import HUB_ID, cached, fetch
from apollobench.sources.base import NotAtHandError, Size
from apollobench.sources.reading.tables import READERS

SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.")
ENVIRONMENT = "APOLLOBENCH_DATA"
VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".mov", ".avi")


@dataclass(frozen=True, slots=True)
class Split:
    """One part of a benchmark as it is published.

    files: ways in which its annotations are laid out, that of the hub first; each is a tuple of name patterns that
    belong together. videos: their folder under a data root. hub: ids of data sets, today's first. media: patterns of
    the names that hold the videos there: archives, or the videos themselves. media_hub: where the hub has videos only.
    size: as published.
    """

    files: tuple[tuple[str, ...], ...]
    videos: str
    hub: tuple[str, ...] = ()
    revision: str | None = None
    media: tuple[str, ...] = ()
    media_hub: tuple[str, ...] = ()
    size: Size | None = None


def find_annotations(source: str, split: Split, data: str | None, root: Path, home: str) -> list[Path]:
    """The annotation files of a split. data: a file, a folder or a hub id to take them from, and from nowhere else.

    Raises NotAtHandError that says where was looked, and the ways to get them.
    """
    if data is not None:
        return _given(source, split, data)
    folders = [base / source for base in data_roots(root)[:-1]]
    for folder in folders:
        if found := _in_folder(folder, split.files):
            return found
    hub_files = split.files[:1]
    for hub_id in split.hub:
        snapshot = cached(hub_id, split.revision, files=_patterns(split), kind="dataset")
        if snapshot and (found := _in_folder(snapshot, hub_files)):
            return found
    reason = "its files are not on the hub"
    if split.hub:
        try:
            return _from_hub(split.hub[0], split)
        except InputError as error:
            reason = f"{split.hub[0]} on the hub: {error}"
    raise NotAtHandError(_nowhere(source, split, folders, reason, home))


def data_roots(root: Path) -> list[Path]:
    """Folders under which media may lie, in the order of lookup; the last is that of lmms-eval."""
    given = os.environ.get(ENVIRONMENT)
    home = os.environ.get("HF_HOME", "~/.cache/huggingface")
    return [root, *([Path(given)] if given else []), Path(home).expanduser()]


def media_folder(layout: str, root: Path) -> Path:
    """The folder of a source's media: the first that exists, else the one that should be under `root`."""
    places = [base / layout for base in data_roots(root)]
    return next((place for place in places if place.is_dir()), places[0]).absolute()


class Media:
    """Paths below a folder. A video of the same name with another suffix (.MP4, .mkv) stands in for one not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._names: dict[str, dict[str, str]] = {}

    def path(self, file: str) -> Path:
        folder, name = os.path.split(f"{self._folder}/{file}")
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = _videos_in(folder)
        return Path(folder, name if name in names else names.get(_stem(name), name))


def _given(source: str, split: Split, data: str) -> list[Path]:
    place = Path(data).expanduser()
    if place.is_file():
        return [place]
    if place.is_dir():
        if found := _in_folder(place, split.files):
            return found
        raise InputError(f"source {source}: {place} holds no {_described(split)}")
    if HUB_ID.fullmatch(data):
        return _from_hub(data, split)
    raise InputError(f"source {source}: data: {data} is neither a file nor a folder, nor OWNER/DATASET of the hub")


def _from_hub(hub_id: str, split: Split) -> list[Path]:
    folder = fetch(hub_id, split.revision, files=_patterns(split), kind="dataset")
    found = _in_folder(folder, split.files[:1])
    if not found:
        raise InputError(f"it has no {' + '.join(split.files[0])}")
    return found


def _patterns(split: Split) -> list[str]:
    return [pattern for name in split.files[0] for pattern in (name, f"*/{name}")]


def _in_folder(folder: Path, ways: Sequence[tuple[str, ...]]) -> list[Path]:
    """The files of the first way that is there. Raises InputError when it is there in part, or in several folders."""
    names = [
        path.relative_to(folder).as_posix()
        for place, _, files in os.walk(folder)
        for file in files
        if (path := Path(place, file)).suffix in READERS
    ]
    for patterns in ways:
        found = {pattern: sorted(name for name in names if _ends_like(name, pattern)) for pattern in patterns}
        missing = [pattern for pattern, matches in found.items() if not matches]
        if len(missing) == len(patterns):
            continue
        if missing:
            raise InputError(f"{folder}: {', '.join(missing)} of the annotations is missing; fetch the files again")
        matches = [name for each in found.values() for name in each]
        if len({os.path.dirname(name) for name in matches}) > 1:  # noqa: PTH120
            raise InputError(f"{folder}: annotations in several places ({', '.join(matches)}); name one in option data")
        _expect_every_shard(folder, matches)
        return [folder / name for name in matches]
    return []


def _ends_like(name: str, pattern: str) -> bool:
    return fnmatchcase(f"/{name}", f"*/{pattern}")


def _expect_every_shard(folder: Path, names: Sequence[str]) -> None:
    """Of a table in several files, `-00000-of-00002` and so on, all must be there."""
    shards = [shard for name in names if (shard := SHARD.search(name))]
    there = {int(shard[1]) for shard in shards}
    absent = [number for shard in shards for number in range(int(shard[2])) if number not in there]
    if absent:
        raise InputError(f"{folder}: {shards[0].string} is one of {shards[0][2]} files, number {absent[0]} is missing")


def _nowhere(source: str, split: Split, folders: Sequence[Path], reason: str, home: str) -> str:
    included = " ".join(f"--include '*{name}'" for name in split.files[0][:1])
    ways = [
        f"get the files of {home} and put them into {folders[0]}",
        "name a file, a folder or a hub id in the source's option data",
        f"say with --data_root, or in the environment as {ENVIRONMENT}, in which folder {source}/ lies",
    ]
    if split.hub:
        ways.insert(0, f"download them: hf download {split.hub[0]} --repo-type dataset {included}")
    listed = "\n".join(f"  {way}" for way in ways)
    return (
        f"source {source}: its annotations are not at hand: {_described(split)}; looked in "
        f"{', '.join(map(str, folders))}, the hub's cache, and {reason}. Either\n{listed}"
    )


def _described(split: Split) -> str:
    return " or ".join(f"{way[0]}{' and so on' if len(way) > 1 else ''}" for way in split.files)


def _videos_in(folder: str) -> dict[str, str]:
    """The videos of a folder by their names with and without suffix."""
    listed = sorted(os.listdir(folder)) if os.path.isdir(folder) else []  # noqa: PTH112, PTH208
    videos = [name for name in listed if name.lower().endswith(VIDEO_SUFFIXES)]
    return {key: name for name in videos for key in (_stem(name), name)}


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]  # noqa: PTH122

"""What is here, what lies in archives here, and what has to come from the hub: decided before one video is moved."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from apollobench.errors import InputError
from apollobench.fetching.archives import Member, is_archive, is_compressed, joined, read_members
from apollobench.fetching.stores import Joined, LocalFile, OnHub, Store
from apollobench.fetching.transfer import Task, whole
from apollobench.hub import NotOnHubError, cached, list_files
from apollobench.sources.base import Supply
from apollobench.sources.reading.places import VIDEO_SUFFIXES, Media, data_roots

KEPT = ".fetch"  # folder under the data root of what fetching itself keeps: indexes of archives, a lock
INDEXES = 8  # read at a time
Say = Callable[[str], None]
Found = tuple[Store, Member]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one supply takes.

    here: bytes of each file that is where it is looked up. tasks: files to be copied, unpacked or downloaded. wholes:
    compressed archives that have to come whole before their contents are known. origin: where on the hub. absent: files
    that are nowhere. trouble: why the hub could not be asked.
    """

    source: str
    supply: Supply
    here: Mapping[str, int]
    tasks: tuple[Task, ...] = ()
    wholes: tuple[Task, ...] = ()
    origin: str = ""
    absent: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def transfers(self) -> tuple[Task, ...]:
        return (*self.wholes, *(task for task in self.tasks if task.store.remote))

    @property
    def unpacked_here(self) -> tuple[Task, ...]:
        return tuple(task for task in self.tasks if not task.store.remote)

    @property
    def download(self) -> int:
        """Bytes yet to be transferred; what an earlier run left of unfinished files does not count."""
        return sum(task.missing for task in self.transfers)

    @property
    def room(self) -> int:
        """Bytes that the disk has to take."""
        return sum(task.room for task in (*self.tasks, *self.wholes))


def make_plan(source: str, supply: Supply, root: Path, say: Say) -> Plan:
    """Looks for each file: in its folder, in archives here, on the hub. Downloads lists and indexes only.

    Raises InputError for a file that would lie outside the folder, for an archive that cannot be read, for a member
    that is wanted and cannot be taken, and when nothing can be had because the hub cannot be asked.
    """
    media = Media(supply.folder)
    here, missing = {}, []
    for file in supply.files:
        _expect_inside(source, file)
        path = media.path(file)
        if path.is_file():
            here[file] = path.stat().st_size
        else:
            missing.append(file)
    tasks: list[Task] = []
    if missing:
        missing = _take(missing, _in_archives_here(supply, root, say), supply, tasks)
    if not missing:
        return Plan(source, supply, here, tuple(tasks))
    try:
        on_hub = _on_hub(source, supply)
    except InputError as error:
        if not tasks:
            raise
        return Plan(source, supply, here, tuple(tasks), absent=tuple(missing), trouble=str(error))
    loose = [(store, whole(store)) for store in on_hub if not is_archive(store.file.path)]
    missing = _take(missing, loose, supply, tasks)
    packed = joined(store for store in on_hub if is_archive(store.file.path))
    if missing:
        seekable = [store for store in packed if not is_compressed(store)]
        say(f"reading the index of {len(seekable)} archive{'s' * (len(seekable) != 1)} of {on_hub[0].file.hub_id}")
        missing = _take(missing, _in_archives(seekable, root / KEPT), supply, tasks)
    compressed = [store for store in packed if is_compressed(store)] if missing else []
    wholes = [_keep(part, root) for store in compressed for part in _parts(store)]
    wholes = [task for task in wholes if not task.target.exists()]
    return Plan(
        source,
        supply,
        here,
        tuple(tasks),
        wholes=tuple(wholes),
        origin=f"{on_hub[0].file.hub_id}@{on_hub[0].file.commit[:8]}",
        absent=() if wholes else tuple(missing),
    )


def _take(missing: Sequence[str], found: Iterable[Found], supply: Supply, tasks: list[Task]) -> list[str]:
    """Adds a task for every file that is found; gives those that are not."""
    by_stem = defaultdict[str, list[Found]](list)
    for store, member in found:
        by_stem[PurePosixPath(member.name).stem].append((store, member))
    left = []
    for file in missing:
        best = _best(file, by_stem[PurePosixPath(file).stem])
        if best is None:
            left.append(file)
        else:
            store, member = best
            target = (supply.folder / file).with_suffix(PurePosixPath(member.name).suffix)
            tasks.append(Task(target, store, member))
    return left


def _best(file: str, found: Sequence[Found]) -> Found | None:
    """The member that is the file: of this name, else a video of this name with another suffix."""
    wanted = [PurePosixPath(file).suffix]
    matches = [each for each in found if _is(file, each[1].name)]
    if not matches and wanted[0].lower() in VIDEO_SUFFIXES:
        stem = str(PurePosixPath(file).with_suffix(""))
        matches = [
            (store, member)
            for store, member in found
            if PurePosixPath(member.name).suffix.lower() in VIDEO_SUFFIXES
            and _is(stem, str(PurePosixPath(member.name).with_suffix("")))
        ]
    if not matches:
        return None
    store, member = min(matches, key=lambda each: bool(each[1].fault))
    if member.fault:
        raise InputError(f"{store.name}: its member {member.name!r} {member.fault}; it is not taken")
    for other_store, other in (each for each in matches if not each[1].fault):
        if (other.size, other.checksum) != (member.size, member.checksum):
            raise InputError(
                f"{file}: found twice and not alike: {member.name} in {store.name} ({member.size:,} bytes) and "
                f"{other.name} in {other_store.name} ({other.size:,} bytes); remove what is not meant"
            )
    return store, member


def _is(file: str, name: str) -> bool:
    return name == file or name.endswith(f"/{file}")


def _in_archives(stores: Sequence[Store], keep: Path) -> Iterator[Found]:
    """Every member of archives; the indexes of several are read at a time."""
    with ThreadPoolExecutor(INDEXES) as pool:
        for store, members in pool.map(lambda store: read_members(store, keep), stores):
            yield from ((store, member) for member in members)


def _in_archives_here(supply: Supply, root: Path, say: Say) -> Iterator[Found]:
    """Every member of the archives on this machine. One that cannot be read is told of and left aside."""
    for files in _archives_here(supply, root).values():
        try:
            for archive in joined(LocalFile(path) for path in files):
                store, members = read_members(archive, root / KEPT)
                yield from ((store, member) for member in members)
        except InputError as error:
            say(f"note: {error}")


def _archives_here(supply: Supply, root: Path) -> dict[Path, list[Path]]:
    """Archives by folder: beside the media, in a folder of the repository's name, and in the hub's cache."""
    bases = data_roots(root)
    places = [supply.folder, *(base / supply.layout for base in bases)]
    places += [(base / supply.layout).parent for base in bases if "/" in supply.layout]
    places += [base / hub_id.partition("/")[2] for base in bases for hub_id in supply.hub]
    snapshots = (cached(hub_id, supply.revision, files=supply.names, kind="dataset") for hub_id in supply.hub)
    places += [snapshot for snapshot in snapshots if snapshot]
    found: dict[Path, list[Path]] = {}
    for place in places:
        for folder, _, files in os.walk(place):
            paths = [Path(folder, file) for file in sorted(files) if is_archive(file)]
            found[Path(folder)] = [
                path for path in paths if any(fnmatchcase(path.as_posix(), f"*/{name}") for name in supply.names)
            ]
    return found


def _on_hub(source: str, supply: Supply) -> list[OnHub]:
    """What of the first repository that exists could hold the files; never empty."""
    for hub_id in supply.hub:
        try:
            found = list_files(hub_id, supply.revision, supply.names)
        except NotOnHubError:
            if hub_id == supply.hub[-1]:
                raise
            continue
        if not found:
            raise InputError(
                f"source {source}: {hub_id} has no {' or '.join(supply.names)}, which should hold its {supply.what}; "
                f"get them by hand and put them into {supply.folder}"
            )
        return [OnHub(file) for file in found]
    raise InputError(
        f"source {source}: where its {supply.what} are on the hub is not known; put them into {supply.folder}"
    )


def _parts(store: Store) -> tuple[Store, ...]:
    return store.parts if isinstance(store, Joined) else (store,)


def _keep(part: Store, root: Path) -> Task:
    """A whole archive goes into a folder of its repository's name, where it is found the next time."""
    assert isinstance(part, OnHub)
    return Task(root / part.file.hub_id.partition("/")[2] / part.file.path, part, whole(part))


def _expect_inside(source: str, file: str) -> None:
    path = PurePosixPath(file)
    if not file or path.is_absolute() or ".." in path.parts:
        raise InputError(f"source {source}: its annotations name the file {file!r}, which leads out of its folder")

"""What lies in an archive: its members by name, place and checksum, read from its index without its contents.

A zip ends with its index. A tar has none: its headers are walked, one after the other, so the result is kept. A
compressed tar can only be read from its beginning. Archives come from strangers: a member is only ever looked up, its
name decides nothing about where it is written, and one that is not a plain file inside the archive is never taken.
"""

from __future__ import annotations

import json
import re
import stat
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, cast

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.fetching.stores import Decompressed, Joined, Store, opened
from apollobench.types import digest

COMPRESSED = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
KINDS = (".zip", ".tar", *COMPRESSED)
# `videos.tar.part.aa`, `archive.tar.gz.ab`, `videos.zip.001`
PART = re.compile(
    rf"(?P<whole>.+({'|'.join(map(re.escape, KINDS))}))[._-]?(?:part)?[._-]?(?P<place>[a-z]{{2}}|\d{{2,4}})"
)
FORMAT = 1
LARGEST_HEADER = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a store: `length` bytes from `start` on, `size` when unpacked.

    header: whether a zip's local header comes first. deflated: how it is packed. checksum: of what is unpacked,
    `crc32:HEX`, `sha256:HEX` or `git:HEX`; empty where the archive has none (tar). fault: why it cannot be taken.
    """

    name: str
    size: int
    start: int
    length: int
    deflated: bool = False
    header: bool = False
    checksum: str = ""
    fault: str = ""


def is_archive(name: str) -> bool:
    return name.endswith(KINDS) or PART.fullmatch(name) is not None


def is_compressed(store: Store) -> bool:
    return store.name.endswith(COMPRESSED)


def joined(stores: Iterable[Store]) -> list[Store]:
    """Archives of the files: parts of one become one. Raises InputError when one of the parts between is missing."""
    wholes: dict[str, list[tuple[str, Store]]] = defaultdict(list)
    archives: list[Store] = []
    for store in stores:
        part = None if store.name.endswith(KINDS) else PART.fullmatch(store.name)
        if part is None:
            archives.append(store)
        else:
            wholes[part["whole"]].append((part["place"], store))
    for name, parts in wholes.items():
        parts.sort(key=lambda part: part[0])
        places = [_number(place) for place, _ in parts]
        if places[0] > 1 or places != list(range(places[0], places[0] + len(places))):
            raise InputError(f"{name}: parts of it are missing, there are {', '.join(place for place, _ in parts)}")
        archives.append(Joined(name, tuple(store for _, store in parts)))
    return archives


def read_members(store: Store, keep: Path) -> tuple[Store, list[Member]]:
    """The members, and the store that they are read from. keep: folder in which the index of a remote one is kept.

    Raises InputError naming an archive that cannot be read.
    """
    kept = keep / f"{digest([store.id, FORMAT])}.json"
    if store.remote and kept.is_file():
        return store, [Member(*row) for row in json.loads(kept.read_text(encoding="utf-8"))]
    if is_compressed(store):
        store = Decompressed(store)
    try:
        members = list(_in_zip(store) if store.name.endswith(".zip") else _in_tar(store))
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        OSError,
        EOFError,
        LZMAError,
        NotImplementedError,
        ValueError,
    ) as error:
        raise InputError(
            f"{store.name}: cannot be read as an archive ({error}); complete it, or remove it to fetch it again"
        ) from error
    if store.remote:
        keep.mkdir(parents=True, exist_ok=True)
        replace_file(kept, json.dumps([astuple(member) for member in members]))
    return store, members


def _in_zip(store: Store) -> Iterator[Member]:
    with zipfile.ZipFile(opened(store)) as archive:
        infos = archive.infolist()
    for info in infos:
        if info.filename.endswith("/"):
            continue
        yield Member(
            name=info.filename,
            size=info.file_size,
            start=info.header_offset,
            length=info.compress_size,
            deflated=info.compress_type == zipfile.ZIP_DEFLATED,
            header=True,
            checksum=f"crc32:{info.CRC:08x}",
            fault=_leads_out(info.filename) or _fault_in_zip(info, store.size),
        )


def _fault_in_zip(info: zipfile.ZipInfo, size: int) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "is a link or a device, no file"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed by method {info.compress_type}, which is neither stored nor deflated"
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        return f"is stored in {info.compress_size:,} bytes and said to have {info.file_size:,}"
    if info.header_offset < 0 or info.header_offset + info.compress_size > size:
        return "lies outside the archive"
    return ""


def _in_tar(store: Store) -> Iterator[Member]:
    with tarfile.open(fileobj=cast(IO[bytes], _Sparing(opened(store, 1 << 11))), mode="r:") as archive:
        for info in archive:
            if info.isdir():
                continue
            yield Member(
                name=info.name,
                size=info.size,
                start=info.offset_data,
                length=info.size,
                fault=_leads_out(info.name) or _fault_in_tar(info, store),
            )


class _Sparing:
    """A tar of which a header that is said to be huge (of a long name, of extended fields) is not read into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, length: int) -> bytes:
        if length > LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {length:,} bytes")
        return self._file.read(length)


def _fault_in_tar(info: tarfile.TarInfo, store: Store) -> str:
    if not info.isreg() or info.issparse():
        return "is a link or a device, no file"
    if not isinstance(store, Decompressed) and info.offset_data + info.size > store.size:
        return "lies outside the archive"
    return ""


def _leads_out(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or re.match(r"[A-Za-z]:", name):
        return "has a name that leads out of the archive"
    return ""


def _number(place: str) -> int:
    """`aa` is 0, `ab` is 1; `001` is 1."""
    return int(place) if place.isdigit() else 26 * (ord(place[0]) - 97) + ord(place[1]) - 97

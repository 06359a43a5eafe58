"""One file to its place: taken up where it stopped, unpacked, checked, and moved there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from apollobench.errors import InputError
from apollobench.fetching.archives import Member
from apollobench.fetching.stores import CHUNK, OnHub, Store, read_at
from apollobench.types import digest

# A zip's local file header: signature, then among others the lengths of name and extra field.
LOCAL_HEADER, SIGNATURE = struct.Struct("<4s22xHH"), b"PK\x03\x04"


class DamagedError(InputError):
    """What arrived is not what was announced; nothing of it is left in place."""


@dataclass(frozen=True, slots=True)
class Task:
    """`member` of `store` is to become the file `target`."""

    target: Path
    store: Store
    member: Member

    @property
    def part(self) -> Path:
        """The unfinished file. Its name tells which content it is a part of, so another one is never continued."""
        content = digest([self.store.id, self.member.start, self.member.length])
        return self.target.with_name(f".{self.target.name}.{content[:12]}.part")

    @property
    def begun(self) -> int:
        """Bytes that an earlier run left."""
        return min(self.part.stat().st_size, self.member.length) if self.part.exists() else 0

    @property
    def missing(self) -> int:
        return self.member.length - self.begun

    @property
    def room(self) -> int:
        return self.member.size - (0 if self.member.deflated else self.begun)

    @property
    def title(self) -> str:
        alone = self.store.name.endswith(f"/{self.member.name}")
        return self.store.name if alone else f"{self.member.name} in {self.store.name}"


def whole(store: OnHub) -> Member:
    """A file of the hub as it is."""
    return Member(store.file.path, store.size, 0, store.size, checksum=store.file.checksum)


def carry_out(task: Task, tell: Callable[[int], None]) -> None:
    """Gets a file. tell: takes the number of bytes that arrived; it may raise to stop, and what arrived is kept.

    Raises DamagedError when the content is not what its archive or the hub announces, InputError when it stops coming.
    """
    task.part.parent.mkdir(parents=True, exist_ok=True)
    try:
        _transfer(task, tell)
        if task.member.deflated:
            _place_inflated(task)
        else:
            _place(task)
    except DamagedError:
        task.part.unlink(missing_ok=True)
        raise


def _transfer(task: Task, tell: Callable[[int], None]) -> None:
    begun = task.begun
    start = _start(task) + begun
    with task.part.open("r+b" if begun else "wb", buffering=0) as file:
        file.seek(begun)
        for piece in task.store.stream(start, task.member.length - begun):
            file.write(piece)
            tell(len(piece))
        file.truncate()
        os.fsync(file.fileno())


def _start(task: Task) -> int:
    """Where the content begins: of a zip's member behind its local header, whose length only itself tells."""
    member = task.member
    if not member.header:
        return member.start
    signature, name, extra = LOCAL_HEADER.unpack(read_at(task.store, member.start, LOCAL_HEADER.size))
    if signature != SIGNATURE:
        raise DamagedError(f"{task.title}: the index points to something else than a file; get the archive again")
    start = member.start + LOCAL_HEADER.size + name + extra
    if start + member.length > task.store.size:
        raise DamagedError(f"{task.title}: lies beyond the end of the archive; get the archive again")
    return int(start)


def _place(task: Task) -> None:
    if task.member.checksum:
        check = checker(task.member)
        with task.part.open("rb") as file:
            while piece := file.read(CHUNK):
                check.update(piece)
        _expect(task, check)
    task.part.replace(task.target)


def _place_inflated(task: Task) -> None:
    """Never writes more than the announced size, whatever the packed bytes would become."""
    unpacked = task.part.with_suffix(".unpacked")
    check, size = checker(task.member), 0
    try:
        with task.part.open("rb") as packed, unpacked.open("wb") as file:
            for piece in _inflated(task, packed.read):
                size += len(piece)
                if size > task.member.size:
                    raise DamagedError(
                        f"{task.title}: unpacks to more than the {task.member.size:,} bytes it announces"
                    )
                check.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if size != task.member.size:
            raise DamagedError(f"{task.title}: unpacks to {size:,} bytes, announced were {task.member.size:,}")
        _expect(task, check)
        unpacked.replace(task.target)
        task.part.unlink()
    finally:
        unpacked.unlink(missing_ok=True)


def _inflated(task: Task, read: Callable[[int], bytes]) -> Iterator[bytes]:
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        while not inflate.eof and (packed := inflate.unconsumed_tail or read(CHUNK)):
            yield inflate.decompress(packed, CHUNK)
        yield inflate.flush(CHUNK)
    except zlib.error as error:
        raise DamagedError(f"{task.title}: cannot be unpacked ({error})") from error


class Checker(Protocol):
    def update(self, piece: bytes, /) -> None: ...
    def hexdigest(self) -> str: ...


class Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, piece: bytes, /) -> None:
        self._value = zlib.crc32(piece, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def git_object(size: int) -> Checker:
    """The name that git gives a file of `size` bytes."""
    return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)


CHECKERS: dict[str, Callable[[int], Checker]] = {
    "crc32": lambda _: Crc32(),
    "sha256": lambda _: hashlib.sha256(),
    "git": git_object,
}


def checker(member: Member) -> Checker:
    return CHECKERS[member.checksum.partition(":")[0]](member.size)


def _expect(task: Task, check: Checker) -> None:
    """Raises DamagedError unless the checksum is the announced one."""
    kind, _, expected = task.member.checksum.partition(":")
    if check.hexdigest() != expected:
        raise DamagedError(
            f"{task.title}: its {kind} is {check.hexdigest()}, announced was {expected}; it is not left in place, and "
            "the same command gets it again"
        )

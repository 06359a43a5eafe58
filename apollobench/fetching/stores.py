"""Bytes that can be read from anywhere in them: files here, files on the hub by HTTP ranges, and parts joined to one.

huggingface_hub's HfFileSystem reads single files; an archive in parts, and transfers that go on where they stopped,
need ranges across files. Its retries, waits (Retry-After) and headers are used.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import IO, Any, Protocol, cast

from apollobench.errors import InputError
from apollobench.hub import HubFile, told, without_secrets
from apollobench.types import digest

CHUNK = 1 << 16
# Broken connections in a row, without one byte between them, before a transfer is given up.
TRIES = 5
# How far a compressed file is unpacked: so many times its size, and any file so many bytes.
UNPACKED_RATIO, UNPACKED_ANYWAY = 200, 64 << 20
UNPACKED_BY: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {
    ".gz": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    ".tgz": lambda file: cast(IO[bytes], gzip.GzipFile(fileobj=file)),
    ".bz2": bz2.open,
    ".xz": lzma.open,
}


class Store(Protocol):
    """name: what messages call it. id: tells this content from any other. remote: whether reading it is a download.

    in_order: whether it had better be read from front to back.
    """

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def remote(self) -> bool: ...
    @property
    def in_order(self) -> bool: ...

    def stream(self, start: int, length: int) -> Iterator[bytes]:
        """`length` bytes from `start` on, in pieces. Raises InputError when they cannot be had."""
        ...


@dataclass(frozen=True)
class LocalFile:
    path: Path
    remote: bool = field(default=False, init=False)
    in_order: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        return str(self.path)

    @cached_property
    def size(self) -> int:
        return self.path.stat().st_size

    @property
    def id(self) -> str:
        return digest([str(self.path), self.size, self.path.stat().st_mtime_ns])

    def stream(self, start: int, length: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(start)
            while length > 0:
                piece = file.read(min(CHUNK, length))
                if not piece:
                    raise InputError(f"{self.path}: ends {length:,} bytes too early; get the file again")
                length -= len(piece)
                yield piece


@dataclass(frozen=True)
class OnHub:
    """A file of the hub. Only the bytes that are asked for are transferred."""

    file: HubFile
    remote: bool = field(default=True, init=False)
    in_order: bool = field(default=False, init=False)

    @property
    def name(self) -> str:
        return f"{self.file.hub_id}/{self.file.path}"

    @property
    def size(self) -> int:
        return self.file.size

    @property
    def id(self) -> str:
        return self.file.checksum

    def stream(self, start: int, length: int) -> Iterator[bytes]:
        from httpx2 import TransportError

        done = failures = 0
        while done < length:
            before, reason = done, "the server sent too little"
            try:
                for piece in self._response(start + done, length - done):
                    done += len(piece)
                    yield piece
            except TransportError as error:
                reason = without_secrets(str(error) or type(error).__name__)
            except OSError:
                with told(self.file.hub_id, self.file.commit):
                    raise
            failures = failures + 1 if done == before else 0
            if failures == TRIES:
                raise InputError(f"{self.name}: the download stopped: {reason}; the same command takes it up again")
            if done < length:
                time.sleep(failures)

    def _response(self, start: int, length: int) -> Iterator[bytes]:
        """At most `length` bytes. Raises TransportError when the connection breaks, OSError for a refusal."""
        from huggingface_hub.constants import HF_HUB_DOWNLOAD_TIMEOUT
        from huggingface_hub.utils import (  # type: ignore[attr-defined]
            build_hf_headers,
            hf_raise_for_status,
            http_stream_backoff,
        )

        wanted = {"range": f"bytes={start}-{start + length - 1}", "accept-encoding": "identity"}
        with http_stream_backoff(
            "GET", self.file.url, headers={**build_hf_headers(), **wanted}, timeout=HF_HUB_DOWNLOAD_TIMEOUT
        ) as response:
            hf_raise_for_status(response)
            if response.status_code != 206 and (start, length) != (0, self.size):
                raise InputError(
                    f"{self.name}: the server sends only whole files ({self.size:,} bytes), no parts of them; "
                    "download and unpack it yourself, or ask another server (HF_ENDPOINT)"
                )
            for piece in response.iter_bytes():
                yield piece[:length]
                length -= len(piece)
                if length <= 0:
                    return


@dataclass(frozen=True)
class Joined:
    """Files that are one archive together, in their order."""

    name: str
    parts: tuple[Store, ...]
    in_order: bool = field(default=False, init=False)

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def id(self) -> str:
        return digest([part.id for part in self.parts])

    @property
    def remote(self) -> bool:
        return any(part.remote for part in self.parts)

    def stream(self, start: int, length: int) -> Iterator[bytes]:
        ends = accumulate(part.size for part in self.parts)
        for part, end in zip(self.parts, ends, strict=True):
            first = end - part.size
            low, high = max(start, first), min(start + length, end)
            if low < high:
                yield from part.stream(low - first, high - low)


class Decompressed:
    """What a compressed file here holds. Going back means to begin anew, so one reader has it at a time."""

    remote, in_order = False, True

    def __init__(self, store: Store) -> None:
        self.name, self.id = store.name, store.id
        self.size = 0  # known only after reading it all
        self._lock = threading.Lock()
        limit = max(UNPACKED_ANYWAY, UNPACKED_RATIO * store.size)
        self._file = cast(IO[bytes], _Bounded(UNPACKED_BY[Path(store.name).suffix](opened(store)), store.name, limit))

    def stream(self, start: int, length: int) -> Iterator[bytes]:
        with self._lock:
            try:
                self._file.seek(start)
                while length > 0 and (piece := self._file.read(min(CHUNK, length))):
                    length -= len(piece)
                    yield piece
            except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
                raise InputError(f"{self.name}: cannot be unpacked ({error}); get the file again") from error
        if length:
            raise InputError(f"{self.name}: ends {length:,} bytes too early; get the file again")

    def opened(self) -> IO[bytes]:
        return self._file


class _Bounded:
    """A decompressed file that ends in an error where no archive of videos would go on: a bomb."""

    def __init__(self, file: IO[bytes], name: str, limit: int) -> None:
        self._file, self._name, self._limit = file, name, limit

    def read(self, length: int) -> bytes:
        self._check(self._file.tell() + length)
        return self._file.read(length)

    def seek(self, place: int) -> int:
        self._check(place)
        return self._file.seek(place)

    def tell(self) -> int:
        return self._file.tell()

    def _check(self, place: int) -> None:
        if place > self._limit:
            raise InputError(
                f"{self._name}: would unpack to more than {self._limit:,} bytes, {UNPACKED_RATIO} times its size; "
                "refused. Videos do not pack so tightly"
            )


class _Seekable(io.RawIOBase):
    """A store as a file, for zipfile and tarfile."""

    def __init__(self, store: Store) -> None:
        self._store, self._place = store, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + (0, self._place, self._store.size)[whence])
        return self._place

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), max(self._store.size - self._place, 0))
        content = b"".join(self._store.stream(self._place, length))
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


def opened(store: Store, block: int = 1 << 16) -> IO[bytes]:
    """The store as a seekable file that reads `block` bytes at a time."""
    if isinstance(store, Decompressed):
        return store.opened()
    return io.BufferedReader(_Seekable(store), block)


def read_at(store: Store, start: int, length: int) -> bytes:
    return b"".join(store.stream(start, length))

"""A store's files behind fsspec: in an object store, or on another file system that is reached through a client.

An object store cannot append: there a writer collects lines and puts them as one whole file after the other.
"""

from __future__ import annotations

import errno
import io
import re
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Any

from fsspec import AbstractFileSystem

from apollobench.evaluate.place import DRAFT, Writer
from apollobench.redact import without_credentials

BUFFER = 1 << 20
AHEAD = 10  # as many connections as clients of S3 keep
GROUP = re.compile(r"-\d{6,}\.jsonl$")
NUMBERS = {FileNotFoundError: errno.ENOENT, PermissionError: errno.EACCES, FileExistsError: errno.EEXIST}


class Remote:
    """A path of an object store, or of anything else that fsspec reaches.

    A put into an object store is there as a whole or not at all. Other file systems can rename, which those cannot:
    there a file gets its name once it is whole.
    """

    def __init__(self, filesystem: Any, root: str, name: str) -> None:
        self._files, self._root, self._name = filesystem, root.rstrip("/"), name.rstrip("/")
        self._ahead = _Ahead()
        self._renames = type(filesystem).mv is not AbstractFileSystem.mv

    def __str__(self) -> str:
        return self._name

    def make(self) -> None:
        """Object stores have no folders, and a bucket whose name was mistyped is not made."""
        if self._renames:
            with _as_os_errors(self._name):
                self._files.makedirs(self._root, exist_ok=True)

    def names(self) -> list[str]:
        with _as_os_errors(self._name):
            self._files.invalidate_cache()
            try:
                found = self._files.ls(self._root, detail=False)
            except FileNotFoundError:
                return []
        return sorted({str(path).rstrip("/").rpartition("/")[2] for path in found if path.rstrip("/") != self._root})

    def path(self, name: str) -> str:
        return f"{self._name}/{name}"

    def expect(self, names: Sequence[str]) -> None:
        """Groups of lines are small and many: several of them are on their way at a time, where the client can that."""
        groups = [name for name in names if GROUP.search(name)] if self._files.async_impl else []
        self._ahead = _Ahead(groups, lambda name: self._files.cat_file(self._at(name)))

    def open(self, name: str) -> IO[bytes]:
        with _as_os_errors(self.path(name)):
            if name in self._ahead:
                return io.BytesIO(self._ahead.take(name))
            file = self._files.open(self._at(name), "rb")
        return io.BufferedReader(_Reading(file, self.path(name)), BUFFER)

    def publish(self, name: str, content: bytes) -> None:
        with self._whole(name) as path:
            self._files.pipe_file(path, content)

    def take(self, file: Path, name: str) -> None:
        with self._whole(name) as path:
            self._files.put_file(str(file), path)
        file.unlink()

    def remove(self, name: str) -> None:
        with _as_os_errors(self.path(name)):
            try:
                self._files.rm_file(self._at(name))
            except FileNotFoundError:
                return

    def begin(self, stem: str) -> Writer:
        return _Segments(self, stem)

    def written(self, name: str) -> bool:
        return False

    def scratch(self) -> Path:
        return Path(tempfile.gettempdir())

    @contextmanager
    def _whole(self, name: str) -> Iterator[str]:
        with _as_os_errors(self.path(name)):
            if not self._renames:
                yield self._at(name)
                return
            path = self._at(f"{DRAFT}{uuid.uuid4().hex}")
            yield path
            self._files.mv(path, self._at(name))

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"


class _Ahead:
    """Files that are read whole by a few threads before they are asked for, in the order in which they will be."""

    def __init__(self, names: Sequence[str] = (), read: Callable[[str], bytes] = lambda name: b"") -> None:
        self._names, self._read = dict.fromkeys(names, True), read
        self._coming: dict[str, Future[bytes]] = {}
        self._pool = ThreadPoolExecutor(AHEAD, thread_name_prefix="read-ahead")

    def __contains__(self, name: str) -> bool:
        return name in self._names or name in self._coming

    def take(self, name: str) -> bytes:
        """Each once. Raises what reading it raised."""
        for one in (name, *islice(self._names, AHEAD - len(self._coming))):
            if self._names.pop(one, False):
                self._coming[one] = self._pool.submit(self._read, one)
        return self._coming.pop(name).result()


class _Reading(io.RawIOBase):
    """A file that was opened far away; its errors are OSErrors that name it."""

    def __init__(self, file: Any, name: str) -> None:
        self._file, self._name = file, name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def readinto(self, buffer: Any) -> int:
        with _as_os_errors(self._name):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Segments:
    """Lines that wait for the next `sync`, which puts them as one file.

    What could not be put is tried again under another name: the first may be there all the same, and a compaction may
    already have taken it up.
    """

    def __init__(self, place: Remote, stem: str) -> None:
        self._place, self._stem = place, stem
        self._waiting: list[bytes] = []
        self._count = 0

    def write(self, data: bytes) -> None:
        self._waiting.append(data)

    def sync(self) -> None:
        if self._waiting:
            name, self._count = f"{self._stem}-{self._count:06d}.jsonl", self._count + 1
            self._place.publish(name, b"".join(self._waiting))
            self._waiting = []

    def close(self) -> None:
        """It holds nothing but what waits, which is lost."""


@contextmanager
def _as_os_errors(name: str) -> Iterator[None]:
    """Whatever a file system or its client raises becomes an OSError with a number, a text and the name."""
    try:
        yield
    except Exception as error:
        kinds = (number for kind, number in NUMBERS.items() if isinstance(error, kind))
        number = getattr(error, "errno", None) or next(kinds, errno.EIO)
        text = getattr(error, "strerror", None) or str(error)
        if not isinstance(error, OSError):
            text = f"{type(error).__name__}: {text}"
        raise OSError(number, without_credentials(" ".join(text.split())), name) from error

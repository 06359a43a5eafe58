"""Where a store's files lie: a folder of this machine or its network, or a path of any store that fsspec reaches.

A folder is appended to, one file per writer, each locked while it is written. An object store cannot append: there a
writer collects lines and puts them as one whole file after the other.
"""

from __future__ import annotations

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, cast

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.redact import without_credentials

Where = Path | str
DRAFT = ".draft-"


class Writer(Protocol):
    """One writer's lines. What was written is durable after `sync`."""

    def write(self, data: bytes) -> None: ...

    def sync(self) -> None: ...

    def close(self) -> None: ...


class Place(Protocol):
    """A folder of files; every method raises OSError as its file system does."""

    def make(self) -> None:
        """Makes the folder where there is none."""

    def names(self) -> list[str]:
        """The files and folders in it, sorted; none where it does not exist."""

    def path(self, name: str) -> str:
        """How messages call a file."""

    def open(self, name: str) -> IO[bytes]: ...

    def publish(self, name: str, content: bytes) -> None:
        """Writes a small file as a whole."""

    def take(self, file: Path, name: str) -> None:
        """Moves a finished file of this machine into the place, as a whole."""

    def remove(self, name: str) -> None: ...

    def begin(self, stem: str) -> Writer:
        """A writer of new lines; the names of its files begin with `stem` and end with `.jsonl`."""

    def written(self, name: str) -> bool:
        """Whether somebody may still be writing to the file."""

    def scratch(self) -> Path:
        """A folder of this machine for drafts that `take` moves."""


def place_of(where: Where) -> Place:
    """The place at a path or address. Raises InputError for an address that no installed file system serves."""
    text = str(where)
    if isinstance(where, Path) or "://" not in text:
        return Folder(Path(where))
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(text)
    except (ImportError, ValueError, OSError) as error:
        raise InputError(f"{without_credentials(text)}: cannot be reached: {error}") from error
    if text.startswith(("file://", "local://")):
        return Folder(Path(path))
    return Remote(filesystem, path, without_credentials(text))


class Folder:
    """A local folder, or one of a network that behaves like it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __str__(self) -> str:
        return str(self.directory)

    def make(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)

    def names(self) -> list[str]:
        try:
            return sorted(path.name for path in self.directory.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def open(self, name: str) -> IO[bytes]:
        return (self.directory / name).open("rb")

    def publish(self, name: str, content: bytes) -> None:
        replace_file(self.directory / name, content)
        self._sync()

    def take(self, file: Path, name: str) -> None:
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(self.directory / name)
        self._sync()

    def remove(self, name: str) -> None:
        (self.directory / name).unlink(missing_ok=True)

    def begin(self, stem: str) -> Writer:
        writer = _Appending(self.directory, f"{stem}.jsonl")
        self._sync()
        return writer

    def written(self, name: str) -> bool:
        with self.open(name) as file:
            return not _lock(file.fileno(), fcntl.LOCK_SH)

    def scratch(self) -> Path:
        return self.directory

    def _sync(self) -> None:
        folder = os.open(self.directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class _Appending:
    """A file that is locked for as long as it is open, from before it has its name."""

    def __init__(self, directory: Path, name: str) -> None:
        draft = directory / f".{name}"
        self._file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        _lock(self._file, fcntl.LOCK_EX)
        draft.rename(directory / name)

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._file, data) :]

    def sync(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def _lock(file: int, kind: int) -> bool:
    """Whether the lock was got. A file system without locks gives none: there nobody can tell who writes."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
        return False
    return True


class Remote:
    """A path of an object store, or of anything else that fsspec reaches.

    A put into an object store is there as a whole or not at all. Other file systems can rename, which those cannot:
    there a file gets its name once it is whole.
    """

    def __init__(self, filesystem: Any, root: str, name: str) -> None:
        from fsspec import AbstractFileSystem

        self._files, self._root, self._name = filesystem, root.rstrip("/"), name.rstrip("/")
        self._renames = type(filesystem).mv is not AbstractFileSystem.mv

    def __str__(self) -> str:
        return self._name

    def make(self) -> None:
        """Object stores have no folders; other file systems get theirs."""
        with _as_os_errors():
            self._files.makedirs(self._root, exist_ok=True)

    def names(self) -> list[str]:
        with _as_os_errors():
            self._files.invalidate_cache()
            try:
                found = self._files.ls(self._root, detail=False)
            except FileNotFoundError:
                return []
        return sorted({str(path).rstrip("/").rpartition("/")[2] for path in found if path.rstrip("/") != self._root})

    def path(self, name: str) -> str:
        return f"{self._name}/{name}"

    def open(self, name: str) -> IO[bytes]:
        with _as_os_errors():
            return cast(IO[bytes], self._files.open(self._at(name), "rb"))

    def publish(self, name: str, content: bytes) -> None:
        with self._whole(name) as path:
            self._files.pipe_file(path, content)

    def take(self, file: Path, name: str) -> None:
        with self._whole(name) as path:
            self._files.put_file(str(file), path)
        file.unlink()

    def remove(self, name: str) -> None:
        with _as_os_errors():
            try:
                self._files.rm_file(self._at(name))
            except FileNotFoundError:
                return

    def begin(self, stem: str) -> Writer:
        return _Segments(self, stem)

    def written(self, name: str) -> bool:
        return False

    def scratch(self) -> Path:
        import tempfile

        return Path(tempfile.gettempdir())

    @contextmanager
    def _whole(self, name: str) -> Iterator[str]:
        with _as_os_errors():
            if not self._renames:
                yield self._at(name)
                return
            path = self._at(f"{DRAFT}{uuid.uuid4().hex}")
            yield path
            self._files.mv(path, self._at(name))

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}"


class _Segments:
    """Lines that wait for the next `sync`, which puts them as one file; one that could not be put is tried again."""

    def __init__(self, place: Remote, stem: str) -> None:
        self._place, self._stem = place, stem
        self._waiting: list[bytes] = []
        self._count = 0

    def write(self, data: bytes) -> None:
        self._waiting.append(data)

    def sync(self) -> None:
        if self._waiting:
            self._place.publish(f"{self._stem}-{self._count:06d}.jsonl", b"".join(self._waiting))
            self._waiting, self._count = [], self._count + 1

    def close(self) -> None:
        """It holds nothing but what waits, which is lost."""


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """Read-only file systems say NotImplementedError; clients of object stores have errors of their own."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


@contextmanager
def draft(place: Place) -> Iterator[Path]:
    """The path of a file in the making, gone afterwards unless `take` moved it."""
    path = place.scratch() / f"{DRAFT}{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)

"""Where a store's files lie: a folder of this machine or its network, or a path of any store that fsspec reaches.

A folder is appended to, one file per writer, each locked while it is written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.redact import hide_in_logs, without_credentials

Where = Path | str
DRAFT = ".draft-"
S3 = ("s3://", "s3a://")
SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
KEYS_IN_S3 = re.compile(r"s3a?://(?!arn:)[^/]*[:@]")


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

    def expect(self, names: Sequence[str]) -> None:
        """Tells that these files are going to be opened, in this order."""

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
    """The place at a path or address.

    Raises InputError for an address that no installed file system serves, and for one of S3 with keys in it: those are
    not read from there, and would be seen.
    """
    text = str(where)
    if isinstance(where, Path) or "://" not in text:
        return Folder(Path(where))
    if KEYS_IN_S3.match(text):
        raise InputError(
            "an address of S3 holds no keys: give s3://BUCKET/PATH, and the keys in the environment variables "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    hide_in_logs(os.environ.get(name, "") for name in SECRETS)
    import fsspec

    from apollobench.evaluate.remote import Remote

    shown = without_credentials(text)
    try:
        filesystem, path = fsspec.core.url_to_fs(text)
    except (ImportError, ValueError, OSError) as error:
        install = "; pip install 'apollobench[s3]'" if text.startswith(S3) else ""
        raise InputError(f"{shown}: cannot be reached: {without_credentials(str(error))}{install}") from error
    if text.startswith(("file://", "local://")):
        return Folder(Path(path))
    return Remote(filesystem, path, shown)


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

    def expect(self, names: Sequence[str]) -> None:
        """Nothing is gained by reading ahead."""

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


@contextmanager
def draft(place: Place) -> Iterator[Path]:
    """The path of a file in the making, gone afterwards unless `take` moved it."""
    path = place.scratch() / f"{DRAFT}{uuid.uuid4().hex}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)

"""The register of media files: `media.jsonl`, to which `doctor` appends one line per file that it has examined.

A line says what was found on a file of one size and modification time; the last line on a file counts. Nothing is ever
rewritten, so a killed process loses nothing that it had appended. A line that cannot be read (torn by a crash, or of
another version) counts as not written: its file is examined again. Files in or under the register's folder are named
relative to it, so that the folder may move.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import TypeAdapter

from apollobench.errors import InputError
from apollobench.video.health import Facts, Finding, Health, Kind, stamp

REGISTER = "media.jsonl"
VERSION = 1
FACTS = TypeAdapter(Facts | None)


class Register:
    """The register in `folder`, open for appending; `records` are those at opening, kept up to date by `append`.

    Each line is handed to the operating system at once and forced to the disk by `close`. Several processes may append
    to one register.
    """

    def __init__(self, folder: Path) -> None:
        """Opens or begins the register. Raises InputError where it cannot be written."""
        self.path = folder / REGISTER
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise self._unwritable(error) from error
        self.records = dict(_read(self.path))
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._write(b"\n")

    def append(self, record: Health) -> None:
        """Adds a record in one write."""
        self._write(_line(record, self.path.parent).encode("ascii"))
        self.records[record.path] = record

    def close(self) -> None:
        os.fsync(self._file)
        os.close(self._file)

    def __enter__(self) -> Register:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._file, data) :]
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> InputError:
        return InputError(
            f"{self.path}: cannot be written: {error.strerror}; free space, mend the permissions, or name another "
            "folder with --output_path"
        )


def noted_digest(path: Path, size: int, modified: int) -> str | None:
    """The digest that the nearest register at or above the folder of `path` has for a file of this size and time."""
    for folder in path.parents:
        register = folder / REGISTER
        if register.is_file():
            stat = register.stat()
            record = _read_once(register, stat.st_size, stat.st_mtime_ns).get(path)
            return record.digest or None if record and (record.size, record.modified) == (size, modified) else None
    return None


def noted_faults(path: Path) -> tuple[Finding, ...]:
    """What the nearest register at or above the folder of `path` holds against the file as it is now; () if nothing."""
    for folder in path.parents:
        register = folder / REGISTER
        if register.is_file():
            stat = register.stat()
            record = _read_once(register, stat.st_size, stat.st_mtime_ns).get(path)
            return record.faults if record and (record.size, record.modified) == stamp(path) else ()
    return ()


@lru_cache(maxsize=8)
def _read_once(register: Path, size: int, modified: int) -> Mapping[Path, Health]:
    return _read(register)


def _read(register: Path) -> dict[Path, Health]:
    """The last record of every file."""
    records = {}
    for line in register.read_bytes().split(b"\n"):
        try:
            record = _parse(json.loads(line), register.parent)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            continue
        records[record.path] = record
    return records


def _line(record: Health, folder: Path) -> str:
    inside = record.path.is_relative_to(folder)
    row = asdict(record) | {
        "path": (record.path.relative_to(folder) if inside else record.path).as_posix(),
        "version": VERSION,
    }
    return json.dumps(row) + "\n"


def _parse(row: Any, folder: Path) -> Health:
    """Raises ValueError, KeyError or TypeError for what is no line of this version."""
    if row["version"] != VERSION:
        raise ValueError(f"version {row['version']!r}")
    return Health(
        path=folder / row["path"],
        size=int(row["size"]),
        modified=int(row["modified"]),
        digest=str(row["digest"]),
        findings=tuple(map(_finding, row["findings"])),
        facts=FACTS.validate_python(row["facts"]),
    )


def _finding(row: Any) -> Finding:
    """Its text may name a file that is not UTF-8, so it is any text."""
    if not isinstance(row["text"], str):
        raise TypeError(f"text is {row['text']!r}")
    return Finding(Kind(row["kind"]), row["text"])

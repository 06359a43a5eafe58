"""Where responses are kept: a folder of append-only JSON lines, one file per writer, each response under a content key.

Nothing is ever rewritten, so any number of processes may write to one folder and a killed one loses nothing that it
had appended. What a folder holds is the merge of all its files, in the order in which the files were begun:

* under one key an answer (`ok`, `unparsed`, `wrong`) beats an `error` or `unsupported`; among equals the later line
  counts;
* an `error` is forgotten once the same model answers the same item in the same mode later, under whatever key
  (the key of an error may lack the frame plan that a video which could not be read did not have).

So errors are asked again by the next run, and answers are not.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.evaluate.records import parse_line, plan_line, read_plan, response_line
from apollobench.types import FramePlan, Item, Mode, Response, Status, digest

if TYPE_CHECKING:
    from apollobench.models.base import Subject

MARKER = "store.json"
FORMAT = {"format": "apollobench responses", "version": 1}
ANSWERED = (Status.OK, Status.UNPARSED, Status.WRONG)


def response_key(
    item: Item, mode: Mode, plan: str | None, media_digest: str | None, model: Subject, prompt_version: str
) -> str:
    """Digest of all that decides an answer, and of nothing else (not of batch, shard, machine or time).

    plan: the frame plan's fingerprint. media_digest: of the video file. Both None where nothing is shown. The order of
    the options is part of the item's fingerprint; its answer key is not.
    """
    identity = [model.name, model.revision, dict(model.settings)]
    return digest([item.fingerprint, mode, plan, media_digest, prompt_version, identity])


class Store:
    """A folder of responses, open for one writer: `responses` is the merge at opening, kept up to date by `append`.

    Each `append` is handed to the operating system at once, and forced to the disk every `group` lines or `seconds`
    seconds, whichever comes first, and on `close`. Not for use by several threads at once.
    """

    def __init__(self, directory: Path, *, group: int = 256, seconds: float = 2.0) -> None:
        """Opens or makes the store. Raises InputError if `directory` is something else, or is damaged."""
        self.directory = directory
        self._claim()
        self._merged = _merge([directory])
        self._group, self._seconds = group, seconds
        self._file: int | None = None
        self._unsynced, self._synced_at = 0, time.monotonic()

    @property
    def responses(self) -> Mapping[str, Response]:
        """What counts now, by key."""
        return self._merged.responses

    def append(self, responses: Sequence[Response], plans: Mapping[str, FramePlan] | None = None) -> None:
        """Adds `responses` in one write, after those of `plans` (by fingerprint) that the store does not hold yet."""
        new = [(name, plan) for name, plan in (plans or {}).items() if name not in self._merged.plans]
        lines = [plan_line(name, plan) for name, plan in new]
        lines += map(response_line, responses)
        if not lines:
            return
        self._write("".join(lines).encode("ascii"))
        self._merged.plans.update((name, asdict(plan)) for name, plan in new)
        for response in responses:
            self._merged.add(response)
        self._unsynced += len(lines)
        if self._unsynced >= self._group or time.monotonic() - self._synced_at >= self._seconds:
            self.flush()

    def flush(self) -> None:
        """Forces all that was appended to the disk."""
        if self._file is not None and self._unsynced:
            with self._reporting():
                os.fsync(self._file)
        self._unsynced, self._synced_at = 0, time.monotonic()

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _claim(self) -> None:
        with self._reporting():
            self.directory.mkdir(parents=True, exist_ok=True)
        if (self.directory / MARKER).exists():
            return
        strange = sorted(path.name for path in self.directory.iterdir() if not path.name.startswith(f".{MARKER}"))
        if strange and not (self.directory / MARKER).exists():
            raise InputError(
                f"{self.directory}: holds {strange[0]!r} and is not a response store; give an empty or new folder"
            )
        with self._reporting():
            replace_file(self.directory / MARKER, json.dumps(FORMAT) + "\n")

    def _write(self, data: bytes) -> None:
        with self._reporting():
            file = self._begin() if self._file is None else self._file
            while data:
                data = data[os.write(file, data) :]

    def _begin(self) -> int:
        """Begins this writer's file; its name sorts after all that were begun before."""
        path = self.directory / f"responses-{time.time_ns():020d}-{uuid.uuid4().hex[:12]}.jsonl"
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        folder = os.open(self.directory, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        return self._file

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self.directory}: cannot store responses there: {error.strerror}; free space, mend the permissions, "
                "or give another folder"
            ) from error


def load_responses(directories: Path | Iterable[Path]) -> list[Response]:
    """The merge of one or more stores, ordered by item, model, mode and key. Raises InputError as `Store` does."""
    merged = _merge([directories] if isinstance(directories, Path) else directories)
    return merged.ordered()


def load_plans(directories: Path | Iterable[Path]) -> dict[str, FramePlan]:
    """The frame plans that the responses refer to, by fingerprint. Raises InputError for a damaged one too."""
    return _plans(_merge([directories] if isinstance(directories, Path) else directories), directories)


def load_store(directory: Path) -> tuple[list[Response], dict[str, FramePlan]]:
    """What `load_responses` and `load_plans` give, read once."""
    merged = _merge([directory])
    return merged.ordered(), _plans(merged, directory)


def _plans(merged: _Merge, directories: Path | Iterable[Path]) -> dict[str, FramePlan]:
    try:
        return {name: read_plan(name, frames) for name, frames in merged.plans.items()}
    except ValueError as error:
        raise InputError(f"{directories}: {error}; the store is damaged: restore its files") from error


class _Merge:
    """Responses by key and plans by fingerprint, by the rules at the top of this file."""

    def __init__(self) -> None:
        self.responses: dict[str, Response] = {}
        self.plans: dict[str, dict[str, Any]] = {}
        self._errors: dict[tuple[str, str, Mode], set[str]] = {}

    def ordered(self) -> list[Response]:
        return sorted(self.responses.values(), key=lambda r: (r.item, r.model, r.mode, r.key))

    def add(self, response: Response) -> None:
        held = self.responses.get(response.key)
        if held and held.status in ANSWERED and response.status not in ANSWERED:
            return
        self.responses[response.key] = response
        asked = (response.item, response.model, response.mode)
        if response.status is Status.ERROR:
            self._errors.setdefault(asked, set()).add(response.key)
        elif response.status in ANSWERED and asked in self._errors:
            for key in self._errors.pop(asked) - {response.key}:
                del self.responses[key]


def _merge(directories: Iterable[Path]) -> _Merge:
    merged = _Merge()
    files = [path for directory in directories for path in _files(directory)]
    for path in sorted(files, key=lambda path: path.name):
        for record in _records(path):
            if isinstance(record, Response):
                merged.add(record)
            else:
                merged.plans[record[0]] = record[1]
    return merged


def _files(directory: Path) -> list[Path]:
    marker = directory / MARKER
    try:
        found = json.loads(marker.read_text())
    except FileNotFoundError as error:
        raise InputError(f"{directory}: not a response store (it has no {MARKER}); check the path") from error
    except ValueError as error:
        raise InputError(f"{marker}: damaged, not JSON; restore it or use another folder") from error
    if found != FORMAT:
        raise InputError(f"{marker}: found {found}, expected {FORMAT}; it belongs to another version or another tool")
    return list(directory.glob("responses-*.jsonl"))


def _records(path: Path) -> Iterator[Response | tuple[str, dict[str, Any]]]:
    """The lines of one writer's file. A last line that cannot be read was torn by a crash: it counts as not written."""
    lines = path.read_bytes().split(b"\n")
    if not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            yield parse_line(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise InputError(
                f"{path}, line {number}: {error}; the store is damaged: restore the file, or delete the line "
                "to have its answer computed again"
            ) from error

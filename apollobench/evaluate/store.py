"""Where responses are kept: append-only JSON lines in checksummed files, one writer each, every response under a key.

A store is a folder or an address that fsspec knows (`s3://bucket/answers`). Nothing is ever rewritten, so any number of
processes may write to one store, and a killed one loses nothing that it had appended to a folder, and of an object
store no more than the last group. What a store holds is the merge of all its files, in the order in which they were
begun. What is damaged is named, counts as not answered, and is asked again by the next run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from apollobench.errors import InputError
from apollobench.evaluate.merge import ANSWERED, Merge, by_question
from apollobench.evaluate.place import Place, Where, Writer, place_of
from apollobench.evaluate.records import PlanLine, plan_line, read_plan, response_line
from apollobench.evaluate.segments import (
    MARKER,
    Damage,
    marker,
    next_stem,
    read_marker,
    read_segment,
    segments,
    warn,
)
from apollobench.types import FramePlan, Item, Mode, Response, digest

if TYPE_CHECKING:
    from apollobench.models.base import Subject

__all__ = [
    "ANSWERED",
    "Store",
    "Where",
    "is_store",
    "load_plans",
    "load_responses",
    "load_store",
    "response_key",
    "stream_responses",
    "survey",
]
T = TypeVar("T")
TakePlan = Callable[[PlanLine], object]
OURS = (f".{MARKER}", ".responses-", "responses-")  # what may lie where a marker was lost or is still to come
READS = 5


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
    """A store open for one writer: `responses` is the merge at opening, kept up to date by `append`.

    Each `append` to a folder is handed to the operating system at once. It is forced to the disk every `group` lines or
    `seconds` seconds, whichever comes first, and on `close`; so are lines put into an object store, which wait here
    until then. Not for use by several threads at once.
    """

    def __init__(
        self, where: Where, *, model: str | None = None, group: int = 256, seconds: float = 2.0, tell: bool = True
    ) -> None:
        """Opens or makes the store. model: whose responses are wanted in `responses`, by default everybody's.

        tell: name what is damaged on standard error. Raises InputError if something else than a store is there.
        """
        self._place = place_of(where)
        found = self._claim()
        self._plans: set[str] = set()
        self._merged, damage = _steadily(
            lambda damage: _merged([self._place], damage, lambda plan: self._plans.add(plan.fingerprint), model)
        )
        if tell:
            warn([*found, *damage])
        self._group, self._seconds = group, seconds
        self._writer: Writer | None = None
        self._unsynced, self._synced_at = 0, time.monotonic()

    @property
    def responses(self) -> Mapping[str, Response]:
        """What counts now, by key."""
        return self._merged.responses

    def append(self, responses: Sequence[Response], plans: Mapping[str, FramePlan] | None = None) -> None:
        """Adds `responses` in one write, after those of `plans` (by fingerprint) that the store does not hold yet."""
        new = [(name, plan) for name, plan in (plans or {}).items() if name not in self._plans]
        lines = [plan_line(name, plan) for name, plan in new]
        lines += map(response_line, responses)
        if not lines:
            return
        self._write(b"".join(lines))
        self._plans.update(name for name, _ in new)
        for response in responses:
            self._merged.add(response)
        self._unsynced += len(lines)
        if self._unsynced >= self._group or time.monotonic() - self._synced_at >= self._seconds:
            self.flush()

    def flush(self) -> None:
        """Forces all that was appended to the disk, or puts it into the object store."""
        if self._writer is not None and self._unsynced:
            with self._reporting():
                self._writer.sync()
        self._unsynced, self._synced_at = 0, time.monotonic()

    def close(self) -> None:
        self.flush()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _claim(self) -> list[Damage]:
        damage: list[Damage] = []
        with self._reporting():
            self._place.make()
            there = self._place.names()
        if MARKER in there and read_marker(self._place, damage):
            return damage
        strange = [name for name in there if name != MARKER and not name.startswith(OURS)]
        if MARKER not in there and strange and MARKER not in self._place.names():
            raise InputError(
                f"{self._place}: holds {strange[0]!r} and is not a response store; give an empty or new folder"
            )
        with self._reporting():
            self._place.publish(MARKER, marker())
        return damage

    def _write(self, data: bytes) -> None:
        """A file whose last line may be torn is not written to again."""
        with self._reporting():
            writer = self._writer = self._writer or self._place.begin(next_stem(self._place))
            try:
                writer.write(data)
            except OSError:
                self._writer = None
                writer.close()
                raise

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"{self._place}: cannot store responses there: {error.strerror or error}; free space, mend the "
                "permissions, or give another folder"
            ) from error


def is_store(where: Where) -> bool:
    """Whether there is a store."""
    return MARKER in place_of(where).names()


def load_responses(where: Where | Iterable[Where]) -> list[Response]:
    """The merge of one or more stores, ordered by item, model, mode and key. Raises InputError for what is no store.

    What is damaged is named on standard error, and left out.
    """
    return _load(where, lambda plan: None).ordered()


def stream_responses(where: Where | Iterable[Where], *, tell: bool = True) -> Iterator[Response]:
    """What `load_responses` gives, in a memory that does not depend on how much that is. tell: name what is damaged."""
    responses, damage = survey(where)
    yield from responses
    if tell:
        warn(damage)


def survey(where: Where | Iterable[Where]) -> tuple[Iterator[Response], list[Damage]]:
    """What `stream_responses` gives; and what is damaged, which is complete once all is read."""
    groups, damage = _steadily(lambda damage: _begun(by_question(segments(_places(where), damage), damage)))
    return chain.from_iterable(sorted(group, key=lambda response: response.key) for group in groups), damage


def load_plans(where: Where | Iterable[Where]) -> dict[str, FramePlan]:
    """The frame plans that the responses refer to, by fingerprint. What is damaged is named and left out."""
    plans: dict[str, PlanLine] = {}
    _load(where, lambda plan: plans.setdefault(plan.fingerprint, plan))
    return _read_plans(plans)


def load_store(where: Where) -> tuple[list[Response], dict[str, FramePlan]]:
    """What `load_responses` and `load_plans` give, read once."""
    plans: dict[str, PlanLine] = {}
    merged = _load(where, lambda plan: plans.setdefault(plan.fingerprint, plan))
    return merged.ordered(), _read_plans(plans)


def _load(where: Where | Iterable[Where], take_plan: TakePlan) -> Merge:
    merged, damage = _steadily(lambda damage: _merged(_places(where), damage, take_plan))
    warn(damage)
    return merged


def _places(where: Where | Iterable[Where]) -> list[Place]:
    return [place_of(one) for one in ([where] if isinstance(where, Path | str) else where)]


def _merged(places: Sequence[Place], damage: list[Damage], take_plan: TakePlan, model: str | None = None) -> Merge:
    merge = Merge()
    for segment in segments(places, damage):
        for record in read_segment(segment, damage, model=model):
            if isinstance(record, PlanLine):
                take_plan(record)
            elif model is None or record.model == model:
                merge.add(record)
    return merge


def _begun(groups: Iterator[list[Response]]) -> Iterator[list[Response]]:
    """With the first group read: by then every file is open, and may be removed."""
    return chain(list(islice(groups, 1)), groups)


def _steadily(read: Callable[[list[Damage]], T]) -> tuple[T, list[Damage]]:
    """What was read, and the damage; begins again when `compact` took a file away that had been listed."""
    for left in reversed(range(READS)):
        damage: list[Damage] = []
        try:
            return read(damage), damage
        except FileNotFoundError:
            if not left:
                raise
    raise AssertionError("unreachable")


def _read_plans(stored: Mapping[str, PlanLine]) -> dict[str, FramePlan]:
    plans = {}
    for name, line in stored.items():
        try:
            plans[name] = read_plan(line)
        except ValueError as error:
            print(f"warning: {error}; it is left out", file=sys.stderr, flush=True)
    return plans

"""Makes one Parquet snapshot of a store's many files, without ever holding less than before.

The snapshot is published whole and names the files that it replaces; from then on those do not count. Only then are
they removed. Whenever that is cut short, the store holds the same responses, and the next call finishes the work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from apollobench.errors import InputError
from apollobench.evaluate.merge import ANSWERED, by_question
from apollobench.evaluate.place import DRAFT, Folder, Place, Where, draft, place_of
from apollobench.evaluate.records import PlanLine, response_line, seal
from apollobench.evaluate.segments import (
    LINES,
    MARKER,
    SNAPSHOT,
    Damage,
    Segment,
    marker,
    next_stem,
    number_of,
    read_marker,
    segment_names,
    segments,
    stem,
)
from apollobench.evaluate.snapshot import FOOTER, fits, footer_of, replaced_by, snapshot_name, sound, write_snapshot
from apollobench.evaluate.store import Store
from apollobench.types import Response

REST = f"-rest{LINES}"
ABANDONED = 86_400.0


@dataclass(frozen=True, slots=True)
class Compaction:
    """What became of a store. files: taken into the snapshot; none where nothing was to do. responses: in it.

    busy: files that are still being written, and all after the first of them: left as they are.
    """

    place: str
    files: int
    responses: int
    busy: int
    damage: tuple[Damage, ...]


def compact(where: Where, into: Where | None = None) -> Compaction:
    """Replaces the finished files of a store by one snapshot, sorted by question; frame plans stay lines.

    into: a store that the snapshot is added to instead, such as a local one of what lies far away; `where` is left as
    it is.
    What is damaged is left out of it and told: run the evaluation again to have it answered. Memory does not depend on
    the size of the store; lines are sorted in temporary files. Raises InputError for what is no store, and where
    nothing can be written.
    """
    if into is not None:
        return _copy(where, into)
    place = place_of(where)
    damage: list[Damage] = []
    try:
        if not read_marker(place, damage):
            place.publish(MARKER, marker())
        _sweep(place)
        found = segments([place], damage)
        free = _finished(found)
        count = 0
        if any(not segment.name.endswith((SNAPSHOT, REST)) for segment in free) or len(free) > 2:
            count, snapshot = _publish(place, free, damage, stem(number_of(free[-1].name)))
            if sound(place, snapshot):
                _remove(place, [segment.name for segment in free])
    except OSError as error:
        raise InputError(
            f"{place}: cannot be compacted: {error.strerror or error}; nothing is lost. Free space, or mend the "
            f"permissions"
        ) from error
    return Compaction(str(place), len(free) if count else 0, count, len(found) - len(free), tuple(damage))


def _finished(found: Sequence[Segment]) -> list[Segment]:
    """The files before the first that somebody may be writing to: what comes later must not be merged before it."""
    busy = (number for number, segment in enumerate(found) if segment.place.written(segment.name))
    return list(found[: next(busy, len(found))])


def _copy(where: Where, into: Where) -> Compaction:
    damage: list[Damage] = []
    Store(into).close()
    target = place_of(into)
    found = segments([place_of(where)], damage)
    count, _ = _publish(target, found, damage, next_stem(target)) if found else (0, "")
    return Compaction(str(target), len(found), count, 0, tuple(damage))


def _publish(place: Place, old: Sequence[Segment], damage: list[Damage], name: str) -> tuple[int, str]:
    """Makes a snapshot of `old` in `place`: how many responses it holds, and what it is called."""
    names = [segment.name for segment in old]
    with draft(place) as table, draft(place) as lines:
        with lines.open("wb") as file:
            rest = _Rest(file)
            footer = write_snapshot(table, rest.sifted(by_question(old, damage, rest.take)), names)
        snapshot = snapshot_name(name, footer)
        if lines.stat().st_size:
            place.take(lines, f"{name}{REST}")
        place.take(table, snapshot)
    place.publish(f"{snapshot}{FOOTER}", footer)
    return rest.responses, snapshot


class _Rest:
    """What passes into the snapshot is counted; what Parquet cannot hold, and frame plans, go to `file` as lines."""

    def __init__(self, file: IO[bytes]) -> None:
        self.responses = 0
        self._file = file
        self._plans: set[str] = set()

    def take(self, plan: PlanLine) -> None:
        if plan.fingerprint not in self._plans:
            self._plans.add(plan.fingerprint)
            self._file.write(seal(plan.line.decode()))

    def sifted(self, groups: Iterator[list[Response]]) -> Iterator[Response]:
        """Answers come before the errors that came after them, so that reading in order gives the same again.

        What is about one question stays together.
        """
        for group in groups:
            ordered = sorted(group, key=lambda one: (one.status not in ANSWERED, one.key))
            self.responses += len(ordered)
            if all(map(fits, ordered)):
                yield from ordered
            else:
                self._file.writelines(map(response_line, ordered))


def _remove(place: Place, names: Sequence[str]) -> None:
    """Oldest first, so that what is left is never a beginning without its end; nor a footer without its snapshot."""
    for name in names:
        if name.endswith(SNAPSHOT):
            place.remove(f"{name}{FOOTER}")
        place.remove(name)


def _sweep(place: Place) -> None:
    """Finishes what an earlier call left: copies a footer, removes what was replaced, and old drafts."""
    names = segment_names(place)
    for name in names:
        if name.endswith(SNAPSHOT) and sound(place, name):
            if f"{name}{FOOTER}" not in place.names():
                with place.open(name) as file:
                    place.publish(f"{name}{FOOTER}", footer_of(file))
            _remove(place, [old for old in replaced_by(place, name) if old in names])
    if isinstance(place, Folder):
        for path in place.directory.glob(f"{DRAFT}*"):
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink(missing_ok=True)

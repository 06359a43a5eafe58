"""The files of a store, what each holds, and what of it is damaged.

`responses-NUMBER-WRITER.jsonl` are lines of one writer, `.parquet` a snapshot that `compact` made of such files, which
it names. The number orders them: it is greater than any that a writer saw when it began, whatever the clock says.
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from apollobench.errors import InputError
from apollobench.evaluate.place import Place
from apollobench.evaluate.records import Record, parse_line, salvage, seal, unseal

MARKER = "store.json"
FORMAT, VERSION = "apollobench responses", 2
LINES, SNAPSHOT = ".jsonl", ".parquet"
TOLD = 3


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that could not be read, and is asked again. file: as messages call it. what: where in it, and why."""

    file: str
    what: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a store."""

    place: Place
    name: str

    @property
    def path(self) -> str:
        return self.place.path(self.name)


def marker() -> bytes:
    """What the file says that makes a folder a store."""
    return seal(json.dumps({"format": FORMAT, "version": VERSION}))


def read_marker(place: Place, damage: list[Damage]) -> bool:
    """Whether the marker is the present one; False for one of an older version and for a damaged one.

    Raises InputError where there is none, and for one of another version or another tool.
    """
    if MARKER not in place.names():
        raise InputError(f"{place}: not a response store (it has no {MARKER}); check the path")
    with place.open(MARKER) as file:
        line = file.read().rstrip(b"\n")
    try:
        body, sealed = unseal(line)
        found = json.loads(body)
    except ValueError as error:
        damage.append(Damage(place.path(MARKER), f"not the marker of a store: {error}"))
        return False
    if found == {"format": FORMAT, "version": VERSION}:
        return sealed
    if found == {"format": FORMAT, "version": 1}:
        return False
    raise InputError(
        f"{place.path(MARKER)}: found {found}, expected {FORMAT!r} of version 1 or {VERSION}; it belongs to another "
        f"version or another tool"
    )


def next_stem(place: Place) -> str:
    """What the name of a new writer's file begins with: it sorts after all that are there."""
    numbers = [int(part) for name in segment_names(place) if (part := name.split("-")[1]).isdigit()]
    return stem(max([time.time_ns(), *(number + 1 for number in numbers)]))


def stem(number: int) -> str:
    return f"responses-{number:020d}-{uuid.uuid4().hex[:12]}"


def number_of(name: str) -> int:
    return int(name.split("-")[1])


def segment_names(place: Place) -> list[str]:
    """The names of all files of lines and snapshots, in order."""
    return [name for name in place.names() if name.startswith("responses-") and name.endswith((LINES, SNAPSHOT))]


def segments(places: Iterable[Place], damage: list[Damage]) -> list[Segment]:
    """The files that count, in order: without those that a snapshot took up. Raises InputError for what is no store."""
    from apollobench.evaluate.snapshot import replaced_by

    found = []
    for place in places:
        read_marker(place, damage)
        names = segment_names(place)
        gone = {old for name in names if name.endswith(SNAPSHOT) for old in replaced_by(place, name)}
        kept = [name for name in names if name not in gone]
        place.expect(kept)
        found += [Segment(place, name) for name in kept]
    return sorted(found, key=lambda segment: segment.name)


def read_segment(segment: Segment, damage: list[Damage], *, model: str | None = None) -> Iterator[Record]:
    """Everything in a file, in order; what cannot be read is added to `damage`.

    model: whose responses are wanted; many of the others are then passed over unread.
    """
    if segment.name.endswith(SNAPSHOT):
        from apollobench.evaluate.snapshot import read_snapshot

        return read_snapshot(segment.place, segment.name, damage)
    return _lines(segment, damage, model)


def _lines(segment: Segment, damage: list[Damage], model: str | None) -> Iterator[Record]:
    with segment.place.open(segment.name) as file:
        for number, line in enumerate(file, start=1):
            try:
                record = parse_line(line, model=model)
            except ValueError as error:
                yield from salvage(line)
                if line.endswith(b"\n"):
                    damage.append(Damage(segment.path, f"line {number}: {error}"))
                elif not segment.place.written(segment.name):
                    damage.append(Damage(segment.path, f"line {number}: its end is missing, cut off or never written"))
                continue
            if record is not None:
                yield record


def warn(damage: Sequence[Damage]) -> None:
    """Says on standard error what is damaged, a line for each file."""
    by_file: dict[str, list[str]] = {}
    for found in damage:
        by_file.setdefault(found.file, []).append(found.what)
    for file, whats in by_file.items():
        more = f" and {len(whats) - TOLD:,} more" if len(whats) > TOLD else ""
        print(
            f"warning: {file}: {'; '.join(whats[:TOLD])}{more}. What was there counts as not answered and is asked "
            f"again; all else is kept",
            file=sys.stderr,
            flush=True,
        )

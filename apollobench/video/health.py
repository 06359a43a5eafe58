"""What is known of a media file's condition: the record that `doctor` makes of every file, and runs refer to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Kind(StrEnum):
    """What can be found about a file. Items on a file with a fault fail, or ask about something that is not there."""

    MISSING = "missing"
    EMPTY = "empty"
    NO_VIDEO = "no video"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    ABSURD = "absurd"
    NO_CENTER = "center undecodable"
    HUNG = "hung"
    CRASHED = "crashed"
    ROTATED = "rotated"
    VARIABLE_RATE = "variable frame rate"

    @property
    def is_fault(self) -> bool:
        """False for what is only worth knowing: our readers turn pictures upright and go by their true times."""
        return self not in (Kind.ROTATED, Kind.VARIABLE_RATE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found, with a sentence that says what and, for a fault, what to do."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the probe says of a file that can be opened (see `video.probe.Probe` for the units)."""

    duration: float
    fps: float
    frames: int
    width: int
    height: int
    rotation: int
    codec: str
    container: str


@dataclass(frozen=True, slots=True)
class Health:
    """The condition of one file. modified: its modification time in nanoseconds. digest: as `video.media.media_digest`.

    size and modified are -1 for a file that is not there. digest is empty where the content was not read to its end:
    then, and for a reader that hung or crashed.
    """

    path: Path
    size: int
    modified: int
    digest: str
    findings: tuple[Finding, ...] = ()
    facts: Facts | None = None

    @property
    def faults(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind.is_fault)

    @property
    def status(self) -> str:
        """`ok`, or the kinds of all faults."""
        return ", ".join(fault.kind for fault in self.faults) or "ok"


def stamp(path: Path) -> tuple[int, int]:
    """(size in bytes, modification time in ns) of a regular file; (-1, -1) where there is none."""
    if not path.is_file():
        return -1, -1
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def missing(path: Path) -> Health:
    """The record of a file that is not there."""
    text = "no such file. Check the path, or fetch the source's videos first."
    return Health(path, -1, -1, "", (Finding(Kind.MISSING, text),))

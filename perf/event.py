"""What an event of the fault campaign is, and what has to come of each: the end of a run that nobody disturbed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ground import FILES, Child, Ground, asked

from apollobench.curate.pipeline import RESPONSES


@dataclass(frozen=True)
class Event:
    """What is provoked, and what has to come of it. run: says what came of it; `FaultError` for anything else."""

    name: str
    expected: str
    run: Callable[[Ground, int], str]


class FaultError(Exception):
    """Something else happened than was expected."""


EVENTS: dict[str, Event] = {}
Run = Callable[[Ground, int], str]


def event(name: str, expected: str) -> Callable[[Run], Run]:
    """Registers an event. Its function takes the ground, and how often to provoke the fault where that counts."""

    def register(provoke: Run) -> Run:
        EVENTS[provoke.__name__] = Event(name, expected, provoke)
        return provoke

    return register


def check(holds: bool, otherwise: object) -> None:
    if not holds:
        raise FaultError(str(otherwise))


def finish(ground: Ground, output: Path) -> int:
    """Curates once more: how many questions were asked. The end has to be that of the undisturbed run."""
    return asked(finished(ground, output))


def finished(ground: Ground, output: Path) -> Child:
    child = ground.curation(output)
    check(child.wait() == 0, child.said)
    check(ground.lost(output) == 0, "acknowledged responses are lost")
    check(ground.equal(output), "the end is not that of the undisturbed run")
    return child


def copied(ground: Ground, name: str) -> Path:
    """A finished curation in a folder of its own."""
    output = ground.new(name)
    (output / RESPONSES).mkdir(parents=True)
    for path in [*(ground.whole / RESPONSES).iterdir(), *(ground.whole / name for name in FILES)]:
        (output / path.relative_to(ground.whole)).write_bytes(path.read_bytes())
    return output

"""Feeds hostile files to a reader and says what came of each: taken, refused as bad input, or a fault of ours.

A fault is anything but `InputError` (or an error of the operating system that names its file, which the command line
tells alike), a case that takes too long or too much memory, and one that touches what it must not: a file outside its
own folder, the network, another program, a pickle.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any, NoReturn

import click

from apollobench.errors import InputError

from .mutate import mutate

SECONDS = 20.0  # of processor time that one case may take
MEMORY = 6 << 30  # bytes that a worker's data may grow to
TAKEN, REFUSED = "taken", "refused"


@dataclass(frozen=True, slots=True)
class Target:
    """plant: writes sound files into an empty folder. feed: reads them, writing nothing but below the second folder.

    victims: patterns of the files that are made hostile. mend: makes hashes fit again, so that more than they is
    tested.
    """

    name: str
    plant: Callable[[Path], object]
    feed: Callable[[Path, Path], object]
    victims: tuple[str, ...] = ("*",)
    mend: Callable[[Path], object] | None = None


@dataclass(slots=True)
class Tally:
    """What came of the cases of one target. faults: by kind and place, the first number and the count."""

    target: str
    cases: int = 0
    taken: int = 0
    refused: int = 0
    faults: dict[str, list[int]] = field(default_factory=dict)
    slowest: float = 0.0
    slowest_case: int = -1

    def add(self, number: int, outcome: str, seconds: float) -> None:
        self.cases += 1
        if outcome == TAKEN:
            self.taken += 1
        elif outcome == REFUSED:
            self.refused += 1
        else:
            self.faults.setdefault(outcome, []).append(number)
        if seconds > self.slowest:
            self.slowest, self.slowest_case = seconds, number

    def merge(self, other: Tally) -> None:
        self.cases += other.cases
        self.taken += other.taken
        self.refused += other.refused
        for outcome, numbers in other.faults.items():
            self.faults.setdefault(outcome, []).extend(numbers)
        if other.slowest > self.slowest:
            self.slowest, self.slowest_case = other.slowest, other.slowest_case


class TooSlowError(BaseException):
    """The case has used up its time; no `except Exception` in the way may catch it."""


class EscapedError(BaseException):
    """The case reached for something outside its folder."""


class Bench:
    """One target set up in a folder: `run(number)` makes the hostile files of that number, feeds them, tidies up."""

    def __init__(self, target: Target, folder: Path, seed: int) -> None:
        self.target, self.seed = target, seed
        self.place, self.inside, self.out = folder, folder / "in", folder / "out"
        shutil.rmtree(self.inside, ignore_errors=True)
        self.inside.mkdir(parents=True)
        target.plant(self.inside)
        self.sound = {path: path.read_bytes() for path in sorted(self.inside.rglob("*")) if path.is_file()}
        self.victims = [path for path in self.sound if any(path.match(pattern) for pattern in target.victims)]
        if not self.victims:
            raise ValueError(f"{target.name}: no file matches {target.victims}")
        self._outcome()  # imports what there is to import, and shows that the sound files are taken
        self._tidy()

    def run(self, number: int) -> tuple[str, float]:
        """The outcome and the seconds of processor time."""
        self.prepare(number)
        return self._judged()

    def try_content(self, victim: Path, content: bytes) -> tuple[str, float]:
        """The same, of any content in place of one sound file."""
        self.replace(victim, content)
        return self._judged()

    def replace(self, victim: Path, content: bytes) -> None:
        """Puts content in place of one sound file, until `try_content` or `run` tidies up."""
        put(victim, content)
        if self.target.mend:
            self.target.mend(self.inside)

    def trace(self) -> None:
        """Feeds what lies there, without guard, and prints the traceback of what is raised."""
        self.out.mkdir(exist_ok=True)
        try:
            self.target.feed(self.inside, self.out)
        except Exception:
            traceback.print_exc()

    def _judged(self) -> tuple[str, float]:
        try:
            return self._outcome(guarded=True)
        finally:
            self._tidy()

    def prepare(self, number: int) -> list[Path]:
        """Writes the hostile files; gives those that differ from the sound ones."""
        random = Random(f"{self.target.name}/{self.seed}/{number}")
        chosen = random.sample(self.victims, min(len(self.victims), random.choice((1, 1, 1, 1, 2))))
        for path in chosen:
            put(path, mutate(random, path.name, self.sound[path]))
        if self.target.mend and random.random() < 0.8:
            self.target.mend(self.inside)
        return [path for path in self.sound if path.read_bytes() != self.sound[path]]

    def _outcome(self, guarded: bool = False) -> tuple[str, float]:
        self.out.mkdir(exist_ok=True)
        begun = time.process_time()
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), watched(self.place, guarded):
                self.target.feed(self.inside, self.out)
            outcome = TAKEN
        except InputError as error:
            outcome = REFUSED if _tellable(error) else "untellable message"
        except click.ClickException:
            outcome = REFUSED
        except OSError as error:
            outcome = REFUSED if error.filename is not None else _fault(error)
        except (TooSlowError, EscapedError, Exception) as error:
            outcome = _fault(error)
        if not guarded and outcome != TAKEN:
            raise ValueError(f"{self.target.name}: the sound files are not taken: {outcome}\n{said.getvalue()}")
        return outcome, time.process_time() - begun

    def _tidy(self) -> None:
        for path in [found for found in self.inside.rglob("*") if found not in self.sound and not found.is_dir()]:
            path.unlink()
        for path, content in self.sound.items():
            put(path, content)
        shutil.rmtree(self.out, ignore_errors=True)


def put(path: Path, content: bytes) -> None:
    """Writes a file anew; to shorten the old one would make some file systems write to the disk at once."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def _tellable(error: InputError) -> bool:
    """Whether the message can be shown, and says something."""
    return bool(str(error).strip()) and bool(str(error).encode(errors="backslashreplace"))


def _fault(error: BaseException) -> str:
    """Kind of the exception and the innermost line of the package it went through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f"{os.sep}apollobench{os.sep}" in f.filename]
    at = (
        f"{frames[-1].filename.rpartition('/apollobench/')[2]}:{frames[-1].lineno}" if frames else "outside the package"
    )
    told = f" ({error})" if isinstance(error, EscapedError) else ""
    return f"{type(error).__name__} at {at}{told}"


_allowed: list[Path] = []
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.utime", "os.rename", "os.link",
    "os.symlink", "shutil.rmtree", "shutil.move",
}  # fmt: skip
_NEVER = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.connect",
    "pickle.find_class",
}


def _audit(event: str, given: tuple[Any, ...]) -> None:
    """Python tells of every file that is opened and of much else before it happens (PEP 578)."""
    if not _allowed:
        return
    if event in _NEVER:
        raise EscapedError(f"{event} {given[0]!r:.200}")
    if event == "open":
        written = bool(given[2] & _WRITING) if isinstance(given[2], int) else False
        touched = [given[0]] if written else []
    else:
        touched = list(given[:2]) if event in _CHANGES else []
    for path in touched:
        if isinstance(path, str | bytes | os.PathLike) and not _is_inside(os.fsdecode(path)):
            raise EscapedError(f"{event} {os.fsdecode(path)[:200]}")


def _is_inside(path: str) -> bool:
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(folder) for folder in _allowed) or str(real) == os.devnull


_hooked: list[bool] = []


@contextlib.contextmanager
def watched(folder: Path, guarded: bool) -> Iterator[None]:
    """Within it nothing but `folder` may be written, and no more than SECONDS of the processor's time be used."""
    if not guarded:
        yield
        return
    if not _hooked:
        sys.addaudithook(_audit)
        _hooked.append(True)
    before = signal.signal(signal.SIGPROF, _too_slow)
    _allowed.append(Path(os.path.realpath(folder)))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        _allowed.clear()
        signal.signal(signal.SIGPROF, before)


def _too_slow(_: int, __: FrameType | None) -> NoReturn:
    raise TooSlowError


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases of a target from number `first` on: `most` of them, or fewer when `seconds` of processor time are over.

    folder: where workers make folders of their own.
    """

    target: str
    seed: int
    first: int
    most: int
    folder: Path
    seconds: float = math.inf

    @property
    def mark(self) -> Path:
        """Holds the number of the case at work: what tells which one took the process with it."""
        return self.folder / f"{self.target}.{self.first}.case"


@cache
def _bench(name: str, folder: Path, seed: int) -> Bench:
    from .targets import TARGETS

    return Bench(TARGETS[name], folder / f"worker-{os.getpid()}" / name, seed)


def set_limits() -> None:
    """For the process that a batch, or a fuzzer, has to itself: no more than MEMORY, and no file but the cases'."""
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def grant_time() -> None:
    """The system ends this process if native code keeps the next case from ending when its time is over."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time() + 3 * SECONDS), resource.RLIM_INFINITY))


def run_batch(batch: Batch) -> Tally:
    """Runs in a process of its own: native code may end it, and so do too much memory and time without end."""
    set_limits()
    bench, tally = _bench(batch.target, batch.folder, batch.seed), Tally(batch.target)
    begun = time.process_time()
    for number in range(batch.first, batch.first + batch.most):
        if time.process_time() - begun > batch.seconds:
            break
        batch.mark.write_text(str(number))
        grant_time()
        tally.add(number, *bench.run(number))
    batch.mark.unlink(missing_ok=True)
    return tally


def keep(target: Target, seed: int, number: int, folder: Path, outcome: str) -> Path:
    """Writes the hostile files of a case where they can be looked at, with what says how to run them again."""
    bench = Bench(target, folder, seed)
    changed = bench.prepare(number)
    told = {
        "target": target.name,
        "seed": seed,
        "case": number,
        "outcome": outcome,
        "hostile": [path.relative_to(folder).as_posix() for path in changed],
        "again": f"python perf/hostile.py --target {target.name} --seed {seed} --case {number}",
    }
    (folder / "case.json").write_text(json.dumps(told, indent=2) + "\n")
    return folder

"""Worker processes that may hang or die: each job runs alone in one, under a time limit, and the others go on.

Every worker has a pipe of its own. (In a pool whose workers share a queue, one that is killed can take the queue's lock
with it, and the rest would wait for ever.)
"""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from typing import Generic, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")

SPAWN = get_context("spawn")


@dataclass(frozen=True, slots=True)
class Hung:
    """A job that was killed after `seconds`, its time limit."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Died:
    """A job that took its process with it. exit_code: minus the signal's number where a signal ended the process."""

    exit_code: int

    @property
    def cause(self) -> str:
        """For example `SIGSEGV`, or `exit code 3`."""
        return signal.Signals(-self.exit_code).name if self.exit_code < 0 else f"exit code {self.exit_code}"


def run_each(
    work: Callable[[Argument], Result], jobs: Iterable[tuple[Argument, float]], workers: int
) -> Iterator[tuple[Argument, Result | Hung | Died]]:
    """`work(argument)` for each job (argument, seconds it may take), `workers` at a time, as they end.

    work: a function that a new process can import; what it raises ends its process. Raises RuntimeError if a worker
    cannot even start. Workers end with the caller: with the iteration, with an interrupt, and when it is killed.
    """
    waiting = iter(jobs)
    crew: list[_Worker[Argument, Result]] = []
    try:
        crew += [_Worker(work, job) for job in islice(waiting, workers)]
        while crew:
            for worker in _soonest(crew):
                outcome = worker.outcome()
                if outcome is None:
                    continue
                crew.remove(worker)
                argument = worker.argument
                following = next(waiting, None)
                if following is not None:
                    crew.append(worker.take(following) if worker.alive else _Worker(work, following))
                elif worker.alive:
                    worker.end()
                yield argument, outcome
    finally:
        for worker in crew:
            worker.end()


def _soonest(crew: list[_Worker[Argument, Result]]) -> list[_Worker[Argument, Result]]:
    """The workers that have said something, or whose time is over; waits for the first."""
    deadline = min(worker.deadline for worker in crew)
    heard = set(wait([worker.pipe for worker in crew], max(0.0, min(deadline - time.monotonic(), 3600.0))))
    now = time.monotonic()
    return [worker for worker in crew if worker.pipe in heard or worker.deadline <= now]


class _Worker(Generic[Argument, Result]):
    """One process and the job that it has. It first says that it is ready; only then does its job's clock run."""

    def __init__(self, work: Callable[[Argument], Result], job: tuple[Argument, float]) -> None:
        self.argument, self._seconds = job
        self.deadline = math.inf
        self.alive = True
        self.pipe, theirs = SPAWN.Pipe()
        self._process = SPAWN.Process(target=_serve, args=(theirs, work), daemon=True)
        self._process.start()
        theirs.close()

    def take(self, job: tuple[Argument, float]) -> _Worker[Argument, Result]:
        """Begins a job; returns the worker itself."""
        self.argument, self._seconds = job
        self.deadline = time.monotonic() + self._seconds
        with suppress(BrokenPipeError):  # a worker that has just died shows as that when it is listened to
            self.pipe.send(self.argument)
        return self

    def outcome(self) -> Result | Hung | Died | None:
        """What came of the job; None while it has only begun. After Hung and Died the worker is no more."""
        starting = self.deadline == math.inf
        try:
            if not self.pipe.poll():
                self.end()
                return Hung(self._seconds)
            said: Result = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            died = Died(self._process.exitcode or 0)
            if starting:
                raise RuntimeError(f"a worker process could not start ({died.cause})") from None
            self.end()
            return died
        if starting:
            self.take((self.argument, self._seconds))
            return None
        return said

    def end(self) -> None:
        """Kills the process, however it is occupied."""
        self.alive = False
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _serve(pipe: Connection, work: Callable[[Argument], Result]) -> None:
    """The life of a worker: says that it is ready, then answers every argument with the result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe.send(None)
    while True:
        try:
            argument = pipe.recv()
        except EOFError:
            return
        pipe.send(work(argument))


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)

"""Asks every model of a curation every question: one model per task, several tasks at a time, each in its own process.

Answers go into one store as they come, so that a run that was stopped, however roughly, is taken up where it stopped.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import asdict, dataclass, field
from io import TextIOWrapper
from multiprocessing import get_context, parent_process
from multiprocessing.synchronize import Event
from typing import Any

from apollobench.errors import InputError
from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.store import Store, Where
from apollobench.models.base import Subject
from apollobench.models.registry import check_model
from apollobench.types import Item, Mode, Response, Status


@dataclass(frozen=True, slots=True)
class Run:
    """One model's answers to a pool. stored, asked: found in the store, computed now. seconds: loading included.

    revision, settings, sampling: what the model was, as it says itself.
    """

    model: str
    revision: str
    settings: Mapping[str, Any]
    sampling: Mapping[str, Any]
    responses: tuple[Response, ...]
    stored: int = 0
    asked: int = 0
    seconds: float = 0.0

    @classmethod
    def of(cls, model: Subject, counts: RunCounts, seconds: float) -> Run:
        """What a model answered, with what it says of itself."""
        return cls(
            model=model.name,
            revision=model.revision,
            settings=dict(model.settings),
            sampling={name: value for name, value in asdict(model.sampling).items() if value is not None},
            responses=counts.responses,
            stored=counts.stored,
            asked=counts.asked,
            seconds=seconds,
        )

    def line(self) -> str:
        """One line for the log, with the count of every status."""
        counts = {status: sum(r.status is status for r in self.responses) for status in Status}
        told = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
        return f"{self.model}: {told}; {self.asked:,} asked now, {self.stored:,} stored; {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class Task:
    """What one worker does. threads: of torch (unless OMP_NUM_THREADS says otherwise), and of the video readers."""

    model: str
    items: tuple[Item, ...]
    modes: tuple[Mode, ...]
    directory: Where
    threads: int
    model_args: Mapping[str, str] = field(default_factory=dict)


def run_panel(
    models: Sequence[str],
    items: Sequence[Item],
    modes: Sequence[Mode],
    directory: Where,
    *,
    workers: int | None = None,
    model_args: Mapping[str, str] | None = None,
) -> list[Run]:
    """The answers of `models`, in their order; `directory` is the store. workers: processes, by default one per core.

    Raises InputError, before anything runs, for a model that is unknown or whose weights are not at hand.
    """
    arguments = dict(model_args or {})
    for model in models:
        check_model(model, arguments)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = min(workers or cores, len(models))
    threads = max(1, cores // count)
    Store(directory).close()
    tasks = [Task(model, tuple(items), tuple(modes), directory, threads, arguments) for model in models]
    runs: dict[str, Run] = {}
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_begin_worker, initargs=(stop,))
    try:
        for future in as_completed([pool.submit(_answer, task) for task in tasks]):
            run = future.result()
            runs[run.model] = run
            print(run.line(), file=sys.stderr, flush=True)
    except BrokenProcessPool as error:
        raise InputError(
            "a worker process died, most likely for want of memory. What it had answered is kept: run the same command "
            "again, with fewer workers"
        ) from error
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return [runs[model] for model in models]


def _begin_worker(stop: Event) -> None:
    """A worker ends with its parent, however that ends, and logs in lines, since several share one terminal."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stderr = _Lines(sys.stderr.buffer, line_buffering=True)
    threading.Thread(target=_end_with_parent, args=(stop,), daemon=True).start()


def _end_with_parent(stop: Event) -> None:
    """An answer is in the operating system's hands as soon as it is made, so ending at once loses none.

    Of an object store it loses those that wait to be put, as being killed does.
    """
    parent = parent_process()
    assert parent is not None
    while parent.is_alive() and not stop.wait(0.5):
        pass
    os._exit(1)


class _Lines(TextIOWrapper):
    def isatty(self) -> bool:
        return False


def _answer(task: Task) -> Run:
    import torch

    from apollobench.evaluate.run import run
    from apollobench.models.registry import load_model

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(task.threads)
    start = time.monotonic()
    model = load_model(task.model, task.model_args)
    with closing(model), Store(task.directory, model=model.name, tell=False) as store:
        counts = run(model, task.items, task.modes, store, decode_workers=task.threads)
    return Run.of(model, counts, time.monotonic() - start)

"""Jobs side by side in processes that are set up for one device."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

import torch

from apollobench.apollo.train.device import set_up

log = logging.getLogger(__name__)
Result = TypeVar("Result")


def side_by_side(jobs: Mapping[str, Callable[[], Result]], device: torch.device, workers: int) -> dict[str, Result]:
    """What every named job gives; at most `workers` run at a time, and share as many cores.

    One that fails does not stop the others; at the end an ExceptionGroup tells which failed, and why.
    """
    done: dict[str, Result] = {}
    errors: list[Exception] = []
    if not jobs:
        return done
    processes = min(workers, len(jobs))
    with ProcessPoolExecutor(
        processes, mp_context=get_context("spawn"), initializer=_begin, initargs=(device, workers // processes)
    ) as pool:
        names = {pool.submit(job): name for name, job in jobs.items()}
        for future in as_completed(names):
            name, error = names[future], future.exception()
            if error is None:
                done[name] = future.result()
                log.info("%s: done, %d of %d", name, len(done), len(jobs))
            elif isinstance(error, Exception):
                error.add_note(f"in {name}")
                log.error("%s: failed: %s", name, error)
                errors.append(error)
            else:
                raise error
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(jobs)} failed; the same command goes on with what is left", errors)
    return {name: done[name] for name in jobs}


def show_progress() -> None:
    """Let this process tell on standard error how training goes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")


def _begin(device: torch.device, threads: int) -> None:
    show_progress()
    set_up(device, threads)

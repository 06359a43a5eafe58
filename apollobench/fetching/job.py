"""The whole of it: plans for a selection, then their tasks side by side, and what came of them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from apollobench.errors import InputError
from apollobench.fetching.plan import KEPT, Plan, Say, make_plan
from apollobench.fetching.progress import Arriving, StoppedError, size_text
from apollobench.fetching.selection import Selection
from apollobench.fetching.transfer import DamagedError, Task, carry_out


@dataclass(frozen=True, slots=True)
class Outcome:
    """placed: files that are now where they are looked up. damaged: what was not what it should be."""

    placed: int
    damaged: tuple[str, ...]
    absent: int

    @property
    def exit_code(self) -> int:
        """0 if every file is in its place, else 1."""
        return 1 if self.damaged or self.absent else 0

    def line(self) -> str:
        parts = [f"{self.placed:,} files are in their places"]
        if self.absent:
            parts.append(f"{self.absent:,} could not be had")
        return "\n".join(["; ".join(parts), *(f"damaged: {reason}" for reason in self.damaged)])


def make_plans(selection: Selection, root: Path, say: Say) -> list[Plan]:
    """A plan for every supply of every source. Raises InputError as `make_plan` does."""
    return [
        make_plan(source, supply, root, say) for source, supplies in selection.supplies.items() for supply in supplies
    ]


def check_room(plans: Sequence[Plan], max_size: int | None) -> None:
    """Raises InputError when more than `max_size` bytes would be downloaded, or more than the disks have room for."""
    download = sum(plan.download for plan in plans)
    if max_size is not None and download > max_size:
        raise InputError(
            f"{size_text(download)} would be downloaded, and --max_size allows {size_text(max_size)}; raise it, name "
            "fewer sources, or take the items of a benchmark only (--only FOLDER)"
        )
    needed = defaultdict[int, int](int)
    folders: dict[int, Path] = {}
    for plan in plans:
        folder = existing(plan.supply.folder)
        needed[folder.stat().st_dev] += plan.room
        folders[folder.stat().st_dev] = folder
    for device, folder in folders.items():
        free = shutil.disk_usage(folder).free
        if needed[device] > free:
            raise InputError(
                f"{folder}: {size_text(needed[device])} are needed and {size_text(free)} are free; make room, or take "
                "another folder with --data_root"
            )


def fetch(plans: Sequence[Plan], root: Path, say: Say, workers: int) -> Outcome:
    """Carries out plans. Whole archives come first and are then unpacked. What was placed stays, whatever happens.

    Raises InputError when something stops coming, or when another fetch is at work under the same root.
    """
    keep = root / KEPT
    keep.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(keep / "lock", timeout=0):
            damaged = _carry_out_all([task for plan in plans for task in plan.wholes], workers)
            if damaged:
                raise DamagedError("\n".join(damaged))
            if any(plan.wholes for plan in plans):
                plans = [make_plan(plan.source, plan.supply, root, say) for plan in plans]
                check_room(plans, None)
            tasks = [task for plan in plans for task in plan.tasks]
            damaged = _carry_out_all(tasks, workers)
    except Timeout as error:
        raise InputError(f"{root}: another fetch is at work here; wait for it, or end it") from error
    absent = sum(len(plan.absent) for plan in plans if plan.supply.each or plan.trouble)
    return Outcome(len(tasks) - len(damaged), tuple(damaged), absent)


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above that is there."""
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def _carry_out_all(tasks: Sequence[Task], workers: int) -> list[str]:
    """Does the tasks; gives what is wrong with those that arrived damaged. Raises the first other error."""
    arriving = Arriving(sum(task.missing for task in tasks))
    damaged: list[str] = []

    def run(group: Sequence[Task]) -> None:
        for task in group:
            try:
                carry_out(task, arriving.add)
            except DamagedError as error:
                damaged.append(str(error))

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(run, group) for group in _groups(tasks)]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            if not all(future.done() for future in futures):
                arriving.stop()
            pool.shutdown(cancel_futures=True)
            arriving.close()
    errors = [future.exception() for future in futures if not future.cancelled()]
    for error in errors:
        if error is not None and not isinstance(error, StoppedError):
            raise error
    return damaged


def _groups(tasks: Sequence[Task]) -> list[list[Task]]:
    """Tasks that may run side by side; those of a store that is read from front to back stay together, in its order."""
    alone = [[task] for task in tasks if not task.store.in_order]
    together = defaultdict[str, list[Task]](list)
    for task in tasks:
        if task.store.in_order:
            together[task.store.id].append(task)
    return alone + [sorted(group, key=lambda task: task.member.start) for group in together.values()]

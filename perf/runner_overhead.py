"""CPU that the runner itself costs: a trivial model on 10,000 text items, with a durable store.

    python perf/runner_overhead.py

Prints seconds of CPU (user and system, all threads) and of wall time per 1,000 items for a first run, which answers and
stores everything, and for a second one, which finds everything stored. Start-up and making the items are not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.types import Answer, Item, Mode, Request, Sampling, Video


@dataclass
class Trivial:
    """Answers A at once."""

    name: str = "trivial"
    revision: str = "1"
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    modes: frozenset[Mode] = frozenset({Mode.TEXT})
    sampling: Sampling = field(default_factory=lambda: Sampling("uniform", 8))
    at_once: int = 1
    wants_frames: bool = True

    def close(self) -> None:
        """It holds nothing."""

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        return (Answer("A", (-0.1, -2.5, -3.0, -4.0)) for _ in requests)


def make_items(count: int, per_video: int) -> list[Item]:
    options = ("the red car", "a blue car that turns left", "the green bus", "two people on a bench")
    return [
        Item(
            id=f"perf/{number}",
            question=f"What passes in front of the camera after sign number {number} has come into view?",
            options=options,
            answer=number % 4,
            video=Video(str(number // per_video), Path(f"/videos/{number // per_video}.mp4")),
        )
        for number in range(count)
    ]


def timed(items: Sequence[Item], directory: Path) -> tuple[float, float]:
    """CPU and wall seconds of one run, opening and closing the store included."""
    cpu, wall = time.process_time(), time.perf_counter()
    with Store(directory) as store:
        run(Trivial(), items, [Mode.TEXT], store)
    return time.process_time() - cpu, time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--per-video", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the store is made; the system's temporary folder by default")
    given = parser.parse_args()
    items = make_items(given.items, given.per_video)
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        for label in ("first run", "second run"):
            cpu, wall = timed(items, Path(folder) / "store")
            per = 1000 / given.items
            print(f"{label}: {cpu * per:.4f} s CPU, {wall * per:.4f} s wall per 1,000 items ({given.items:,} items)")


if __name__ == "__main__":
    main()

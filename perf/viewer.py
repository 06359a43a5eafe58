"""Times the run viewer: `python perf/viewer.py [--items 400] [--models 10] [--videos 250] [--folder FOLDER]`.

A generated world is rendered into the folder (once), and every model gets made-up answers in three modes with real
frame plans, spread over four samplings. Timed are reading the runs, pages of the server, and the static report without
and with pictures. With more items than the world has, its questions are repeated under new ids.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from apollobench.benchmark import Entry, write_benchmark
from apollobench.evaluate.judge import respond
from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.evaluate.store import Store, response_key
from apollobench.report.tables import markdown_table
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, LETTERS, Answer, FramePlan, Item, Mode, Response, Sampling
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import Probe, probe
from apollobench.viewer.detail import Films, detail
from apollobench.viewer.index import Query, find
from apollobench.viewer.links import Served
from apollobench.viewer.pages import Book
from apollobench.viewer.report import write_report
from apollobench.viewer.table import read_table

SAMPLINGS = (
    Sampling("uniform", frames=16),
    Sampling("uniform", frames=32),
    Sampling("fps", frames=32, fps=2.0),
    Sampling("clips", max_clips=8),
)
MODES = (Mode.TEXT, Mode.FRAME, Mode.VIDEO)


@dataclass(frozen=True, slots=True)
class Model:
    name: str
    sampling: Sampling
    revision: str = "made up"
    settings: dict[str, str | int | float | bool] = field(default_factory=dict)
    modes: tuple[Mode, ...] = MODES


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--videos", type=int, default=250)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        make_world(folder / "world", arguments.videos, 2_000_000)
        name = f"{arguments.items}x{arguments.models}"
        runs = make_runs(folder / name, folder / "world", arguments.items, arguments.models)
        measure(runs, folder / f"{name}-report")


def make_runs(folder: Path, world: Path, count: int, models: int) -> list[Path]:
    """A benchmark of `count` items, and a result of every model on it; what is there already is left alone."""
    items = spread(read_world(world), count)
    manifest = write_benchmark(
        folder / "benchmark", [Entry(item) for item in items], [], {"name": "made up"}, "# made up\n"
    ).manifest_hash
    runs = [folder / f"model-{number:02}" for number in range(models)]
    for number, run in enumerate(runs):
        if not (run / "results.json").exists():
            make_run(run, Model(f"model-{number:02}", SAMPLINGS[number % len(SAMPLINGS)]), items, manifest, number)
    return runs


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """`count` questions on as many of the videos as there are."""
    by_video: dict[str, list[Item]] = {}
    for item in items:
        by_video.setdefault(item.video.id, []).append(item)
    turns = [
        own[turn] for turn in range(max(map(len, by_video.values()))) for own in by_video.values() if turn < len(own)
    ]
    return [
        replace(item, id=f"{item.id}-{n}", category=item.category or CATEGORIES[n % len(CATEGORIES)])
        for n, item in zip(range(count), (turns * (1 + count // len(turns)))[:count], strict=True)
    ]


def make_run(run: Path, model: Model, items: Sequence[Item], manifest: str, seed: int) -> None:
    rng = random.Random(seed)
    plans: dict[str, FramePlan] = {}
    responses: list[Response] = []
    for item in items:
        for mode in MODES:
            plan = plan_for_mode(probed(item.video.path), mode, model.sampling, item.fingerprint)
            name = plan.fingerprint if plan else None
            if plan and name:
                plans[name] = plan
            weights = [rng.random() for _ in item.options]
            chances = tuple(math.log(weight / sum(weights)) for weight in weights)
            text = f"The answer is {LETTERS[weights.index(max(weights))]}."
            key = response_key(item, mode, name, None, model, "1")
            responses.append(respond(item, mode, model.name, key, name, Answer(text, chances)))
    with Store(run / "responses") as store:
        store.append(responses, plans)
    write_results(run, model, items, responses, About("made up", manifest, len(items)))


@cache
def probed(path: Path) -> Probe:
    return probe(path)


def measure(runs: Sequence[Path], out: Path) -> None:
    seconds: dict[str, tuple[float, float]] = {}

    def timed(what: str, work: Callable[[], Any]) -> Any:
        start, cpu = time.perf_counter(), time.process_time()
        found = work()
        seconds[what] = time.perf_counter() - start, time.process_time() - cpu
        return found

    table = timed("reading the runs", lambda: read_table(runs))
    book = Book(table, Films(table))
    links = Served()
    timed("view: first page", lambda: book.overview(links))
    listed = timed("view: list, first time", lambda: find(book.rows, table.modes, Query(show="disagree", sort="split")))
    timed("view: list, another filter", lambda: find(book.rows, table.modes, Query(show="wrong", text="which")))
    number = listed[0].number
    timed("view: an item", lambda: book.item(links, [detail(table, book.films, number)], _alone()))
    video = book.films.number(table.entries[number])
    timed("view: its frames", lambda: book.films.film(video).webp(0))
    timed("report --no_frames", lambda: write_report(table, out, frames=False))
    timed("report", lambda: write_report(table, out))
    print(
        markdown_table(
            ["what", "seconds", "CPU seconds"], [[k, f"{a:.2f}", f"{b:.2f}"] for k, (a, b) in seconds.items()]
        )
    )
    files = [path for path in out.rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    print(
        f"\n{len(files):,} files, {sum(path.stat().st_size for path in files) / 2**20:.1f} MiB, the largest "
        f"{largest.relative_to(out)} with {largest.stat().st_size / 2**10:.0f} KiB"
    )


def _alone() -> dict[str, object]:
    return {"words": {}, "place": None, "total": 1, "before": None, "after": None}


if __name__ == "__main__":
    main()

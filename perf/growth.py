"""How costs grow: CPU seconds at four sizes, each twice the one before, and the line through them.

    python perf/growth.py                  # all curves, some five minutes on two cores
    python perf/growth.py --only "items"   # those whose name begins so

Sizes take turns, and the least of some rounds counts. `off the line` is the largest relative distance of a size from
the line that fits best by least squares of relative error; a cost that grows faster than its size bends away from it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import selection
from decode import CENTER, TWO_FPS, UNIFORM, repeat_video, write_video
from readers import cpu_seconds, make_job, readers
from runner_overhead import make_items, timed
from store import append, curate, open_one

from apollobench.curate.holdout import spec_for
from apollobench.curate.select import select
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.registry import load_model
from apollobench.report.tables import markdown_table
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import Item, Mode, Sampling

FIRST_SEED = 2_700_000
RESPONSES_PER_ITEM = 40  # of perf/store.py: ten models in four modes
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Curve:
    """What grows by what. unit, per: the slope is told in seconds per so many units. prepare: makes the work timed."""

    name: str
    unit: str
    per: int
    sizes: Sequence[int]
    prepare: Callable[[Path, int], Work]


def runner(folder: Path, items: int) -> Work:
    made, count = make_items(items, per_video=3), iter(range(1000))
    return lambda: timed(made, folder / f"runner-{items}-{next(count)}")


def tiny_model(folder: Path, items: int) -> Work:
    """Video mode, decoding and the durable store included, torch's start not."""
    model, asked, count = load_model("apollo-tiny"), _world(folder)[:items], iter(range(1000))
    if len(asked) < items:
        raise SystemExit(f"the generated world has {len(asked)} questions, {items} are wanted")

    def work() -> None:
        with Store(folder / f"tiny-{items}-{next(count)}") as store:
            run(model, asked, (Mode.VIDEO,), store, progress=False)

    return work


def _world(folder: Path) -> list[Item]:
    if not (folder / "world").exists():
        make_world(folder / "world", 200, FIRST_SEED, workers=2, progress=False)
    return read_world(folder / "world")


def stored(stage: Callable[[Path, int], int]) -> Callable[[Path, int], Work]:
    def prepare(folder: Path, responses: int) -> Work:
        items, place = responses // RESPONSES_PER_ITEM, folder / f"store-{responses}"
        if not place.exists():
            append(place, items)
        return lambda: stage(place, items)

    return prepare


def selecting(folder: Path, models: int) -> Work:
    candidates = selection.draw(models, 50_000)
    spec = spec_for("item_rest", 400, 0, item_rest_gate=False)
    return lambda: select(candidates, spec)


def reading(sampling: Sampling) -> Callable[[Path, int], Work]:
    def prepare(folder: Path, minutes: int) -> Work:
        minute, long = folder / "minute.mp4", folder / f"{minutes}.mp4"
        if not minute.exists():
            write_video(minute, gop=30)
        if not long.exists():
            repeat_video(minute, long, minutes)
        return partial(readers()["ours"], make_job(long, sampling))

    return prepare


CURVES = (
    Curve("items: runner beside a trivial model", "items", 1000, (2500, 5000, 10_000, 20_000), runner),
    Curve("items: apollo-tiny, video mode", "items", 1000, (200, 400, 800, 1600), tiny_model),
    Curve("models: item_rest on 50,000 items", "models", 100, (25, 50, 100, 200), selecting),
    Curve("responses: open a store", "responses", 100_000, (40_000, 80_000, 160_000, 320_000), stored(open_one)),
    Curve("responses: filter and select", "responses", 100_000, (20_000, 40_000, 80_000, 160_000), stored(curate)),
    Curve("minutes of video: 2 frames a second", "minutes", 1, (1, 2, 4, 8), reading(TWO_FPS)),
    Curve("minutes of video: 32 frames", "minutes", 60, (9, 18, 36, 72), reading(UNIFORM)),
    Curve("minutes of video: center frame", "minutes", 60, (9, 18, 36, 72), reading(CENTER)),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="beginning of the names of the curves wanted")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for curve in CURVES:
            if curve.name.startswith(given.only):
                rows.append(measured(curve, Path(folder), given.rounds))
                print(rows[-1], flush=True)
    print(markdown_table(["by what, of what", "sizes", "CPU seconds", "slope", "start", "off the line"], rows))


def measured(curve: Curve, folder: Path, rounds: int) -> list[str]:
    works = {size: curve.prepare(folder, size) for size in curve.sizes}
    runs = [[cpu_seconds(work) for work in works.values()] for _ in range(rounds)]
    seconds = np.min(runs, axis=0)
    sizes = np.array(curve.sizes, float)
    design = np.stack([sizes, np.ones_like(sizes)], axis=1) / seconds[:, None]
    slope, start = np.linalg.lstsq(design, np.ones_like(sizes), rcond=None)[0]
    off = np.abs((slope * sizes + start) / seconds - 1).max()
    return [
        curve.name,
        ", ".join(f"{size:,}" for size in curve.sizes),
        ", ".join(f"{value:.3f}" for value in seconds),
        f"{slope * curve.per:.3f} s per {curve.per:,} {curve.unit}",
        f"{start:.3f} s",
        f"{off:.0%}",
    ]


if __name__ == "__main__":
    main()

"""What a store of many responses costs: `python perf/store.py [--responses 1000000] [--folder DIR]`.

Ten models answer items in four modes, each response with its log-probabilities, stored as a runner stores them. Each
stage is a process of its own, so that its peak memory is its own:

* append: the lines are written, in groups of one video's questions;
* open: what a runner of one model does before it begins;
* compact: all lines into one sorted Parquet snapshot, sorted in temporary files (set TMPDIR where /tmp is small);
* open again: the same from the snapshot;
* curate: the responses are streamed into the arrays of a curation, then filter and selection of the shipped recipe
  decide on the whole pool.

The bar is 4 GB of memory for ten million responses.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from os import SEEK_END
from pathlib import Path

from apollobench.evaluate.place import Where, place_of
from apollobench.types import CATEGORIES, Item, Mode, Response, Status, Video, digest

MODELS = tuple(f"model-{number}" for number in range(10))
PER_VIDEO = 3
BAR = 4e9
Count = Callable[[Where, int], int]


def pool(items: int) -> list[Item]:
    options = ("red", "green", "blue", "white")
    return [
        Item(
            f"pool/{number:07}",
            f"Which colour is number {number}?",
            options,
            number % 4,
            Video(f"v{number // PER_VIDEO}", Path(f"/v/{number // PER_VIDEO}.mp4")),
            CATEGORIES[number % len(CATEGORIES)],
        )
        for number in range(items)
    ]


def append(where: Where, items: int) -> int:
    """Models are right more often the more they see; an item's difficulty is the same for all."""
    import numpy as np

    from apollobench.evaluate.store import Store

    rng = np.random.default_rng(0)
    ease = rng.random(items)
    stores = [Store(where, model=model) for model in MODELS]
    for strength, (model, opened) in enumerate(zip(MODELS, stores, strict=True)):
        with opened as store:
            for first in range(0, items, PER_VIDEO):
                luck = rng.random((len(Mode), PER_VIDEO))
                store.append(
                    [
                        _response(model, mode, number, luck[m, number - first] < ease[number] * (4 + m + strength) / 16)
                        for m, mode in enumerate(Mode)
                        for number in range(first, min(first + PER_VIDEO, items))
                    ]
                )
    return items * len(MODELS) * len(Mode)


def _response(model: str, mode: Mode, number: int, right: bool) -> Response:
    choice = number % 4 if right else (number + 1) % 4
    logprobs = (-0.213867 - choice, -2.526367, -3.151367, -4.276367)
    key = digest([model, mode, number])
    return Response(key, f"pool/{number:07}", model, mode, Status.OK, "ABCD"[choice], choice, logprobs, key[:32])


def open_one(where: Where, items: int) -> int:
    from apollobench.evaluate.store import Store

    with Store(where, model=MODELS[0]) as store:
        assert len(store.responses) == items * len(Mode)
    return items * len(MODELS) * len(Mode)


def compact(where: Where, items: int) -> int:
    from apollobench.evaluate.compact import compact as make

    done = make(where)
    assert done.responses == items * len(MODELS) * len(Mode)
    return done.responses


def curate(where: Where, items: int) -> int:
    import numpy as np

    from apollobench.curate.answers import gather
    from apollobench.curate.categorize import Categorized
    from apollobench.curate.decide import candidates_of
    from apollobench.curate.filter import ballots, judge
    from apollobench.curate.select import select
    from apollobench.evaluate.store import stream_responses
    from apollobench.recipe import load_recipe

    recipe = load_recipe("apollobench").recipe
    made = pool(items)
    answers = gather(made, stream_responses(where), MODELS, tuple(Mode))
    assert all((answers.status[mode] >= 0).all() for mode in Mode)
    verdicts = judge(ballots(answers, recipe.filter), recipe.filter)
    survivors = np.flatnonzero([verdict.keep for verdict in verdicts])
    candidates = candidates_of(recipe, answers, [Categorized(item, "") for item in made], survivors)
    chosen = select(candidates, recipe.select).chosen
    print(f"{len(survivors):,} of {items:,} items kept, {len(chosen)} selected", file=sys.stderr, flush=True)
    return items * len(MODELS) * len(Mode)


def measured(stage: Count, where: Where, items: int) -> tuple[int, float, float, float]:
    """Responses, wall and CPU seconds, and peak memory in bytes of the process, imports included."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = stage(where, items)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return count, time.perf_counter() - wall, time.process_time() - cpu, peak


def main() -> None:
    from apollobench.report.tables import markdown_table

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--responses", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where the store is made; the system's temporary folder by default")
    parser.add_argument("--address", help="an empty place where the store is made instead, such as s3://BUCKET/PATH")
    given = parser.parse_args()
    items = given.responses // (len(MODELS) * len(Mode))
    stages = {"append": append, "open": open_one, "compact": compact, "open again": open_one, "curate": curate}
    rows = []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        where = given.address or Path(folder) / "store"
        place = place_of(where)
        for name, stage in stages.items():
            with get_context("spawn").Pool(1) as process:
                count, wall, cpu, peak = process.apply(partial(measured, stage, where, items))
            size = sum(place.open(name).seek(0, SEEK_END) for name in place.names())
            bar = "met" if peak < BAR else "missed"
            told = [f"{count / cpu:,.0f}", f"{cpu:.1f} s", f"{wall:.1f} s", f"{peak / 1e9:.2f} GB", bar]
            rows.append([name, *told, f"{size / 1e6:,.0f} MB"])
            print(rows[-1], file=sys.stderr, flush=True)
    head = ["stage", "responses per second of CPU", "CPU", "wall", "peak memory", "4 GB", "store after it"]
    print(f"{items * len(MODELS) * len(Mode):,} responses\n\n{markdown_table(head, rows)}")


if __name__ == "__main__":
    main()

"""How well decoding hides behind the model: the wall time of a run, to the longer of decoding and answering alone.

    python perf/overlap.py                 # two cores; the bar is 1.1

apollo-tiny on one thread, one thread that decodes, so that each has a core. Three sets of videos: where the model takes
longer, where both take about as long, and where decoding does. Decoding, answering with the frames at hand, and the run
that does both take turns; each round starts with an empty store, and the medians of the rounds are told.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from decode import write_video

from apollobench.evaluate.prompt import build_prompt
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.base import Model
from apollobench.models.registry import load_model
from apollobench.report.tables import markdown_table
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import Item, Mode, Request, Video
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import probe

FIRST_SEED, BAR = 2_800_000, 1.1


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of wall."""

    decoding: float
    answering: float
    run: float

    @property
    def ratio(self) -> float:
        return self.run / max(self.decoding, self.answering)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, default=50, help="generated ones; of the larger files there are 24")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model("apollo-tiny")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        make_world(place / "world", given.videos, FIRST_SEED, workers=2, progress=False)
        world = read_world(place / "world")
        minute = write_video(place / "minute.mp4", gop=250)
        sets = {
            "generated, 96 x 96": world,
            "640 x 360, a minute, 8 questions each": shown(world, minute, 24, 8),
            "640 x 360, a minute, 1 question each": shown(world, minute, 24, 1),
        }
        for name, items in sets.items():
            one_round(model, items, place)  # warms up
            times = [one_round(model, items, place) for _ in range(given.rounds)]
            rows.append([name, *told(times)])
            print(rows[-1], flush=True)
    print(markdown_table(["videos", "decoding", "answering", "the run", "to the longer", "bar", ""], rows))


def shown(world: Sequence[Item], path: Path, videos: int, questions: int) -> list[Item]:
    """Questions of the generated world on copies of one larger file; what they ask for is not to be seen there."""
    copies = [path.with_name(f"{number}.mp4") for number in range(videos)]
    for copy in copies:
        if not copy.exists():
            copy.hardlink_to(path)
    asked = world[: videos * questions]
    return [
        replace(item, video=Video(f"{questions}-{number // questions}", copies[number // questions]))
        for number, item in enumerate(asked)
    ]


def one_round(model: Model, items: Sequence[Item], place: Path) -> Times:
    requests: list[Request] = []

    def read() -> None:
        frames = {}
        for item in items:
            if item.video.id not in frames:
                probed = probe(item.video.path)
                chosen = plan(probed, model.sampling)
                frames[item.video.id] = chosen, decode(probed, chosen.indices)
            requests.append(Request(item, Mode.VIDEO, build_prompt(item), *frames[item.video.id]))

    def answer() -> None:
        for _, group in groupby(requests, key=lambda request: request.item.video.id):
            list(model.answer(list(group)))

    def both() -> None:
        with tempfile.TemporaryDirectory(dir=place) as folder, Store(Path(folder)) as store:
            run(model, items, (Mode.VIDEO,), store, decode_workers=1, progress=False)

    return Times(timed(read), timed(answer), timed(both))


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def told(times: Sequence[Times]) -> list[str]:
    def middle(name: str) -> str:
        return f"{statistics.median(getattr(one, name) for one in times):.2f} s"

    ratios = [one.ratio for one in times]
    ratio = statistics.median(ratios)
    verdict = "met" if ratio <= BAR else "missed"
    cells = [middle("decoding"), middle("answering"), middle("run")]
    return [*cells, f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})", str(BAR), verdict]


if __name__ == "__main__":
    main()

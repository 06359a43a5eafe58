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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from decode import write_video
from serving import answer_all, by, read_all, timed, with_frames

from apollobench.models.apollo import ApolloModel, Options
from apollobench.models.roster import SHIPPED
from apollobench.report.tables import markdown_table
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import Item, Video

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
    model = ApolloModel.load("apollo-tiny", SHIPPED / "apollo-tiny", Options())
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


def one_round(model: ApolloModel, items: Sequence[Item], place: Path) -> Times:
    return Times(
        timed(read_all(model), items),
        timed(answer_all(model), with_frames(model, items)),
        timed(by(model, place, decode_workers=1), items),
    )


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

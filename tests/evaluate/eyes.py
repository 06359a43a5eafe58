"""A small world of real video files and a model that truly looks at them; also a program that runs one on the other.

`python eyes.py WORLD STORE [--shard i/n]` answers every question of WORLD in all modes into STORE. With DIE_AFTER=n in
the environment the process kills itself (SIGKILL, no clean-up) when the model has answered n questions.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

import av
import numpy as np

from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.run import run
from apollobench.evaluate.shard import WHOLE, parse_shard
from apollobench.evaluate.store import Store
from apollobench.types import Answer, Item, Mode, Request, Sampling, Video

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}
ORDERS = list(permutations(COLOURS))
PLACES = ("first", "middle", "last")
MODES = tuple(Mode)


def write_video(path: Path, colours: Sequence[str], *, frames_each: int = 4, side: int = 48) -> None:
    """A real H.264 file that shows one colour after the other."""
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264", rate=8)
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        for colour in colours:
            picture = np.full((side, side, 3), COLOURS[colour], np.uint8)
            for _ in range(frames_each):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))


def make_world(folder: Path, videos: int) -> list[Item]:
    """`videos` files with three questions each: which colour is shown first, in the middle, last?"""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(videos):
        write_video(folder / f"{number:03d}.mp4", ORDERS[number % len(ORDERS)])
    return read_world(folder)


def read_world(folder: Path) -> list[Item]:
    items = []
    for number, path in enumerate(sorted(folder.glob("*.mp4"))):
        order = ORDERS[int(path.stem) % len(ORDERS)]
        for place, colour in zip(PLACES, order, strict=True):
            options = ORDERS[number % 5]
            items.append(
                Item(
                    id=f"eyes/{path.stem}-{place}",
                    question=f"Which colour is shown {place}?",
                    options=options,
                    answer=options.index(colour),
                    video=Video(path.stem, path),
                    category={"first": "Perception", "middle": "Spatial", "last": "Reasoning"}[place],
                )
            )
    return items


@dataclass
class Eyes:
    """Names the colour of the frame asked about; blind, it takes the first option. `asked` counts its questions."""

    name: str = "eyes"
    revision: str = "1"
    settings: Mapping[str, str | int | float | bool] = field(default_factory=lambda: {"decoding": "exact"})
    modes: frozenset[Mode] = frozenset(Mode)
    sampling: Sampling = field(default_factory=lambda: Sampling(kind="uniform", frames=6, clip_frames=1))
    at_once: int = 1
    wants_frames: bool = True
    asked: int = 0

    def close(self) -> None:
        """It holds nothing."""

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        for request in requests:
            self.asked += 1
            index = self.look(request)
            count = len(request.item.options)
            logprobs = [float(np.log(0.1 / (count - 1)))] * count
            logprobs[index] = float(np.log(0.9))
            yield Answer("ABCDE"[index], tuple(logprobs))

    def look(self, request: Request) -> int:
        if request.frames is None:
            return 0
        which = {"first": 0, "middle": len(request.frames) // 2, "last": -1}[request.item.question.split()[-1][:-1]]
        mean = request.frames[which].reshape(-1, 3).mean(axis=0)
        seen = min(COLOURS, key=lambda colour: float(np.abs(mean - COLOURS[colour]).sum()))
        return request.item.options.index(seen)


@dataclass
class Mortal(Eyes):
    """Eyes whose process is killed when they have answered `die_after` questions."""

    die_after: int = -1

    def look(self, request: Request) -> int:
        if self.asked > self.die_after >= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().look(request)


def evaluate(world: Path, store: Path, shard: tuple[int, int] = WHOLE) -> RunCounts:
    model = Mortal(die_after=int(os.environ.get("DIE_AFTER", "-1")))
    with Store(store) as opened:
        return run(model, read_world(world), MODES, opened, shard=shard)


if __name__ == "__main__":
    world, store, *rest = sys.argv[1:]
    counts = evaluate(Path(world), Path(store), parse_shard(rest[1]) if rest else WHOLE)
    print(json.dumps({"asked": counts.asked, "stored": counts.stored}))

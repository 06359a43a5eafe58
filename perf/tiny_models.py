"""Items per second of CPU time of a tiny model, on one thread, in video mode, from frames that are already decoded.

python perf/tiny_models.py [--model apollo-tiny] [--videos 40]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch

from apollobench.evaluate.prompt import build_prompt
from apollobench.models.registry import load_model
from apollobench.sources.synthetic.make import SPLITS, make_world, read_world
from apollobench.types import Mode, Request
from apollobench.video.decode import decode
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe

ROUNDS = 5


def requests(videos: int, folder: Path, model_name: str) -> list[Request]:
    """Every question of `videos` held-out videos, with the frames that the model would see."""
    make_world(folder, videos, SPLITS["heldout"].start, workers=1, progress=False)
    sampling = load_model(model_name).sampling
    made, frames = [], {}
    for item in read_world(folder):
        found = probe(item.video.path)
        plan = plan_for_mode(found, Mode.VIDEO, sampling, item.fingerprint)
        assert plan is not None
        if item.video.id not in frames:
            frames[item.video.id] = decode(found, plan.indices, plan.size)
        made.append(Request(item, Mode.VIDEO, build_prompt(item), plan, frames[item.video.id]))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="apollo-tiny")
    parser.add_argument("--videos", type=int, default=40)
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = load_model(given.model)
    with tempfile.TemporaryDirectory() as folder:
        asked = requests(given.videos, Path(folder) / "world", given.model)
    rates = []
    for _ in range(ROUNDS):
        start = time.process_time()
        answers = list(model.answer(asked))
        assert len(answers) == len(asked)
        rates.append(len(asked) / (time.process_time() - start))
    rates.sort()
    print(f"| {given.model} | {len(asked)} items, {given.videos} videos | {rates[0]:.0f} | {rates[ROUNDS // 2]:.0f} |")


if __name__ == "__main__":
    print("| model | asked | items/s of CPU, slowest round | median |")
    print("| --- | --- | ---: | ---: |")
    main()

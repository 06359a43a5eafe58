"""A whole evaluation, from the command line to the written result: ours, and lmms-eval's of the same model and items.

    make test-lmms && .venv-lmms/bin/python perf/whole_eval.py        # needs lmms-eval, which has its own environment

apollo-tiny answers 400 generated questions in video mode, by `apollobench eval` and by lmms-eval with our task pack and
a model class that asks the same model (tests/lmms_eval/tiny_apollo.py). They take turns; a round is a fresh start of
both, with nothing stored. The class is given one question at a time with a file's path, as all simple classes of
lmms-eval are, so each question decodes and encodes its video again; ours does both once for all questions on a video.
Both have to choose the same options. Loading alone is timed with a single question.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from apollobench.benchmark import Entry, write_benchmark  # noqa: E402
from apollobench.report.tables import markdown_table  # noqa: E402
from apollobench.sources.synthetic.make import make_world, read_world  # noqa: E402
from apollobench.types import LETTERS, Item  # noqa: E402
from tests.lmms_eval.stock import Command, stock_command  # noqa: E402

FIRST_SEED = 2_600_000
MODEL, TASK = "apollo-tiny", "apollobench_video"
OURS, THEIRS = "apollobench eval", "lmms-eval"


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a process and of those that it started."""

    wall: float
    cpu: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        items = make_items(place / "world", given.items)
        costs: dict[str, dict[str, list[Cost]]] = {name: {"loading": [], "all": []} for name in (OURS, THEIRS)}
        for part, asked in (("loading", items[:1]), ("all", items)):
            benchmark = place / part
            write_benchmark(benchmark, [Entry(item) for item in asked], [], {"name": part}, f"# {part}\n")
            for number in range(given.rounds):
                for name, cost in one_round(place, benchmark, place / f"{part}-{number}").items():
                    costs[name][part].append(cost)
        videos = len({item.video.id for item in items})
        print(f"{len(items)} questions on {videos} videos, {given.rounds} rounds, medians\n")
        print(table(costs, len(items)))


def make_items(folder: Path, count: int) -> list[Item]:
    make_world(folder, count // 8, FIRST_SEED, workers=2, progress=False)
    return read_world(folder)[:count]


def one_round(place: Path, benchmark: Path, output: Path) -> Mapping[str, Cost]:
    """Both evaluations once. Raises SystemExit where they chose differently."""
    words = [sys.executable, "-m", "apollobench", "eval", "--model", MODEL, "--benchmark", str(benchmark)]
    own = Command([*words, "--mode", "video", "--output_path", str(output / "own")], os.environ)
    stock = stock_command(place, benchmark, TASK, output / "logs")
    cost = {OURS: spent(own, place), THEIRS: spent(stock, place)}
    ours = {line["item"]: line["choice"] for line in lines(output / "own" / "samples.jsonl")}
    (samples,) = (output / "logs").rglob(f"*_samples_{TASK}.jsonl")
    told = [line["apollobench_score"] for line in lines(samples)]
    theirs = {one["item"]: LETTERS.index(one["pred_answer"]) for one in told}
    if ours != theirs:
        raise SystemExit(f"{sum(ours[name] != theirs.get(name) for name in ours)} of {len(ours)} answers differ")
    return cost


def spent(command: Command, place: Path) -> Cost:
    before, begun = os.times(), time.perf_counter()
    done = subprocess.run(command.words, cwd=place, env=command.environment, capture_output=True, text=True)
    wall, after = time.perf_counter() - begun, os.times()
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    user, system = after.children_user - before.children_user, after.children_system - before.children_system
    return Cost(wall, user + system)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def table(costs: Mapping[str, Mapping[str, Sequence[Cost]]], items: int) -> str:
    """Medians, and the median of each round's ratio."""

    def middle(name: str, part: str, what: str) -> float:
        return statistics.median(getattr(cost, what) for cost in costs[name][part])

    rows = []
    for part, told in (("loading", "one question"), ("all", f"{items} questions")):
        for what, unit in (("wall", "seconds"), ("cpu", "seconds of CPU")):
            pairs = zip(costs[OURS][part], costs[THEIRS][part], strict=True)
            ratios = [getattr(ours, what) / getattr(theirs, what) for ours, theirs in pairs]
            cells = [f"{middle(name, part, what):.1f}" for name in (OURS, THEIRS)]
            rows.append(
                [told, unit, *cells, f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"]
            )
    return markdown_table(["what", "in", OURS, THEIRS, "ratio"], rows)


if __name__ == "__main__":
    main()

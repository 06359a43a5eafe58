"""What asking the whole suite costs, and what asking a selection of it: `python perf/suite_cost.py --folder FOLDER`.

Told: the full recipe over real annotations with their lengths (`--data_root`), whole against `--size` questions drawn
at random, since nobody's answers are at hand to select by. Measured: a curation of the generated world, whole pool
against what was selected, asked anew of one model, in turns; beside it, how well the selection ranks models that took
no part in it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

from apollobench.curate.forecast import Forecast, Load, forecast, load, total
from apollobench.curate.pipeline import curate, load_pool
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store, load_plans, load_responses
from apollobench.models.registry import load_model
from apollobench.recipe import load_recipe
from apollobench.report.tables import markdown_table
from apollobench.types import Item, Mode
from apollobench.video.lengths import video_lengths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="of the curation, which is taken up if it is there")
    parser.add_argument("--data_root", type=Path, help="real annotations, for the forecast")
    parser.add_argument("--size", type=int, default=400)
    parser.add_argument("--model", default="apollo-tiny")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.data_root:
        print(f"## Told\n\n{told(options.data_root, options.size)}\n", flush=True)
    print(f"## Measured\n\n{measured(options.folder, options.size, options.model, options.rounds)}")


def told(data_root: Path, size: int) -> str:
    """The load of panel and held-out models over the whole recipe, and over `size` of its questions."""
    found = forecast(load_recipe("apollobench").recipe, data_root)
    whole = total(list(found.loads.values()))
    part, seconds = sampled(found, size)
    hours = sum(pool.seconds for pool in found.pools) / 3600
    questions = sum(len(pool.asks) for pool in found.pools)
    rows = [
        ["questions", f"{questions:,}", f"{size:,}", ratio(questions, size)],
        ["hours of video", f"{hours:,.0f}", f"{seconds / 3600:,.1f}", ratio(hours, seconds / 3600)],
        ["requests of all models", f"{whole.requests:,}", f"{part.requests:,}", ratio(whole.requests, part.requests)],
        ["frames", f"{whole.frames:,}", f"{part.frames:,}", ratio(whole.frames, part.frames)],
    ]
    for name, of_whole, of_part in (
        ("million tokens", whole.tokens, part.tokens),
        ("A100 hours", whole.gpu_hours, part.gpu_hours),
    ):
        if of_whole and of_part:
            scale = 1e6 if "million" in name else 1
            rows.append(
                [
                    name,
                    *(f"{low / scale:,.1f} to {high / scale:,.1f}" for low, high in (of_whole, of_part)),
                    ratio(sum(of_whole), sum(of_part)),
                ]
            )
    return markdown_table(["the paper's recipe", "whole", "selected", "ratio"], rows)


def sampled(found: Forecast, size: int) -> tuple[Load, float]:
    """What `size` questions drawn at random cost, and the seconds of video that they are about, each counted."""
    rng = random.Random(0)
    chosen = rng.sample([(pool.name, ask) for pool in found.pools for ask in pool.asks], size)
    parts = [load(voter, [ask for _, ask in chosen], found.recipe.modes) for voter in found.voters]
    return total(parts), sum(ask.seconds or 0.0 for _, ask in chosen)


def measured(folder: Path, size: int, model: str, rounds: int) -> str:
    file = load_recipe("synthetic", {"select.size": size})
    items = load_pool(file.recipe, folder / "data")
    benchmark, decisions = curate(file, items, folder / "curation")
    chosen = {item.id for item in benchmark.items}
    suites = {"whole": items, "selected": [item for item in items if item.id in chosen]}
    costs = {name: counted(suite) for name, suite in suites.items()}
    seconds: dict[str, list[float]] = {name: [] for name in suites}
    frames: dict[str, int] = {}
    for turn in range(rounds):
        for name, suite in suites.items():
            store = folder / "timed" / f"{name}-{turn}"
            shutil.rmtree(store, ignore_errors=True)
            seconds[name].append(asked(model, suite, store))
            frames[name] = shown(store)
    rows = [
        [what, *(f"{costs[name][what]:,.0f}" for name in suites), ratio(*(costs[name][what] for name in suites))]
        for what in costs["whole"]
    ]
    rows.append(["frames shown", *(f"{frames[name]:,}" for name in suites), ratio(*(frames[name] for name in suites))])
    middle = {name: statistics.median(took) for name, took in seconds.items()}
    rows.append(["seconds", *(f"{middle[name]:.1f}" for name in suites), ratio(*middle.values())])
    agreement = decisions.examination.held_out
    rank = "no held-out models"
    if agreement:
        ours, theirs = (agreement.low, agreement.high), (agreement.random_low, agreement.random_high)
        rank = (
            f"Kendall tau {agreement.tau:.2f} ({ours[0]:.2f} to {ours[1]:.2f}) of {len(agreement.models)} models; "
            f"random subsets {agreement.random_mean:.2f} ({theirs[0]:.2f} to {theirs[1]:.2f})"
        )
    table = markdown_table([f"{model}, three modes", "whole", "selected", "ratio"], rows)
    return f"{table}\n\nRanks of held-out models, selection against the whole pool: {rank}."


def counted(items: Sequence[Item]) -> dict[str, float]:
    """Questions, videos, and seconds of video: of each file once."""
    lengths = video_lengths(item.video.path for item in items)
    return {"questions": len(items), "videos": len(lengths), "seconds of video": sum(lengths.values())}


def asked(model: str, items: Sequence[Item], store: Path) -> float:
    """Seconds of wall time of every question in three modes, the loading of the model left out."""
    loaded = load_model(model)
    start = time.perf_counter()
    with Store(store) as opened:
        run(loaded, items, (Mode.TEXT, Mode.FRAME, Mode.VIDEO), opened, progress=False)
    return time.perf_counter() - start


def shown(store: Path) -> int:
    """Frames that were put before the model, question by question."""
    plans = load_plans(store)
    return sum(len(plans[response.plan].indices) for response in load_responses(store) if response.plan)


def ratio(whole: float, part: float) -> str:
    return f"{whole / part:.1f}"


if __name__ == "__main__":
    main()

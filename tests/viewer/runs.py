"""Real runs for the viewer: rendered videos, true frame plans, stores and results, and answers that are made up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from apollobench.benchmark import Benchmark, Entry, write_benchmark
from apollobench.evaluate.judge import failed, respond
from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.evaluate.store import Store, response_key
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, LETTERS, Answer, FramePlan, Item, Mode, Response, Sampling, Video
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe

MARKUP = "<script>document.title = 'ran'</script><img src=x onerror=\"document.title='ran'\">&amp;"
MODES = (Mode.TEXT, Mode.FRAME, Mode.VIDEO)
EIGHT = Sampling("uniform", frames=8)


@dataclass(frozen=True, slots=True)
class Model:
    """Who made-up answers are of."""

    name: str
    sampling: Sampling = EIGHT
    revision: str = "0123456789abcdef"
    settings: dict[str, str | int | float | bool] = field(default_factory=lambda: {"decoding": "greedy"})
    modes: tuple[Mode, ...] = MODES


Says = Callable[[int, Item, Mode], int | str | None]  # an option's index, a text that names none, None for an error


def world(root: Path, videos: int = 3) -> list[Item]:
    """Four questions on each of a few rendered videos, the first with markup wherever text can stand."""
    make_world(root / "data", videos, 2_000_000, workers=1, progress=False)
    by_video: dict[str, list[Item]] = {}
    for item in read_world(root / "data"):
        by_video.setdefault(item.video.id, []).append(item)
    items = [
        replace(item, category=CATEGORIES[n % len(CATEGORIES)], native={"label": f"kind {n}"})
        for n, item in enumerate(item for own in by_video.values() for item in own[:4])
    ]
    options = (MARKUP, *items[0].options[1:])
    items[0] = replace(items[0], question=f"What? {MARKUP}", options=options, native={"label": MARKUP})
    return items


def benchmark(root: Path, items: Sequence[Item], left_out: Sequence[Item] = ()) -> Benchmark:
    """These items in `root/benchmark`, with what a curation says of itself."""
    panel = [{"model": name, "revision": "r", "settings": {}, "sampling": None} for name in ("one", "two", "three")]
    dropped = [
        Entry(item, rule="filter:paper", version=1, reason="2 of 2 models are right in text mode") for item in left_out
    ]
    kept = [Entry(item, "native:label", score=1 - n / 20, evidence={Mode.TEXT: (1, 2)}) for n, item in enumerate(items)]
    about = {
        "name": "toy",
        "panel": panel[:2],
        "held_out": panel[2:],
        "counts": {"pool": len(items) + len(left_out), "dropped": {"text": len(left_out)}},
    }
    return write_benchmark(root / "benchmark", kept, dropped, about, "# toy\n")


def answers(model: Model, items: Sequence[Item], says: Says) -> tuple[list[Response], dict[str, FramePlan]]:
    """What `says` makes the model say, under the keys and plans of a real run."""
    plans: dict[str, FramePlan] = {}
    responses = []
    for n, item in enumerate(items):
        for mode in model.modes:
            plan = plan_for_mode(probe(item.video.path), mode, model.sampling, item.fingerprint)
            name = plan.fingerprint if plan else None
            if plan and name:
                plans[name] = plan
            key = response_key(item, mode, name, None, model, "1")
            said = says(n, item, mode)
            if said is None:
                responses.append(failed(item, mode, model.name, key, name, f"it broke: {MARKUP}"))
                continue
            chances = None
            if isinstance(said, int):
                rest = 0.3 / max(1, len(item.options) - 1)
                chances = tuple(math.log(0.7 if i == said else rest) for i in range(len(item.options)))
            text = LETTERS[said] if isinstance(said, int) else said
            responses.append(respond(item, mode, model.name, key, name, Answer(text, chances)))
    return responses, plans


def result(folder: Path, made: Benchmark, model: Model, says: Says) -> Path:
    """A result of `eval` on the benchmark."""
    items = made.items
    responses, plans = answers(model, items, says)
    with Store(folder / "responses") as store:
        store.append(responses, plans)
    write_results(folder, model, items, responses, About(made.name, made.manifest_hash, len(items)))
    return folder


def right(n: int, item: Item, mode: Mode) -> int:
    return item.answer


def mixed(n: int, item: Item, mode: Mode) -> int | str | None:
    """Item 0 names no option, 1 is an error, every third of the others is wrong in video mode."""
    if n == 0:
        return f"I cannot tell. {MARKUP}"
    if n == 1:
        return None
    return (item.answer + 1) % len(item.options) if n % 3 == 0 and mode is Mode.VIDEO else item.answer


def without_videos(count: int) -> list[Item]:
    """Many items whose videos are nowhere."""
    return [
        Item(
            f"many/{n:05}",
            f"Question number {n} about nothing in particular?",
            ("yes", "no", "perhaps"),
            n % 3,
            Video(f"v{n // 4}", Path(f"/nowhere/v{n // 4}.mp4")),
            CATEGORIES[n % 5],
        )
        for n in range(count)
    ]

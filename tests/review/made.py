"""A small benchmark to review: rendered videos, real questions, and what two real (untrained) models answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from apollobench.apollo.checkpoint import save_apollo
from apollobench.benchmark import Entry, write_benchmark
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.registry import load_model
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, Item, Mode

from .. import tiny

VIDEOS, PER_VIDEO = 3, 4
SCRIPT = "<script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\"> & 'so' on"


def make_benchmark(root: Path) -> Path:
    """Twelve questions on three videos, one of them with markup in it, and answers in text and video mode."""
    make_world(root / "data", VIDEOS, 2_000_100, workers=1, progress=False)
    items = _chosen(read_world(root / "data"))
    items[1] = replace(items[1], question=SCRIPT, options=(f"{SCRIPT} 0", *items[1].options[1:]))
    directory = root / "benchmark"
    with Store(directory / "responses") as store:
        for seed, name in enumerate(("apollo-3b", "apollo-7b")):
            save_apollo(tiny.model(seed=seed), tiny.tokenizer(), root / name)
            model = load_model(name, {"pretrained": str(root / name), "max_new_tokens": "2"})
            run(model, items, [Mode.TEXT, Mode.VIDEO], store, progress=False)
    write_benchmark(directory, [Entry(item, "native:label") for item in items], [], {"name": "toy"}, "# toy\n")
    return directory


def _chosen(items: list[Item]) -> list[Item]:
    videos = dict.fromkeys(item.video.id for item in items)
    some = [item for video in videos for item in [i for i in items if i.video.id == video][:PER_VIDEO]]
    return [replace(item, category=CATEGORIES[n % 2]) for n, item in enumerate(some)]

"""Makes a benchmark from annotations in their published formats, and publishes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apollobench.benchmark import Entry, write_benchmark
from apollobench.publish.edition import prepare
from apollobench.publish.write import write as write_published
from apollobench.sources import load_items
from apollobench.types import CATEGORIES, Item, Mode

from ..sources.made import NEXTQA, VIDEOMME, write

EACH = 5  # questions of each source, of which the last is dropped
SECRETS = ("How many candles burn", "Nobody counts", "Counting Problem", "Humanity & History")
OWN: dict[str, Any] = {"id": "0", "question": "Is it wet?", "options": ["yes", "no"], "answer": 1, "video": "lake"}
PANEL = [{"model": name, "revision": "r1", "settings": {}, "sampling": None} for name in ("a-2b", "b-7b")]
SOURCES: list[dict[str, Any]] = [
    {"name": "videomme", "options": {}},
    {"name": "nextqa", "options": {}},
    {"name": "jsonl:mine.jsonl", "options": {"id": "id", "answer_is": "place", "licence": "CC-BY-4.0"}},
]


@dataclass(frozen=True)
class World:
    """data: the sources' annotations and videos. benchmark: what was made of them, in a folder beside it."""

    data: Path
    benchmark: Path

    @property
    def annotations(self) -> Path:
        """The file of the source whose questions may not be passed on."""
        return self.data / "videomme" / "videomme.json"

    def edit(self, change: Callable[[list[dict[str, Any]]], object]) -> None:
        """Changes that file as its publishers might."""
        rows = json.loads(self.annotations.read_text())
        change(rows)
        self.annotations.write_text(json.dumps(rows))


def make_annotations(data: Path) -> None:
    """Files as their publishers have them, and a file where each video should be."""
    options = ["A. One.", "B. Two.", "C. Three.", "D. Nobody counts."]
    films = [f"film{n}" for n in range(EACH)]
    asked = [f"How many candles burn in part {n}?" for n in range(EACH)]
    ids = [f"00{n}-1" for n in range(EACH)]
    secret = [
        {**VIDEOMME, "question_id": i, "question": q, "videoID": v, "options": options}
        for i, q, v in zip(ids, asked, films, strict=True)
    ]
    write(data / "videomme" / "videomme.json", secret)
    write(data / "nextqa" / "test.csv", [{**NEXTQA, "qid": n, "question": f"why {n}"} for n in range(EACH)])
    write(data / "mine.jsonl", [{**OWN, "id": str(n), "question": f"Is lake {n} wet?"} for n in range(EACH)])
    videos = [f"videomme/data/{name}.mp4" for name in films]
    for name in [*videos, f"nextqa/NExTVideo/{NEXTQA['video']}.mp4", "lake"]:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_bytes(b"not decoded here")


def entry_of(item: Item, number: int) -> Entry:
    category = CATEGORIES[number % len(CATEGORIES)]
    label = next(iter(item.native), "")
    provenance = f"native:{label}={item.native[label]}" if label else "person:reviewer"
    votes = dict.fromkeys((Mode.TEXT, Mode.FRAME, Mode.VIDEO), (number % 3, 2))
    return Entry(replace(item, category=category), provenance, number / 8, votes, f"media{item.video.id}")


def read_pool(data: Path, sources: list[dict[str, Any]]) -> list[list[Item]]:
    """The items of each source, `mine.jsonl` read from the data folder."""
    names = [source["name"].replace("mine.jsonl", str(data / "mine.jsonl")) for source in sources]
    return [load_items(name, source["options"], data) for name, source in zip(names, sources, strict=True)]


def make_benchmark(place: Path, sources: list[dict[str, Any]], **about: Any) -> World:
    """A world whose benchmark has all questions of the sources but the last of each, which was dropped."""
    data = place / "data"
    make_annotations(data)
    pools = read_pool(data, sources)
    kept = [entry_of(item, n) for pool in pools for n, item in enumerate(pool[:-1])]
    left = [replace(entry_of(pool[-1], 9), rule="filter:paper", version=1, reason="text: 2 of 2") for pool in pools]
    recipe = {"text": json.dumps({"name": "mixed", "sources": sources, "select": {"size": 12}}), "overrides": {}}
    manifest = {"name": "mixed", "recipe": recipe, "prompt": "1", "panel": PANEL, "held_out": [], **about}
    write_benchmark(place / "benchmark", kept, left, manifest, "# mixed\n")
    return World(data, place / "benchmark")


def publish(benchmark: Path, output: Path, **more: Any) -> Path:
    told = {"repository": "me/mixed", "version": "1.2.0", "day": "2026-11-26", **more}
    write_published(prepare(benchmark, told["repository"], told["version"], told["day"]), output)
    return output

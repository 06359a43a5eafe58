"""Benchmarks and publications."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from apollobench.errors import InputError
from apollobench.types import Mode, Video

from .register import ITEMS, command, set_hash, target, use


def _benchmark(folder: Path) -> None:
    from apollobench.benchmark import Entry, write_benchmark
    from apollobench.recipe import load_recipe

    (folder / "videos").mkdir()
    entries = []
    for n, item in enumerate(ITEMS):
        path = folder / "videos" / f"v{n % 3}.mp4"
        path.write_bytes(b"not decoded here")
        own = replace(item, video=Video(item.video.id, path), native={"task": "Counting"})
        entries.append(
            Entry(own, "native:task=Counting", 0.5, {Mode.TEXT: (1, 3)}, "m" * 16, tests={Mode.TEXT: (0.5, 0.1)})
        )
    left = replace(entries.pop(), rule="filter:paper", version=1, reason="too easy")
    file = load_recipe("synthetic")
    recipe = {"file": file.name, "text": file.text, "overrides": {}, "fingerprint": file.fingerprint}
    write_benchmark(folder / "bench", entries, [left], {"name": "toy", "recipe": recipe, "panel": []}, "# toy\n")


def _mend_benchmark(folder: Path) -> None:
    for name in ("items.parquet", "dropped.parquet", "README.md"):
        for manifest in folder.glob("bench*/manifest.json"):
            set_hash(manifest, ("files", name), manifest.with_name(name))


@target("benchmark", _benchmark, ("*.parquet", "manifest.json"), _mend_benchmark)
def _bench(folder: Path, out: Path) -> None:
    from apollobench.curate.recorded import recorded_answers
    from apollobench.imports.job import from_benchmark
    from apollobench.recipe import recorded_recipe

    pool = from_benchmark(folder / "bench")
    use(pool.pool)
    from apollobench.benchmark import load_benchmark

    loaded = load_benchmark(folder / "bench")
    recorded_recipe(loaded.manifest, "toy")
    try:
        recorded_answers(folder / "bench")
    except InputError as error:
        if "no answer" not in str(error):
            raise


def _publication(folder: Path) -> None:
    from ...publish.made import SOURCES, make_benchmark, publish

    publish(make_benchmark(folder, SOURCES).benchmark, folder / "published")


def _mend_publication(folder: Path) -> None:
    sums = folder / "published" / "SHA256SUMS"
    try:
        names = [line.partition("  ")[2] for line in sums.read_text().splitlines()]
        lines = [f"{hashlib.sha256((sums.parent / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    except (OSError, ValueError):
        return
    sums.write_text("".join(lines))


@target("publish", _publication, ("benchmark/*.parquet", "benchmark/manifest.json"), _mend_benchmark)
def _publish(folder: Path, out: Path) -> None:
    command("publish", folder / "benchmark", "--to", out / "published", "--name", "me/toy", "--date", "2026-11-26")


@target(
    "rebuild",
    _publication,
    ("published/data/*.parquet", "published/manifest.json", "published/SHA256SUMS"),
    _mend_publication,
)
def _rebuild(folder: Path, out: Path) -> None:
    command("rebuild", folder / "published", "--data_root", folder / "data", "--to", out / "bench")


@target("diff", _publication, ("published/data/*.parquet", "published/manifest.json"), _mend_publication)
def _diff(folder: Path, out: Path) -> None:
    command("diff", folder / "benchmark", folder / "published")

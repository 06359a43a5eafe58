"""A generated world of short videos, and questions about it whose needs and answers are known."""

from __future__ import annotations

from pathlib import Path

from apollobench.errors import InputError
from apollobench.sources.base import Options, Source
from apollobench.types import Item


def _read(options: Options, root: Path) -> list[Item]:
    """Render the world that the options ask for, unless it is there, and read it."""
    from apollobench.sources.synthetic.make import make_world, read_world

    missing = sorted({"videos", "seed"} - options.keys())
    if missing:
        raise InputError(f"source synthetic needs the option {missing[0]!r} (videos: how many, seed: of the first)")
    videos, seed = int(options["videos"]), int(options["seed"])
    world = root / f"synthetic-{seed}-{videos}"
    make_world(world, videos, seed)
    return read_world(world)


SOURCE = Source("synthetic", "a generated world with known truth", ("videos", "seed"), _read)

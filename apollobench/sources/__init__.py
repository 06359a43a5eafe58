"""Where items come from. A source is a function from its options and a data folder to items; one file per source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from apollobench.errors import InputError
from apollobench.types import Item

Value = int | float | bool | str
Read = Callable[[Mapping[str, Value], Path], list[Item]]


@dataclass(frozen=True, slots=True)
class Source:
    """`read(options, root)` yields the items; `root` is the folder in which the source's data lies or is made."""

    name: str
    about: str
    options: tuple[str, ...]
    read: Read


def sources() -> dict[str, Source]:
    """Every source by name."""
    return {"synthetic": Source("synthetic", "a generated world with known truth", ("videos", "seed"), _synthetic)}


def load_items(name: str, options: Mapping[str, Value], root: Path) -> list[Item]:
    """The items of one source. Raises InputError for an unknown source or option, naming the valid ones."""
    known = sources()
    if name not in known:
        raise InputError(f"unknown source {name!r}; there are {', '.join(known)}")
    strange = sorted(options.keys() - set(known[name].options))
    if strange:
        raise InputError(f"source {name} has no option {strange[0]!r}; valid: {', '.join(known[name].options)}")
    return known[name].read(options, root)


def _synthetic(options: Mapping[str, Value], root: Path) -> list[Item]:
    """Render the world that the options ask for, unless it is there, and read it."""
    from apollobench.sources.synthetic.make import make_world, read_world

    missing = sorted({"videos", "seed"} - options.keys())
    if missing:
        raise InputError(f"source synthetic needs the option {missing[0]!r} (videos: how many, seed: of the first)")
    videos, seed = int(options["videos"]), int(options["seed"])
    world = root / f"synthetic-{seed}-{videos}"
    make_world(world, videos, seed)
    return read_world(world)

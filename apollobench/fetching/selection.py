"""What is to be fetched: supplies of sources by name, or of just the items of a benchmark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollobench.arguments import choose_recipe
from apollobench.benchmark import absolute, load_benchmark
from apollobench.errors import InputError
from apollobench.sources import find_source
from apollobench.sources.base import Options, Supply
from apollobench.types import Item
from apollobench.yamlfile import load_yaml


@dataclass(frozen=True, slots=True)
class Selection:
    """supplies: source -> what it needs. left_out: sources of a benchmark whose files are not on the hub."""

    supplies: Mapping[str, list[Supply]]
    left_out: tuple[str, ...] = ()


def select_sources(names: str, root: Path, *, subtitles: bool = False) -> Selection:
    """All items of sources (separated by commas), read as `curate --sources` reads them.

    Raises InputError as their readers do, and for a source whose files are not on the hub.
    """
    sources = choose_recipe(names, None, {}, {"subtitles": subtitles}).recipe.sources
    return Selection({each.name: _supplies(each.name, each.options, root, None) for each in sources})


def select_items(directory: Path, names: str | None, root: Path, *, subtitles: bool = False) -> Selection:
    """The items of a benchmark, of all its sources or of those named, read with the options that its manifest tells.

    Raises InputError as `load_benchmark` and the readers do, and for a source that it has no item of.
    """
    benchmark = load_benchmark(directory, needs_videos=False)
    ids = defaultdict[str, set[str]](set)
    for item in benchmark.items:
        ids[source_of(item)].add(item.id)
    told = _told(benchmark.manifest)
    chosen = [name.strip() for name in names.split(",")] if names else sorted(ids)
    supplies, left_out = {}, []
    for name in chosen:
        if name not in ids:
            raise InputError(f"{directory} has no item of {name}; it has: {', '.join(sorted(ids))}")
        if not names and not _is_on_hub(name):
            left_out.append(name)
            continue
        options = dict(told[name] if name in told else choose_recipe(name, None, {}).recipe.sources[0].options)
        if subtitles and "subtitles" in find_source(name)[0].options:
            options["subtitles"] = True
        supplies[name] = _supplies(name, options, root, ids[name])
    if not supplies:
        raise InputError(f"{directory}: nothing of it is on the hub; its items are of {', '.join(sorted(ids))}")
    return Selection(supplies, tuple(left_out))


def source_of(item: Item) -> str:
    return item.id.partition("/")[0]


def videos_root(directory: Path, supplies: Mapping[str, list[Supply]]) -> Path | None:
    """What `eval --data_root` has to be for the videos where they were fetched to; None if no folder fits all."""
    benchmark = load_benchmark(directory, needs_videos=False)
    root = absolute(directory / benchmark.manifest["media_root"])
    fetched = defaultdict[tuple[str, str], list[Path]](list)
    for name, needed in supplies.items():
        for path in (each.folder / file for each in needed for file in each.files):
            fetched[name, path.stem].append(path)
    roots = set()
    for item in benchmark.items:
        tail = absolute(item.video.path).relative_to(root)
        for place in fetched[source_of(item), tail.stem]:
            if place.with_suffix("").parts[-len(tail.parts) :] == tail.with_suffix("").parts:
                roots.add(Path(*place.parts[: -len(tail.parts)]))
    return roots.pop() if len(roots) == 1 else None


def _supplies(name: str, options: Options, root: Path, ids: set[str] | None) -> list[Supply]:
    source, carried = find_source(name)
    if source.supplies is None:
        raise InputError(
            f"source {name}: its videos are not on the hub; `apollobench sources list` tells what it reads"
        )
    return source.supplies({**options, **carried}, root, ids)


def _is_on_hub(name: str) -> bool:
    try:
        return find_source(name)[0].supplies is not None
    except InputError:  # made by a source that is not part of this version, or from a table
        return False


def _told(manifest: Mapping[str, Any]) -> dict[str, Options]:
    """The options of each source in the recipe that made a benchmark."""
    recipe = manifest.get("recipe") or {}
    try:
        listed = recipe.get("overrides", {}).get("sources") or load_yaml(recipe["text"], "recipe")["sources"]
        return {each["name"]: each["options"] for each in listed}
    except (KeyError, TypeError, InputError):
        return {}

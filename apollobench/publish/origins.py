"""How the sources of a benchmark were read, from the recipe in its manifest, so that they can be read again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollobench.sources import find_source
from apollobench.sources.base import Value
from apollobench.yamlfile import load_yaml, put

ABSOLUTE = re.compile(r"^(\w+:)?[/~]")
PLACES = frozenset({"data", "videos", "tasks", "at_hand"})  # options about the files of the machine that curated


@dataclass(frozen=True, slots=True)
class Origin:
    """A source as the recipe names it, and the options that it was read with, but for PLACES."""

    name: str
    options: Mapping[str, Value]


def origins(manifest: Mapping[str, Any]) -> dict[str, list[Origin]]:
    """By source of items: how it was read, once per split. Empty when the manifest holds no recipe that says it."""
    listed = effective_recipe(manifest).get("sources")
    found: dict[str, list[Origin]] = {}
    for entry in listed if isinstance(listed, list) else []:
        options = dict(entry.get("options") or {})
        kept = {name: value for name, value in options.items() if name not in PLACES}
        found.setdefault(_source_of_items(entry["name"], options), []).append(Origin(entry["name"], kept))
    return found


def local_paths(manifest: Mapping[str, Any]) -> list[str]:
    """Absolute paths of the machine that curated, in the recipe's sources: others will see them, and lack the files."""
    listed = effective_recipe(manifest).get("sources")
    sources = listed if isinstance(listed, list) else []
    said = [str(value) for each in sources for value in (each["name"], *(each.get("options") or {}).values())]
    return sorted({text for text in said if ABSOLUTE.search(text)})


def effective_recipe(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The recipe in a manifest as plain data, with what the command line changed in it. Empty when there is none."""
    recipe = manifest.get("recipe") or {}
    said = load_yaml(recipe.get("text") or "", f"the recipe in the manifest of {manifest.get('name')}")
    if not isinstance(said, dict):
        return {}
    for dotted, value in (recipe.get("overrides") or {}).items():
        put(said, dotted, value)
    return said


def _source_of_items(name: str, options: Mapping[str, Value]) -> str:
    """What stands before the slash in the ids of a source's items: the option `name` where a source has it."""
    source, carried = find_source(name)
    if not source.argument:
        return source.name
    argument = str(carried[source.argument])
    return str(options.get("name", Path(argument).stem if source.argument == "path" else argument))

"""What the text of an option means: lists, pairs, and options that only make sense together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apollobench.errors import InputError
from apollobench.types import Mode

if TYPE_CHECKING:
    from apollobench.recipe import RecipeFile


def parse_pairs(text: str) -> dict[str, str]:
    """`name=value,name=value` as a mapping; empty text is an empty one. Raises InputError that shows the form."""
    pairs = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not (equals and name and value):
            raise InputError(f"model_args: {part!r} is no pair; expected name=value,name=value")
        pairs[name] = value
    return pairs


def parse_modes(text: str) -> tuple[Mode, ...]:
    """Modes separated by commas, each once. Raises InputError as `parse_mode` does."""
    return tuple(dict.fromkeys(parse_mode(part.strip()) for part in text.split(",")))


def parse_mode(text: str) -> Mode:
    """One mode by name. Raises InputError that lists the valid ones."""
    if text not in set(Mode):
        raise InputError(f"unknown mode {text!r}; valid: {', '.join(Mode)}")
    return Mode(text)


def choose_recipe(source: str | None, recipe: str | None, overrides: Mapping[str, Any]) -> RecipeFile:
    """The recipe that a source and a recipe's name mean. Raises InputError without either, or when they disagree."""
    from apollobench.recipe import load_recipe
    from apollobench.sources import sources

    if source is not None and source not in sources():
        raise InputError(f"unknown source {source!r}; there are {', '.join(sources())}")
    name = recipe or source
    if name is None:
        raise InputError("nothing to curate; name a source with --sources, or a recipe with --recipe")
    file = load_recipe(name, overrides)
    used = [part.name for part in file.recipe.sources]
    if source is not None and used != [source]:
        raise InputError(f"{file.name} takes its items from {', '.join(used)}, --sources says {source}; leave one out")
    return file

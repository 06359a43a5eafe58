"""Where items come from. A source is one file or folder here that defines SOURCE; it is found by itself."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from apollobench.errors import InputError
from apollobench.sources.base import Options, Source, Value
from apollobench.types import Item

__all__ = ["Source", "Value", "find_source", "load_items", "sources"]


@cache
def sources() -> dict[str, Source]:
    """Every source by name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    found = [module.SOURCE for module in modules if hasattr(module, "SOURCE")]
    return {source.name: source for source in sorted(found, key=lambda source: source.name)}


def find_source(name: str) -> tuple[Source, dict[str, Value]]:
    """The source that a name means, and the option that its name carries (`csv:PATH`).

    Raises InputError that lists the sources.
    """
    kind, colon, argument = name.partition(":")
    source = sources().get(kind)
    if source is None:
        raise InputError(f"unknown source {name!r}; there are {', '.join(each.form for each in sources().values())}")
    if bool(source.argument) != bool(argument) or (colon and not argument):
        raise InputError(f"source {name!r} is not written as it should be: {source.form}")
    return source, {source.argument: argument} if argument else {}


def load_items(name: str, options: Options, root: Path) -> list[Item]:
    """The items of one source. Raises InputError for an unknown source or option, naming the valid ones."""
    source, carried = find_source(name)
    strange = sorted(options.keys() - set(source.options))
    if strange:
        raise InputError(f"source {name} has no option {strange[0]!r}; valid: {', '.join(source.options)}")
    return source.read({**options, **carried}, root)

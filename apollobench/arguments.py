"""What the text of an option means: lists, pairs, and options that only make sense together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from apollobench.errors import InputError
from apollobench.redact import is_secret
from apollobench.types import Mode

FULL_RECIPE = "apollobench"
Choice = TypeVar("Choice")

if TYPE_CHECKING:
    from pathlib import Path

    from apollobench.evaluate.cluster.options import ClusterOptions
    from apollobench.recipe import RecipeFile
    from apollobench.types import Item


def parse_pairs(text: str, option: str = "model_args") -> dict[str, str]:
    """`name=value,name=value` as a mapping; empty text is an empty one. Raises InputError that shows the form.

    option: what errors call it.
    """
    pairs = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not (equals and name and value):
            raise InputError(f"{option}: {part!r} is no pair; expected name=value,name=value")
        pairs[name] = value
    return pairs


def parse_model_args(text: str) -> dict[str, str]:
    """`--model_args` as a mapping. Raises InputError for a secret, which results would tell to everyone."""
    pairs = parse_pairs(text)
    for name in pairs:
        if is_secret(name):
            raise InputError(
                f"model_args: {name} would stand in the results; a key or token belongs into an environment variable "
                "(OPENAI_API_KEY, HF_TOKEN, or the one that api_key_env names)"
            )
    return pairs


def parse_size(text: str) -> int:
    """`20GB` or `1.5 TB` in bytes, by powers of ten. Raises InputError that shows the form."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise InputError(f"{text!r} is no size; expected such as 500MB, 20GB or 1.5TB")
    power: int = " kmgt".index(found[2].lower() or " ")
    return round(float(found[1]) * float(1000**power))


def parse_modes(text: str) -> tuple[Mode, ...]:
    """Modes separated by commas, each once. Raises InputError as `parse_mode` does."""
    return tuple(dict.fromkeys(parse_mode(part.strip()) for part in text.split(",")))


def parse_mode(text: str) -> Mode:
    """One mode by name. Raises InputError that lists the valid ones."""
    if text not in set(Mode):
        raise InputError(f"unknown mode {text!r}; valid: {', '.join(Mode)}")
    return Mode(text)


def parse_counts(text: str) -> tuple[int, ...]:
    """Positive whole numbers separated by commas. Raises InputError that shows the form."""
    parts = [part.strip() for part in text.split(",")]
    wrong = next((part for part in parts if not part.isdecimal() or int(part) < 1), None)
    if wrong is not None:
        raise InputError(f"{wrong!r} is no number of items; expected whole numbers separated by commas, such as 50,100")
    return tuple(int(part) for part in parts)


def parse_choice(option: str, text: str, valid: Mapping[str, Choice]) -> Choice:
    """What a word stands for. Raises InputError that lists the valid words."""
    if text not in valid:
        raise InputError(f"{option}: unknown {text!r}; valid: {', '.join(valid)}")
    return valid[text]


def parse_engine(
    engine: str, address: str | None, num_gpus: float | None, replicas: int | None
) -> ClusterOptions | None:
    """Where a command runs its models: on a cluster, or, if None, on this machine.

    Raises InputError for an unknown engine, for one that is not installed, and for settings of a cluster without one.
    """
    from apollobench.evaluate.cluster.connection import require_ray
    from apollobench.evaluate.cluster.options import ClusterOptions

    given = {"address": address, "gpus": num_gpus, "replicas": replicas}
    settings: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if parse_choice("engine", engine, {"local": False, "ray": True}):
        require_ray()
        return ClusterOptions(**settings)
    if settings:
        raise InputError("--address, --num_gpus and --replicas say how a cluster is used; add --engine ray")
    return None


def choose_recipe(
    names: str | None, recipe: str | None, overrides: Mapping[str, Any], flags: Mapping[str, bool] | None = None
) -> RecipeFile:
    """The recipe for sources (separated by commas) or of a name; sources take the place of those that it lists.

    Without a name it is the single source's own shipped recipe, else the full procedure. A source that the recipe
    lists keeps its options there. flags: options to set for every source that has them. Raises InputError without
    sources and recipe, for unknown ones, and for a flag that no source has.
    """
    from apollobench.recipe import load_recipe, shipped_recipes
    from apollobench.sources import find_source

    wanted = [part.strip() for part in names.split(",")] if names is not None else []
    if not wanted and recipe is None:
        raise InputError("nothing to curate; name sources with --sources, or a recipe with --recipe")
    for name in wanted:
        find_source(name)
    repeated = next((name for i, name in enumerate(wanted) if name in wanted[:i]), None)
    if repeated is not None:
        raise InputError(f"--sources: {repeated} is named twice")
    own = wanted[0] if len(wanted) == 1 and wanted[0] in shipped_recipes() else FULL_RECIPE
    file = load_recipe(recipe or own, overrides)
    listed = {source.name: dict(source.options) for source in file.recipe.sources}
    wanted = wanted or list(listed)
    sources = _with_flags({name: listed.get(name, {}) for name in wanted}, flags or {})
    if sources == listed:
        return file
    changed: dict[str, Any] = {"sources": [{"name": name, "options": options} for name, options in sources.items()]}
    if wanted != list(listed):
        changed["name"] = "+".join(re.sub(r"[^\w.-]+", "-", name) for name in wanted)
    return load_recipe(recipe or own, {**overrides, **changed})


def panel_overrides(text: str | None) -> dict[str, Any]:
    """What `--panel` puts in the place of a recipe's models; nothing for None. Raises InputError as `find_panel`."""
    if text is None:
        return {}
    from apollobench.models.roster import find_panel

    chosen = find_panel(text)
    return {"panel": list(chosen.panel), "held_out": list(chosen.held_out)}


def categorizer_changes(file: RecipeFile, method: str | None, arguments: str) -> dict[str, Any]:
    """What `--categorizer` and `--categorizer_args` change in a recipe, by dotted place.

    A recipe's own settings of that method stay; for another method the shipped ones of `curation/categorizers.yaml`
    come in. Raises InputError for an unknown method, and for arguments that are no pairs.
    """
    from apollobench.content import content_path
    from apollobench.yamlfile import load_yaml, read_text

    changes: dict[str, Any] = {}
    path = content_path("curation", "categorizers.yaml")
    shipped = load_yaml(read_text(path), str(path))
    if method is not None and method not in shipped:
        raise InputError(f"--categorizer: unknown method {method!r}; valid: {', '.join(shipped)}")
    if method is not None and method != file.recipe.categorize.method:
        changes["categorize"] = {"method": method, **shipped[method]}
    for name, value in parse_pairs(arguments, "categorizer_args").items():
        changes[f"categorize.{name}"] = load_yaml(value, f"--categorizer_args {name}")
    return changes


def items_of_sources(names: str, data_root: Path) -> list[Item]:
    """The items of sources (separated by commas), read as `curate --sources` reads them.

    Their readers get what a shipped recipe tells them. Raises InputError as they do.
    """
    from apollobench.sources import load_items

    sources = choose_recipe(names, None, {}).recipe.sources
    return [item for source in sources for item in load_items(source.name, source.options, data_root)]


def _with_flags(sources: Mapping[str, Mapping[str, Any]], flags: Mapping[str, bool]) -> dict[str, dict[str, Any]]:
    from apollobench.sources import find_source

    taken = {name: find_source(name)[0].options for name in sources}
    on = [flag for flag, value in flags.items() if value]
    for flag in on:
        if not any(flag in options for options in taken.values()):
            raise InputError(f"--{flag}: none of the sources {', '.join(sources)} has this option")
    return {
        name: {**options, **{flag: True for flag in on if flag in taken[name]}} for name, options in sources.items()
    }

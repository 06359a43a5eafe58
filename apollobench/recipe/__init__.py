"""The recipe: everything that decides what a benchmark becomes, read from one file of `curation/`.

No key has a default here. What a recipe does not say is an error, so that nothing about a selection hides in code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.recipe.categorize import Categorize
from apollobench.recipe.fields import Count, Level, Name, Section, Seed, Share
from apollobench.recipe.filter import FilterSpec
from apollobench.recipe.select import PanelSelection, Selecting
from apollobench.types import Mode, digest
from apollobench.yamlfile import parse_yaml, read_text


class Source(Section):
    """Where items come from. options: what that source's reader is told, such as the split."""

    name: Name
    options: dict[str, Annotated[int, Field(strict=True)] | float | bool | str]


class Lint(Section):
    """alpha: level of the tests. max_unparsed, max_missing, max_same_letter: shares above which a run is suspect."""

    alpha: Level
    max_unparsed: Share
    max_missing: Share
    max_same_letter: Share


class Validation(Section):
    """How the result is examined on models and truths that took no part in making it."""

    random_subsets: Count
    bootstrap: Count
    confidence: Level
    seed: Seed


class Recipe(Section):
    """A curation from the first item to the last check, in the order in which it happens."""

    name: Name
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    prompt: Name
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    panel: Annotated[tuple[Name, ...], Field(min_length=1)]
    held_out: tuple[Name, ...]
    lint: Lint
    filter: Annotated[FilterSpec, Field(discriminator="method")]
    categorize: Annotated[Categorize, Field(discriminator="method")]
    select: Annotated[Selecting, Field(discriminator="method")]
    validation: Validation

    @field_validator("panel", "held_out", "modes")
    @classmethod
    def _each_once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        repeated = next((value for i, value in enumerate(values) if value in values[:i]), None)
        if repeated is not None:
            raise ValueError(f"{repeated} is named twice")
        return values

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        both = [model for model in self.panel if model in self.held_out]
        if both:
            raise ValueError(f"{both[0]} is in panel and in held_out; a model that votes cannot validate the vote")
        ranked = (self.select.mode,) if isinstance(self.select, PanelSelection) else ()
        for mode in (*self.filter.modes, *ranked):
            if mode not in self.modes:
                raise ValueError(f"the filter or the selection needs mode {mode}, and modes does not run it")
        if len(self.panel) < self.filter.min_votes:
            raise ValueError(
                f"panel of {len(self.panel)}, but filter.min_votes asks for {self.filter.min_votes} usable answers per "
                f"item: no item could be judged. Name more models, or lower filter.min_votes if so few votes are meant"
            )
        return self


@dataclass(frozen=True, slots=True)
class RecipeFile:
    """A recipe, the text it was read from, and what the command line changed in it (dotted place -> value)."""

    recipe: Recipe
    name: str
    text: str
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Hash of what the recipe says, overrides included; comments and layout do not count."""
        return digest(self.recipe.model_dump(mode="json"))


def load_recipe(name: str | Path, overrides: Mapping[str, Any] | None = None) -> RecipeFile:
    """A shipped recipe by name (`synthetic`) or one of your own by path (`my.yaml`).

    overrides: dotted place -> value, for example `{"select.size": 100}`; they are validated like the file itself.
    Raises InputError naming file, line and place, or listing the shipped recipes.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = content_path("curation") / f"{name}.yaml"
        if str(name) not in shipped_recipes():
            raise InputError(
                f"no recipe called {name!r}; shipped: {', '.join(shipped_recipes())}. "
                f"For a recipe of your own give its path, ending in .yaml"
            )
    text = read_text(path)
    changes = dict(overrides or {})
    return RecipeFile(parse_yaml(text, str(path), Recipe, changes), path.name, text, changes)


def recorded_recipe(manifest: Mapping[str, Any], name: str) -> RecipeFile:
    """The recipe that a benchmark's manifest records; `name` is what errors call it. Raises InputError without one."""
    held = manifest.get("recipe")
    if not isinstance(held, dict) or "text" not in held:
        raise InputError(f"{name}: records no recipe; a benchmark that `apollobench curate` made has one")
    changes = held.get("overrides", {})
    return RecipeFile(
        parse_yaml(held["text"], name, Recipe, changes), str(held.get("file", name)), held["text"], changes
    )


def shipped_recipes() -> tuple[str, ...]:
    """The names of the recipes in `curation/`: its YAML files that say where items come from."""
    files = sorted(content_path("curation").glob("*.yaml"))
    return tuple(file.stem for file in files if "\nsources:" in file.read_text(encoding="utf-8"))

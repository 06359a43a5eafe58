"""The recipe: everything that decides what a benchmark becomes, read from one file of `curation/`.

No key has a default here. What a recipe does not say is an error, so that nothing about a selection hides in code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.types import CATEGORIES, Mode, digest
from apollobench.yamlfile import parse_yaml, read_text

Count = Annotated[int, Field(strict=True, ge=1)]
Seed = Annotated[int, Field(strict=True, ge=0)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Level = Annotated[float, Field(gt=0.0, lt=1.0, allow_inf_nan=False)]
Name = Annotated[str, Field(strict=True, min_length=1)]


class Section(BaseModel):
    """A part of a recipe: unknown keys are errors, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class PaperFilter(Section):
    """Drop what more than `threshold` of the panel answers right in any of `modes`.

    An item needs `min_votes` usable answers in each of them; one with fewer was not judged and is dropped as that.
    """

    method: Literal["paper"]
    threshold: Annotated[float, Field(ge=0.0, lt=1.0, allow_inf_nan=False)]
    modes: Annotated[tuple[Mode, ...], Field(min_length=1)]
    min_votes: Count


class NativeCategories(Section):
    """Categories from the source's own labels through the map in `curation/categories.yaml`."""

    method: Literal["native"]


class TextCategories(Section):
    """Where there is no label, a classifier of the question's text that learns from the items that have one.

    words: longest run of words that counts as one feature. min_items: a feature occurs in at least so many questions.
    c: inverse strength of the penalty. folds, seed: of the cross-validation that says how good it is.
    """

    method: Literal["text"]
    words: Count
    min_items: Count
    c: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
    folds: Annotated[int, Field(strict=True, ge=2)]
    seed: Seed


class HttpCategories(Section):
    """Where there is no label, a language model behind a server that speaks the OpenAI API.

    base_url: of the API. api_key_env: environment variable of the key, null for OPENAI_API_KEY. model: the id to ask
    for. max_new_tokens: longest reply. body: further fields of every request, null to leave out one of ours. sample:
    how many labelled items are asked about too, drawn by `seed`, to see how far it agrees with the labels.
    """

    method: Literal["http"]
    base_url: Name
    api_key_env: Name | None
    model: Name
    max_new_tokens: Count
    body: dict[str, Any]
    sample: Annotated[int, Field(strict=True, ge=0)]
    seed: Seed

    @field_validator("base_url")
    @classmethod
    def _without_credentials(cls, value: str) -> str:
        if "@" in value:
            raise ValueError("holds a user or password, which would stand in the manifest; name api_key_env instead")
        return value


Categorize = NativeCategories | TextCategories | HttpCategories


class Quotas(Section):
    """How many items each category gives, and what happens when the survivors do not suffice."""

    size: Count
    quotas: Literal["balanced"] | dict[str, Count]
    max_per_video: Count | None
    when_short: Literal["take_all", "stop"]
    tie_break: Literal["hash"]
    seed: Seed

    @model_validator(mode="after")
    def _quotas_are_possible(self) -> Self:
        if isinstance(self.quotas, dict):
            unknown = [name for name in self.quotas if name not in CATEGORIES]
            if unknown:
                raise ValueError(f"quotas for unknown category {unknown[0]!r}; valid: {', '.join(CATEGORIES)}")
            total = sum(self.quotas.values())
            if total != self.size:
                raise ValueError(f"quotas add up to {total}, size is {self.size}; make them equal or use balanced")
        return self


class EntropySelection(Quotas):
    """Rank by the entropy of right against wrong over the panel's answers in `mode`."""

    method: Literal["entropy"]
    mode: Mode


class RandomSelection(Quotas):
    """Rank by a seeded hash of the item's id: the baseline that a better rule has to beat."""

    method: Literal["random"]


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
    filter: PaperFilter
    categorize: Annotated[Categorize, Field(discriminator="method")]
    select: Annotated[EntropySelection | RandomSelection, Field(discriminator="method")]
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
        ranked = (self.select.mode,) if isinstance(self.select, EntropySelection) else ()
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


def shipped_recipes() -> tuple[str, ...]:
    """The names of the recipes in `curation/`: its YAML files that say where items come from."""
    files = sorted(content_path("curation").glob("*.yaml"))
    return tuple(file.stem for file in files if "\nsources:" in file.read_text(encoding="utf-8"))

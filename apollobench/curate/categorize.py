"""Sorts items into the five categories. Each method is a function registered by name; the recipe names one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.recipe import NativeCategories
from apollobench.types import CATEGORIES, Item
from apollobench.yamlfile import read_yaml


class Definition(BaseModel):
    """What belongs into a category, what does not, and questions that show it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    definition: str
    excludes: str
    examples: Annotated[tuple[str, ...], Field(min_length=2)]


class NativeLabels(BaseModel):
    """label: which native label of a source to read. categories: its value -> category."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    label: str
    categories: dict[str, str]

    @model_validator(mode="after")
    def _categories_exist(self) -> Self:
        for value, category in self.categories.items():
            if category not in CATEGORIES:
                raise ValueError(f"{value}: {category} is not a category; valid: {', '.join(CATEGORIES)}")
        return self


class Categories(BaseModel):
    """The content of `curation/categories.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    definitions: dict[str, Definition]
    native: dict[str, NativeLabels]

    @model_validator(mode="after")
    def _all_are_defined(self) -> Self:
        if set(self.definitions) != set(CATEGORIES):
            raise ValueError(f"definitions must be of {', '.join(CATEGORIES)}; found {', '.join(self.definitions)}")
        return self


@dataclass(frozen=True, slots=True)
class Categorized:
    """An item whose `category` is set, and where the category came from, for example `native:task=count`."""

    item: Item
    provenance: str


Categorizer = Callable[[Sequence[Item], NativeCategories], list[Categorized]]
CATEGORIZERS: dict[str, Categorizer] = {}


def categorizer(name: str) -> Callable[[Categorizer], Categorizer]:
    """Registers a categorizer under the name that a recipe's `categorize.method` gives."""

    def register(function: Categorizer) -> Categorizer:
        CATEGORIZERS[name] = function
        return function

    return register


def read_categories() -> Categories:
    """The shipped definitions and maps."""
    return read_yaml(content_path("curation", "categories.yaml"), Categories)


@categorizer("native")
def native(items: Sequence[Item], spec: NativeCategories) -> list[Categorized]:
    """Categories by the source's own labels. Raises InputError naming item and label where the map says nothing."""
    maps = read_categories().native
    return [_by_label(item, maps) for item in items]


def _by_label(item: Item, maps: dict[str, NativeLabels]) -> Categorized:
    labels = maps.get(item.source)
    if labels is None:
        raise InputError(
            f"{item.id}: categories.yaml has no map for source {item.source!r}; "
            f"it has: {', '.join(maps)}. Add the source's labels under `native`"
        )
    value = item.native.get(labels.label)
    if value is None:
        raise InputError(f"{item.id}: has no native label {labels.label!r}; it has: {', '.join(item.native) or 'none'}")
    category = labels.categories.get(value)
    if category is None:
        raise InputError(
            f"{item.id}: native label {labels.label}={value!r} has no category; add it to categories.yaml under "
            f"native.{item.source}.categories (known: {', '.join(labels.categories)})"
        )
    return Categorized(replace(item, category=category), f"native:{labels.label}={value}")

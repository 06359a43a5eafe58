"""The content of `curation/categories.yaml`: definitions, and the way from each source's own labels to a category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from apollobench.content import content_path
from apollobench.curate.categorize.base import Categorized
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


def read_categories() -> Categories:
    """The shipped definitions and maps."""
    return read_yaml(content_path("curation", "categories.yaml"), Categories)


def by_label(item: Item, maps: Mapping[str, NativeLabels]) -> tuple[Categorized | None, str]:
    """The item's category by its source's own label; or None, and what would have to be put right."""
    labels = maps.get(item.source)
    if labels is None:
        return None, (
            f"{item.id}: categories.yaml has no map for source {item.source!r}; "
            f"it has: {', '.join(maps)}. Add the source's labels under `native`"
        )
    value = item.native.get(labels.label)
    if value is None:
        return None, (
            f"{item.id}: has no native label {labels.label!r}; it has: {', '.join(item.native) or 'none'}. "
            f"Have the source's reader give one"
        )
    category = labels.categories.get(value)
    if category is None:
        return None, (
            f"{item.id}: native label {labels.label}={value!r} has no category; add it to categories.yaml under "
            f"native.{item.source}.categories (known: {', '.join(labels.categories)})"
        )
    return Categorized(replace(item, category=category), f"native:{labels.label}={value}"), ""

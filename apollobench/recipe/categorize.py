"""The categories of a recipe: who says what an item tests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from apollobench.recipe.fields import Count, Name, Section, Seed


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

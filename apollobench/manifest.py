"""What of a benchmark's manifest.json is relied on when it is read: it may come from anywhere.

Beside these keys a manifest holds others, which are kept as they are.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from apollobench.types import LETTERS

Count = Annotated[int, Field(ge=0, lt=1 << 62)]


class Part(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Recipe(Part):
    text: str
    file: str = ""
    overrides: dict[str, Any] = {}


class Asked(Part):
    """A model of the panel, or one held out."""

    model: str
    revision: str
    settings: dict[str, Any]
    sampling: dict[str, Any] | None


class Correction(Part):
    key: Annotated[str, Field(pattern=f"^[{LETTERS}]$")]


class Review(Part):
    keys: dict[str, Correction] = {}


class Counts(Part):
    dropped: dict[str, Count] = {}


class Items(Part):
    count: Count
    fingerprint: str


class About(Part):
    """How a benchmark was made, wherever it lies. Only those that `curate` made hold more than name and items."""

    name: Annotated[str, Field(min_length=1)]
    items: Items
    prompt: str = ""
    recipe: Recipe | None = None
    panel: tuple[Asked, ...] = ()
    held_out: tuple[Asked, ...] = ()
    review: Review | None = None
    counts: Counts | None = None


class Manifest(About):
    """files: name -> SHA-256. media_root: folder of the videos, from the benchmark's."""

    files: dict[Annotated[str, Field(pattern=r"^[\w.-]+$")], str]
    media_root: str

"""What of results.json and samples.jsonl is relied on when they are read back; they may have been through any hands.

Beside these fields the files hold others (see `layout`), which are not looked at here.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from apollobench.types import Mode, Status

Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Count = Annotated[int, Field(ge=0, lt=1 << 62, strict=True)]


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Model(Part):
    name: str
    revision: str
    settings: dict[str, Any]
    sampling: dict[str, Any] | None


class Interval(Part, strict=True):
    """An `Estimate`."""

    value: Finite
    se: Finite | None
    low: Finite
    high: Finite
    n: Count
    clusters: Count
    level: Annotated[float, Field(gt=0, lt=1)]


class Failures(Part, strict=True):
    """How many questions ended without an answer; the other statuses stand beside them."""

    error: Count
    unsupported: Count


class Scored(Part):
    """One mode: accuracies with their intervals, which are None without an answer."""

    overall: Interval | None
    macro: Interval | None
    categories: dict[str, Interval | None]
    statuses: Failures


class File(Part):
    name: str
    sha256: str


class Imported(Part):
    files: list[File]


class Ours(Part):
    """The part `apollobench` of results.json."""

    format: int
    version: str
    task: str
    benchmark: str
    items_digest: str
    samples_sha256: str
    prompt_version: str
    model: Model
    imported: Imported | None
    partial: bool
    size: Count
    items: Count
    missing: Count
    modes: dict[Mode, Scored]


class Results(Part):
    """results.json. date: seconds since 1970."""

    date: Annotated[float, Field(ge=0, lt=1e11)]
    apollobench: Ours


class Doc(Part):
    id: str
    question: str
    options: list[str]
    answer: Count
    category: str | None
    video: str


class Line(Part):
    """A line of samples.jsonl."""

    doc: Doc
    doc_hash: str
    input: str | None
    target: str
    resps: Annotated[list[Annotated[list[str | None], Field(min_length=1)]], Field(min_length=1)]
    acc: Annotated[float, Field(ge=0, le=1)] | None
    item: str
    video: str
    category: str | None
    mode: Mode
    status: Status
    choice: Count | None
    option_logprobs: list[Finite] | None
    error: str | None
    plan: str | None
    key: str

    @model_validator(mode="after")
    def _choice_is_an_option(self) -> Self:
        if self.choice is not None and self.choice >= len(self.doc.options):
            raise ValueError(f"choice is {self.choice}, counted from 0, of {len(self.doc.options)} options")
        return self

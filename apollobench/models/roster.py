"""The roster of models that recipes and commands can name, and the free form `BACKEND:WEIGHTS` for any other."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.yamlfile import read_yaml

# Where models run: what each is, by the name of its module in `models/backends`.
BACKENDS = {
    "apollo": "Apollo checkpoints, in this process",
    "transformers": "video models of transformers, in this process",
    "vllm": "a vLLM server, started here or given by --base_url",
    "http": "any server that speaks the OpenAI API",
    "lmms_eval": "the model classes of lmms-eval",
}
BUILTIN = "builtin:"
SHIPPED = Path(__file__).resolve().parent.parent / "apollo" / "weights"
CONFIG = "config.json"
Text = Annotated[str, Field(min_length=1)]
Arguments = dict[str, str | int | float | bool]


class RosterEntry(BaseModel):
    """One model of the roster; the fields are explained in `curation/models.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Text
    family: Text
    parameters: Annotated[int, Field(ge=1)] | None = None
    llm: Text | None = None
    weights: Text
    revision: Text | None = None
    model_class: Text | None = None
    licence: Text
    sampling: Arguments = {}
    tokens_per_frame: tuple[float, float] | None = None
    generation: Arguments = {}
    note: str = ""

    @property
    def size(self) -> str:
        """The number of parameters in short: 7B, 1.5M."""
        count = self.parameters or 0
        unit, letter = (10**9, "B") if count >= 10**8 else (10**6, "M")
        return f"{round(count / unit, 1):g}{letter}" if count else ""

    @field_validator("backend")
    @classmethod
    def _exists(cls, name: str) -> str:
        if name not in BACKENDS:
            raise ValueError(f"no backend {name!r}; there are {', '.join(BACKENDS)}")
        return name


class Panel(BaseModel):
    """Models that vote together, and those held out to examine the vote."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    panel: Annotated[tuple[Text, ...], Field(min_length=1)]
    held_out: tuple[Text, ...]


class Roster(BaseModel):
    """The roster file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: dict[str, RosterEntry]
    panels: dict[str, Panel]

    @model_validator(mode="after")
    def _panels_are_known(self) -> Self:
        for name, each in self.panels.items():
            strange = [model for model in (*each.panel, *each.held_out) if model not in self.models]
            if strange:
                raise ValueError(f"panel {name} names {strange[0]}, which models does not list")
        return self


@cache
def _shipped() -> Roster:
    return read_yaml(content_path("curation", "models.yaml"), Roster)


def roster() -> dict[str, RosterEntry]:
    """Every known model by name: those of `curation/models.yaml`, then shipped weights that it does not list."""
    listed = _shipped().models
    named = {entry.weights for entry in listed.values()}
    found = sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))
    unlisted = {
        name: RosterEntry(backend="apollo", family="apollo-tiny", weights=BUILTIN + name, licence="Apache-2.0")
        for name in found
        if BUILTIN + name not in named and name not in listed
    }
    return {**listed, **unlisted}


def find_panel(text: str) -> Panel:
    """A panel of `curation/models.yaml` by name, or models separated by commas, with none held out.

    Raises `InputError` for a name that is neither.
    """
    panels = _shipped().panels
    if text in panels:
        return panels[text]
    names = [name.strip() for name in text.split(",")]
    if len(names) == 1 and names[0] not in roster() and ":" not in text:
        raise InputError(f"no panel {text!r}; there are {', '.join(panels)}, or name models, separated by commas")
    for name in names:
        find_entry(name)
    return Panel(panel=tuple(names), held_out=())


def find_entry(name: str) -> RosterEntry:
    """The roster's entry, or one made of `BACKEND:WEIGHTS` (`http:gpt-4o`, `transformers:OWNER/REPOSITORY`).

    Raises `InputError`, naming what the name may mean.
    """
    backend, colon, weights = name.partition(":")
    if colon and backend in BACKENDS and weights:
        return RosterEntry(backend=backend, family=weights, weights=weights, licence="see its own")
    entries = roster()
    if name not in entries:
        close = difflib.get_close_matches(name, entries, n=3)
        hint = f" (did you mean {' or '.join(close)}?)" if close else ""
        raise InputError(
            f"unknown model {name!r}{hint}; known models: {', '.join(entries)}; any other as BACKEND:WEIGHTS, "
            f"with one of the backends {', '.join(BACKENDS)}"
        )
    return entries[name]

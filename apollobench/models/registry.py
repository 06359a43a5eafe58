"""From a model's name to a loaded model: the backend of its roster entry, or the one that a command asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast, runtime_checkable

from apollobench.errors import InputError
from apollobench.models.base import Model, Sketch
from apollobench.models.roster import BACKENDS, RosterEntry, find_entry
from apollobench.types import Sampling


class Backend(Protocol):
    """What a module of `models/backends` offers; importing it loads nothing heavy.

    arguments: the roster's `sampling` and `generation`, changed by `--model_args`, as text.
    """

    def check(self, name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> None:
        """Raises `InputError` saying what is missing to run the model, before anything heavy is loaded."""

    def load(self, name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Model:
        """The model, ready to answer. Raises `InputError` as `check` does, and for arguments it does not know."""

    def readiness(self, name: str, entry: RosterEntry) -> str:
        """Whether it can run here and now: `yes`, or `no: ` with the reason. Nothing is downloaded or asked."""

    def expected_sampling(self, name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sampling:
        """How it is going to sample a video, as far as its roster entry and files at hand tell."""


@runtime_checkable
class Sketches(Protocol):
    """A backend that can tell what it would ask of a model, and loads no weights for it."""

    def sketch(self, name: str, entry: RosterEntry, arguments: Mapping[str, str]) -> Sketch:
        """Raises `InputError` as `load` does. Nothing is sent to a server."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model as a command asks for it."""

    name: str
    entry: RosterEntry
    arguments: Mapping[str, str]

    @property
    def backend(self) -> Backend:
        return cast(Backend, import_module(f"apollobench.models.backends.{self.entry.backend}"))


def choose(name: str, model_args: Mapping[str, str] | None = None, backend: str | None = None) -> Chosen:
    """The model that `name` means: of the roster, or `BACKEND:WEIGHTS`.

    backend: run it there instead; without one, a `base_url` among the arguments means a server that runs already.
    Raises `InputError` for unknown names.
    """
    entry = find_entry(name)
    if backend is not None and backend not in BACKENDS:
        raise InputError(f"unknown backend {backend!r}; there are {', '.join(BACKENDS)}")
    given = dict(model_args or {})
    wanted = backend or _served(entry, given) or entry.backend
    if (wanted, entry.backend) == ("transformers", "apollo"):
        wanted = "apollo"  # it is transformers that runs Apollo's language model
    own = {**entry.sampling, **(entry.generation if wanted == entry.backend else {})}
    arguments = {key: _text(value) for key, value in own.items()} | given
    return Chosen(name, entry.model_copy(update={"backend": wanted}), arguments)


def load_model(name: str, model_args: Mapping[str, str] | None = None, backend: str | None = None) -> Model:
    """The model called `name`, ready to answer; parameters as of `choose`. Raises `InputError` saying what lacks."""
    chosen = choose(name, model_args, backend)
    return chosen.backend.load(chosen.name, chosen.entry, chosen.arguments)


def sketch_model(name: str, model_args: Mapping[str, str] | None = None, backend: str | None = None) -> Sketch:
    """What can be told of the model beforehand; parameters as of `choose`.

    Loads it where its backend knows no other way. Raises `InputError` as `load_model` does.
    """
    chosen = choose(name, model_args, backend)
    if isinstance(chosen.backend, Sketches):
        return chosen.backend.sketch(chosen.name, chosen.entry, chosen.arguments)
    with closing(chosen.backend.load(chosen.name, chosen.entry, chosen.arguments)) as model:
        return Sketch(model.name, model.revision, model.settings, model.modes, model.sampling)


def check_model(name: str, model_args: Mapping[str, str] | None = None, backend: str | None = None) -> None:
    """Raises `InputError` where `load_model` would for want of something, without loading anything heavy."""
    chosen = choose(name, model_args, backend)
    chosen.backend.check(chosen.name, chosen.entry, chosen.arguments)


def expected_sampling(name: str) -> Sampling:
    """How the model is going to sample a video. Nothing is downloaded, loaded or asked."""
    chosen = choose(name)
    return chosen.backend.expected_sampling(chosen.name, chosen.entry, chosen.arguments)


def readiness(name: str, entry: RosterEntry) -> str:
    """Whether the model can run here and now: `yes`, or `no: ` with the reason."""
    return Chosen(name, entry, {}).backend.readiness(name, entry)


def folder_name(name: str) -> str:
    """A model's name as the name of one folder."""
    return re.sub(r"[^\w.-]+", "__", name)


def _served(entry: RosterEntry, arguments: Mapping[str, str]) -> str | None:
    """The backend for a server at `base_url`; an Apollo model can only be served by vLLM with the plugin."""
    if "base_url" not in arguments or entry.backend in ("http", "vllm"):
        return None
    return "vllm" if entry.backend == "apollo" else "http"


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

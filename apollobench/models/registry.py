"""The roster of models that recipes and commands can name, and how a name becomes a loaded model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.models.base import Model
from apollobench.yamlfile import read_yaml

BUILTIN = "builtin:"
SHIPPED = Path(__file__).resolve().parent.parent / "apollo" / "weights"
CONFIG = "config.json"
Text = Annotated[str, Field(min_length=1)]


class RosterEntry(BaseModel):
    """One model of the roster; the fields are explained in `curation/models.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backend: Literal["apollo", "none"]
    family: Text
    parameters: Annotated[int, Field(ge=1)] | None = None
    llm: Text | None = None
    weights: Text
    licence: Text
    sampling: dict[str, str | int | float] = {}
    note: str = ""


class Roster(BaseModel):
    """The roster file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models: dict[str, RosterEntry]


def roster() -> dict[str, RosterEntry]:
    """Every known model by name: those of `curation/models.yaml`, then shipped weights that it does not list."""
    listed = read_yaml(content_path("curation", "models.yaml"), Roster).models
    named = {entry.weights for entry in listed.values()}
    found = sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))
    unlisted = {
        name: RosterEntry(backend="apollo", family="apollo-tiny", weights=BUILTIN + name, licence="Apache-2.0")
        for name in found
        if BUILTIN + name not in named and name not in listed
    }
    return {**listed, **unlisted}


def load_model(name: str, model_args: Mapping[str, str] | None = None) -> Model:
    """The model called `name`, ready to answer.

    model_args: `pretrained` (a checkpoint folder) and the backend's own arguments, as text. Raises `InputError` for an
    unknown name or argument, and for weights that are not at hand, saying how to get them.
    """
    entry = find_entry(name)
    arguments = {**{key: str(value) for key, value in entry.sampling.items()}, **(model_args or {})}
    folder = find_weights(name, entry, arguments.pop("pretrained", None))
    from apollobench.models.apollo import ApolloModel, Options  # brings torch, which a mistaken name need not wait for

    return ApolloModel.load(name, folder, Options.parse(arguments))


def find_entry(name: str) -> RosterEntry:
    """The roster's entry of a model that this version can run. Raises `InputError`, naming what the name may mean."""
    entries = roster()
    if name not in entries:
        close = difflib.get_close_matches(name, entries, n=3)
        hint = f" (did you mean {' or '.join(close)}?)" if close else ""
        raise InputError(f"unknown model {name!r}{hint}; known models: {', '.join(entries)}")
    entry = entries[name]
    if entry.backend == "none":
        raise InputError(f"{name} ({entry.weights}) is in the roster, but nothing in this version can run it")
    return entry


def find_weights(name: str, entry: RosterEntry, pretrained: str | None = None) -> Path:
    """The folder of a model's weights: `pretrained`, the shipped one, or the hub's cache. Nothing is downloaded."""
    if pretrained is not None:
        folder = Path(pretrained).expanduser()
        if not (folder / CONFIG).is_file():
            raise InputError(f"pretrained={pretrained}: no {CONFIG} there; it must be the folder of a checkpoint")
        return folder
    if entry.weights.startswith(BUILTIN):
        folder = SHIPPED / entry.weights.removeprefix(BUILTIN)
        if not (folder / CONFIG).is_file():
            raise InputError(f"{name}: its weights should be shipped in {folder}, but are not; reinstall apollobench")
        return folder
    return _cached(entry.weights) or _missing(name, entry)


def readiness(name: str, entry: RosterEntry) -> str:
    """Whether the model can run here and now: `yes`, or `no` with the reason."""
    if entry.backend == "none":
        return "no: nothing here runs it yet"
    try:
        find_weights(name, entry)
    except InputError:
        return "no: weights not at hand"
    return "yes"


def _cached(hub_id: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(hub_id, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    return folder if (folder / CONFIG).is_file() else None


def _missing(name: str, entry: RosterEntry) -> NoReturn:
    from huggingface_hub.constants import HF_HUB_CACHE

    note = f" ({entry.note})" if entry.note else ""
    raise InputError(
        f"{name}: the weights {entry.weights} are not at hand; looked in {HF_HUB_CACHE}{note}. Either\n"
        f"  download them:           hf download {entry.weights}\n"
        f"  or from a mirror:        hf download OWNER/REPOSITORY --local-dir PATH, then name the folder:\n"
        f"  or use a folder at hand: --model {name} --model_args pretrained=PATH\n"
        f"The folder must hold config.json, llm/, mm_connector/ and vision_tower/."
    )

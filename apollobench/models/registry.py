"""The roster of models that recipes and commands can name, and how a name becomes a loaded model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.models.base import Model
from apollobench.models.hub import HUB_ID, cached, fetch
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

    model_args: `pretrained` and `revision` (see `find_weights`) and the backend's own arguments, as text. Raises
    `InputError` for an unknown name or argument, and for weights that cannot be had, saying how to get them.
    """
    entry = find_entry(name)
    arguments = {**{key: str(value) for key, value in entry.sampling.items()}, **(model_args or {})}
    folder = find_weights(name, entry, arguments.pop("pretrained", None), arguments.pop("revision", None))
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


def find_weights(name: str, entry: RosterEntry, pretrained: str | None = None, revision: str | None = None) -> Path:
    """The folder of a model's weights: the shipped one, or one that the hub's cache holds or now gets.

    pretrained: instead of the roster's, a folder or the id of a hub repository. revision: a branch, tag or commit of
    the repository. Raises `InputError` that says how to get what cannot be had.
    """
    source = pretrained or entry.weights
    if HUB_ID.fullmatch(source) and not Path(source).exists():
        return _from_hub(name, source, revision, "" if pretrained else entry.note)
    if revision is not None:
        raise InputError(f"revision={revision} is of a repository of the hub; leave it out for weights in a folder")
    return _shipped(name, source) if source.startswith(BUILTIN) else _given(Path(source).expanduser())


def readiness(name: str, entry: RosterEntry) -> str:
    """Whether the model can run here and now: `yes`, or `no` with the reason."""
    if entry.backend == "none":
        return "no: nothing here runs it yet"
    try:
        at_hand = cached(entry.weights) if HUB_ID.fullmatch(entry.weights) else _shipped(name, entry.weights)
    except InputError:
        at_hand = None
    return "yes" if at_hand else "no: weights not at hand"


def _shipped(name: str, weights: str) -> Path:
    folder = SHIPPED / weights.removeprefix(BUILTIN)
    if not (folder / CONFIG).is_file():
        raise InputError(f"{name}: its weights should be shipped in {folder}, but are not; reinstall apollobench")
    return folder


def _given(folder: Path) -> Path:
    if not (folder / CONFIG).is_file():
        found = ", ".join(sorted(path.name for path in folder.glob("*"))[:8]) or "nothing"
        raise InputError(
            f"pretrained={folder}: no {CONFIG} there, found {found}; "
            "it must be the folder of a checkpoint, or OWNER/REPOSITORY of the hub"
        )
    return folder


def _from_hub(name: str, hub_id: str, revision: str | None, note: str) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    try:
        return fetch(hub_id, revision)
    except InputError as error:
        raise InputError(
            f"{name}: the weights {hub_id} are not at hand{f' ({note})' if note else ''}; "
            f"looked in {HF_HUB_CACHE} and on the hub: {error}. Either\n"
            f"  download them:           hf download {hub_id}\n"
            f"  or name a mirror:        --model {name} --model_args pretrained=OWNER/REPOSITORY\n"
            f"  or use a folder at hand: --model {name} --model_args pretrained=PATH\n"
            f"The folder must hold config.json, llm/, mm_connector/ and vision_tower/, or be an exported one."
        ) from error

"""Which model a result's folder was last answered by: written by every run, read where the model is not at hand."""

from __future__ import annotations

import json
from pathlib import Path

from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.jsonfile import load
from apollobench.models.base import Subject

MODEL = "model.json"


def remember(output: Path, model: Subject) -> None:
    """Writes the model's name, revision and settings into `output`, atomically, and makes that folder if need be."""
    told = {"name": model.name, "revision": model.revision, "settings": dict(model.settings)}
    output.mkdir(parents=True, exist_ok=True)
    replace_file(output / MODEL, json.dumps(told, indent=2) + "\n")


def last_revision(output: Path, name: str) -> str:
    """The revision of the model called `name` when it last answered into `output`; empty when it never did."""
    path = output / MODEL
    told = load(path, "what `apollobench eval` wrote of the model") if path.exists() else {}
    if not isinstance(told, dict):
        raise InputError(f"{path}: found {told!r:.80}, expected name and revision of a model; delete the file")
    return str(told.get("revision", "")) if told.get("name") == name else ""

"""Which model a result's folder was last answered by: written by every run, read where the model is not at hand."""

from __future__ import annotations

import json
from pathlib import Path

from apollobench.atomic import replace_file
from apollobench.models.base import Subject

MODEL = "model.json"


def remember(output: Path, model: Subject) -> None:
    """Writes the model's name, revision and settings into `output`, atomically."""
    told = {"name": model.name, "revision": model.revision, "settings": dict(model.settings)}
    replace_file(output / MODEL, json.dumps(told, indent=2) + "\n")


def last_revision(output: Path, name: str) -> str:
    """The revision of the model called `name` when it last answered into `output`; empty when it never did."""
    path = output / MODEL
    told = json.loads(path.read_text(encoding="ascii")) if path.exists() else {}
    return str(told["revision"]) if told.get("name") == name else ""

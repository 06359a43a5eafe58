"""What a result has cost: each run appends what it used to a file in the result's folder, and the sum is reported."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from pydantic import TypeAdapter

from apollobench.errors import InputError
from apollobench.jsonfile import lines, load_object
from apollobench.models.usage import Usage

USAGE = "usage.jsonl"
USED = TypeAdapter(Usage)


def record(output: Path, usage: Usage) -> None:
    """Appends what one run used; nothing for a run that asked nothing. A run that is killed leaves no record."""
    if usage.responses:
        with (output / USAGE).open("a", encoding="ascii") as file:
            file.write(json.dumps(asdict(usage)) + "\n")


def total(output: Path) -> Usage:
    """What all recorded runs into `output` used. Raises InputError that names a line which cannot be read."""
    path, used = output / USAGE, Usage()
    for number, line in lines(path) if path.exists() else ():
        try:
            used += USED.validate_python(load_object(line))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: not a record of usage ({error!r}); delete the line") from error
    return used

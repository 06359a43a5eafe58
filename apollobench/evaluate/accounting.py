"""What a result has cost: each run appends what it used to a file in the result's folder, and the sum is reported."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from apollobench.errors import InputError
from apollobench.models.usage import Usage

USAGE = "usage.jsonl"


def record(output: Path, usage: Usage) -> None:
    """Appends what one run used; nothing for a run that asked nothing. A run that is killed leaves no record."""
    if usage.responses:
        with (output / USAGE).open("a", encoding="ascii") as file:
            file.write(json.dumps(asdict(usage)) + "\n")


def total(output: Path) -> Usage:
    """What all recorded runs into `output` used. Raises InputError that names a line which cannot be read."""
    path, used = output / USAGE, Usage()
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        try:
            used += Usage(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}, line {number}: not a record of usage ({error!r}); delete the line") from error
    return used

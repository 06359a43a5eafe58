"""The formats that can be imported: one module each, told apart by what a file holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from apollobench.errors import InputError
from apollobench.imports import inspect_log, lmms_eval, matrix, plain_csv, result_json, vlmevalkit
from apollobench.imports.rows import Rows
from apollobench.imports.sniff import Head, sniff


@dataclass(frozen=True, slots=True)
class Format:
    """fits: whether a file that begins so is one. read: its rows and faults, as a stream."""

    about: str
    fits: Callable[[Head], bool]
    read: Callable[[Path], Rows]


FORMATS = {
    name: Format(module.ABOUT, module.fits, module.read)
    for name, module in {
        "lmms-eval": lmms_eval,
        "vlmevalkit": vlmevalkit,
        "inspect": inspect_log,
        "csv": plain_csv,
        "matrix": matrix,
        "json": result_json,
    }.items()
}


def find_format(path: Path, name: str | None) -> str:
    """The format called `name`, else the first that fits. Raises InputError that lists them all when none does."""
    if name is not None and name not in FORMATS:
        raise InputError(f"unknown format {name!r}; valid: {', '.join(FORMATS)}")
    head = sniff(path)
    found = name or next((known for known, form in FORMATS.items() if form.fits(head)), None)
    if found is None:
        told = "; ".join(f"{known}: {form.about}" for known, form in FORMATS.items())
        shown = f"columns {', '.join(head.columns[:8])}" if head.columns else f"members {', '.join(head.members[:8])}"
        raise InputError(f"{path}: fits no format ({shown}). {told}. Name one with --format if this is one")
    return found

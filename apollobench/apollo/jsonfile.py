"""Reading the JSON configs of checkpoints into frozen data; what does not fit is named with its file."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from apollobench.errors import InputError

T = TypeVar("T")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises `InputError` naming the file when it is missing or is not an object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: missing; it belongs to a checkpoint in the published Apollo layout") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def expect(path: Path, raw: Mapping[str, Any], key: str, value: object) -> None:
    """Raises `InputError` if `key` is there with another value, which would mean another computation."""
    if raw.get(key, value) != value:
        raise InputError(f"{path}: {key} is {raw[key]!r}; only {value!r} is implemented")


def from_mapping(cls: type[T], raw: Mapping[str, Any], path: Path, required: Collection[str] = ()) -> T:
    """The dataclass `cls` from the keys that it knows. Raises `InputError` naming the `required` ones that lack."""
    missing = sorted(set(required) - raw.keys())
    if missing:
        raise InputError(f"{path}: missing {', '.join(missing)}")
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    return cls(**{key: value for key, value in raw.items() if key in names})

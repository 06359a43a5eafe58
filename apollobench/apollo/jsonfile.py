"""Reading the JSON configs of checkpoints into frozen data; what does not fit is named with its file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from apollobench.errors import InputError
from apollobench.jsonfile import load

T = TypeVar("T")
# What a network can have: no more layers than can be set up at all, and no size that overflows.
Layers = Annotated[int, Field(ge=1, le=1000)]
Size = Annotated[int, Field(ge=1, le=1 << 24)]
Positive = Annotated[float, Field(gt=0, lt=1e9)]
DEEPEST = 1000
SHOWN = 200


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises `InputError` naming the file when it is missing or is not an object."""
    try:
        value = load(path, "the config of a checkpoint, in JSON")
    except FileNotFoundError:
        raise InputError(f"{path}: missing; it belongs to a checkpoint in the published Apollo layout") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def expect(path: Path, raw: Mapping[str, Any], key: str, value: object) -> None:
    """Raises `InputError` if `key` is there with another value, which would mean another computation."""
    if raw.get(key, value) != value:
        raise InputError(f"{path}: {key} is {raw[key]!r:.{SHOWN}}; only {value!r} is implemented")


def from_mapping(cls: type[T], raw: Mapping[str, Any], path: Path, required: Collection[str] = ()) -> T:
    """The dataclass `cls` from the keys that it knows, each of its field's type.

    Raises `InputError` naming the `required` ones that lack, and those of another type or out of range.
    """
    missing = sorted(set(required) - raw.keys())
    if missing:
        raise InputError(f"{path}: missing {', '.join(missing)}")
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    try:
        made: T = TypeAdapter(cls).validate_python({key: value for key, value in raw.items() if key in names})
        return made
    except ValidationError as error:
        told = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}, found {e['input']!r:.{SHOWN}}" for e in error.errors()]
        raise InputError(f"{path}: {'; '.join(told)}") from error


def library_config(make: Callable[[], Any], path: Path) -> Any:
    """A config of transformers, which `make` makes of the content of `path`. Raises `InputError` for what is none."""
    try:
        config = make()
        width, heads, layers = (
            int(getattr(config, name)) for name in ("hidden_size", "num_attention_heads", "num_hidden_layers")
        )
    except Exception as error:  # the library raises whatever its checks do
        raise InputError(f"{path}: {type(error).__name__}: {str(error)[:SHOWN]}") from error
    if not 1 <= layers <= DEEPEST or not 1 <= heads <= width or width % heads:
        raise InputError(f"{path}: {layers} layers of width {width} with {heads} heads; no such model can be made")
    return config

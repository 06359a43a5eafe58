"""From the texts of `--model_args` to values: what each must look like, and what is said of one that does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apollobench.errors import InputError

Parser = Callable[[str], Any]


def parse_options(arguments: Mapping[str, str], parsers: Mapping[str, Parser]) -> dict[str, Any]:
    """The value of each argument. Raises `InputError` that lists the valid keys, or names the bad value."""
    unknown = sorted(arguments.keys() - parsers.keys())
    if unknown:
        valid = ", ".join(("pretrained", "revision", *parsers))
        raise InputError(f"unknown model argument {unknown[0]!r}; valid: {valid}")
    values: dict[str, Any] = {}
    for key, text in arguments.items():
        try:
            values[key] = parsers[key](text)
        except ValueError as error:
            raise InputError(f"model argument {key}={text}: {error}") from error
    return values


def whole(text: str) -> int:
    """A whole number, at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("expected a whole number, at least 1")
    return int(text)


def above_zero(text: str) -> float:
    """A finite number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError("expected a number above 0")
    return value

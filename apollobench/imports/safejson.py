"""JSON from files that nobody vouches for: bounded in size and depth, without NaN and infinities."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from apollobench.errors import InputError

MIB = 1 << 20
LINE_LIMIT, DOCUMENT_LIMIT = 256 * MIB, 1024 * MIB


def loads(text: str | bytes) -> Any:
    """The value of `text`. Raises ValueError that says what is wrong with it."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at character {error.pos})") from error


def load(path: Path) -> Any:
    """The one value that a file holds. Raises InputError that names the file."""
    size = path.stat().st_size
    if size > DOCUMENT_LIMIT:
        raise InputError(
            f"{path}: one JSON value of {size:,} bytes, more than {DOCUMENT_LIMIT:,}; split it, or write JSON Lines"
        )
    try:
        return loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise InputError(f"{path}: {error}; expected a result file in JSON") from error


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, with their numbers from 1. Raises InputError for one without end."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LINE_LIMIT + 1):
            number += 1
            if len(line) > LINE_LIMIT:
                raise InputError(f"{path}, line {number}: longer than {LINE_LIMIT:,} bytes; this is no JSON Lines file")
            if line.strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")

"""JSON from files that nobody vouches for: bounded in size, depth and numbers, and text that can be written again.

Every JSON document and every line of JSON Lines that may come from elsewhere is read through here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from apollobench.errors import InputError

MIB = 1 << 20
LINE_LIMIT, DOCUMENT_LIMIT = 256 * MIB, 1024 * MIB
LONGEST_NUMBER = 256  # bits
SHOWN = 80
# Halves of surrogate pairs, long numbers, large exponents: rare enough that only a text with one is looked at twice.
_SUSPECT = re.compile(r"\\u[dD][89a-fA-F]|\d{60}|[eE]\+?\d{3}")


def loads(text: str | bytes) -> Any:
    """The value of `text`. Raises ValueError that says what is wrong with it."""
    try:
        text = text.decode() if isinstance(text, bytes) else text
        if _SUSPECT.search(text) is None:
            return json.loads(text, parse_constant=_refuse)
        value = json.loads(text, parse_constant=_refuse, parse_int=_whole, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except RecursionError as error:
        raise ValueError("JSON that is nested too deeply") from error
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    except UnicodeEncodeError as error:
        raise ValueError(f"text with half a character (\\u{ord(error.object[error.start]):04x})") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at character {error.pos})") from error


def load_object(text: str | bytes) -> dict[str, Any]:
    """The JSON object of `text`. Raises ValueError that says what is wrong with it."""
    value = loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"not a JSON object but {json.dumps(value)[:SHOWN]}")
    return value


def load(path: Path, what: str = "a result file in JSON") -> Any:
    """The one value that a file holds, which `what` names in messages. Raises InputError that names the file."""
    size = path.stat().st_size
    if size > DOCUMENT_LIMIT:
        raise InputError(
            f"{path}: one JSON value of {size:,} bytes, more than {DOCUMENT_LIMIT:,}; split it, or write JSON Lines"
        )
    try:
        return loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise InputError(f"{path}: {error}; expected {what}") from error


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


def _whole(digits: str) -> int:
    if len(digits) * math.log2(10) > LONGEST_NUMBER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:SHOWN]} is out of range")
    return number

"""Conversation files: the field's usual JSON or JSON lines with `id`, image(s) or video(s), and `conversations`.

A file is read through once, so that whatever is wrong in it is told before training begins; afterwards only the places
of its records are kept, and each is read again when it is drawn.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.apollo.chat import MARKER, Turn
from apollobench.errors import InputError
from apollobench.jsonfile import loads
from apollobench.training.recipe import DataFile, Kind

BLANK = re.compile(r"\s*")
MEDIA = ("image", "images", "video", "videos")
# The least and the most images, and the least and the most videos, of a sample of each kind.
ALLOWED: dict[Kind, tuple[range, range]] = {
    "text": (range(1), range(1)),
    "image": (range(1, 2), range(1)),
    "multi_image": (range(2, 10_000), range(1)),
    "video": (range(1), range(1, 10_000)),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """One conversation. name: `DATA/ID`, for messages. media: videos, or images, in the order of the markers."""

    name: str
    media: tuple[Path, ...]
    is_video: bool
    turns: tuple[Turn, ...]


@dataclass(frozen=True)
class Records:
    """The samples of one file. spans: int64 [samples, 2], first byte of each record and the one after its last."""

    data: DataFile
    spans: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, number: int) -> Sample:
        start, end = (int(place) for place in self.spans[number])
        with Path(self.data.file).open("rb") as file:
            file.seek(start)
            return _sample(loads(file.read(end - start)), number, self.data)


def open_records(data: DataFile) -> Records:
    """Index of a conversation file. Raises `InputError` naming file and record of the first thing that is wrong."""
    path = Path(data.file)
    try:
        content = path.read_bytes()
        elements = _lines(content) if path.suffix == ".jsonl" else _array(content.decode())
        spans = []
        for number, (value, start, end) in enumerate(elements):
            _sample(value, number, data)
            spans.append((start, end))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); it is the file of data {data.name}") from error
    except ValueError as error:
        raise InputError(f"{path}: not valid: {error}") from error
    if not spans:
        raise InputError(f"{path}: no conversations in it")
    return Records(data, np.array(spans, np.int64))


def _lines(content: bytes) -> Iterator[tuple[Any, int, int]]:
    """Value and byte span of every line that is not blank."""
    end = 0
    for number, line in enumerate(content.split(b"\n"), 1):
        start, end = end, end + len(line) + 1
        if line.strip():
            try:
                yield loads(line), start, end - 1
            except ValueError as error:
                raise ValueError(f"line {number}: {error}") from error


def _array(text: str) -> Iterator[tuple[Any, int, int]]:
    """Value and byte span of every element of a JSON array."""
    decode = json.JSONDecoder().raw_decode
    place = bytes_before = 0
    expected = "["
    while True:
        sign = BLANK.match(text, place).end()  # type: ignore[union-attr]
        start = BLANK.match(text, sign + 1).end()  # type: ignore[union-attr]
        if text[sign : sign + 1] == "]" and expected == ",":
            return
        if text[sign : sign + 1] != expected:
            raise ValueError(f"expected {expected!r} at character {sign}; it must be a JSON array, or end in .jsonl")
        if expected == "[" and text[start : start + 1] == "]":
            return
        try:
            _, end = decode(text, start)
        except RecursionError as error:
            raise ValueError(f"nested too deeply at character {start}") from error
        first = bytes_before + len(text[place:start].encode())
        bytes_before = first + len(text[start:end].encode())
        yield loads(text[start:end]), first, bytes_before
        place, expected = end, ","


def _sample(value: Any, number: int, data: DataFile) -> Sample:
    where = f"{data.file}, record {number + 1}"
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an object, found {type(value).__name__}")
    name = f"{data.name}/{value.get('id', number + 1)}"
    where = f"{where} ({name})"
    images, videos = (_paths(value, keys, where) for keys in (MEDIA[:2], MEDIA[2:]))
    for found, allowed, what in zip((images, videos), ALLOWED[data.kind], ("images", "videos"), strict=True):
        if len(found) not in allowed:
            raise InputError(f"{where}: has {len(found)} {what}, which a sample of kind {data.kind} cannot have")
    media = tuple(Path(data.root, path) for path in videos or images)
    turns = _turns(value.get("conversations"), where)
    marks = sum(len(MARKER.findall(text)) for who, text in turns if who == "user")
    if marks not in (0, len(media)):
        raise InputError(f"{where}: its text marks {marks} videos or images, but it has {len(media)}")
    return Sample(name, media, bool(videos), turns)


def _paths(value: dict[str, Any], keys: tuple[str, ...], where: str) -> list[str]:
    paths: list[str] = []
    for key in keys:
        given = value.get(key) or []
        paths += given if isinstance(given, list) else [given]
    if not all(isinstance(path, str) for path in paths):
        raise InputError(f"{where}: {' and '.join(keys)} must be a path or a list of paths")
    return paths


def _turns(conversations: Any, where: str) -> tuple[Turn, ...]:
    """The turns, which must alternate, the human first and the model last."""
    if not isinstance(conversations, list) or not conversations or len(conversations) % 2:
        raise InputError(f"{where}: conversations must be a list of human and gpt in turn")
    turns: list[Turn] = []
    for place, turn in enumerate(conversations):
        wanted = "gpt" if place % 2 else "human"
        if not isinstance(turn, dict) or turn.get("from") != wanted or not isinstance(turn.get("value"), str):
            raise InputError(f"{where}: turn {place + 1} must be {{from: {wanted}, value: TEXT}}, found {turn!r:.200}")
        turns.append(("assistant" if place % 2 else "user", turn["value"]))
    return tuple(turns)

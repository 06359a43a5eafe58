"""Inspect's logs: `.eval`, a ZIP file with one JSON file per sample, or the same in one `.json`.

A sample's `choices` are in the order of its letters, also where the solver shuffled them. Of several epochs the first
counts. An id that is a number is a position, and not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.imports.archive import open_archive, read_member
from apollobench.imports.fields import IDS, VIDEOS
from apollobench.imports.rows import Fault, Row, Rows
from apollobench.imports.sniff import Head
from apollobench.jsonfile import load, loads

ABOUT = "logs of Inspect, .eval or .json"
HEADERS = ("header.json", "_journal/start.json")
_SAMPLE = re.compile(r"samples/.*_epoch_(\d+)\.json")
_LOG = re.compile(r'\s*\{\s*"version"\s*:\s*\d+\s*,')
_VALUES = {"C": True, "I": False, 1: True, 0: False}


def fits(head: Head) -> bool:
    return bool(set(HEADERS) & set(head.members)) or bool(_LOG.match(head.start) and '"eval"' in head.start)


def read(path: Path) -> Rows:
    with path.open("rb") as file:
        packed = file.read(2) == b"PK"
    model, samples = _archive(path) if packed else _document(path)
    for place, sample in samples:
        try:
            yield _row(place, model, sample)
        except ValueError as error:
            yield Fault(place, str(error))


def _archive(path: Path) -> tuple[str, Iterator[tuple[str, Any]]]:
    with open_archive(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        name = next((name for name in HEADERS if name in members), None)
        if name is None:
            raise InputError(f"{path}: holds neither {' nor '.join(HEADERS)}; not a log of Inspect")
        try:
            header = loads(read_member(path, archive, members[name]))
        except ValueError as error:
            raise InputError(f"{path}: {name}: {error}; write the log again") from error
    return _model(path, header), _members(path)


def _members(path: Path) -> Iterator[tuple[str, Any]]:
    with open_archive(path) as archive:
        found = [(match, member) for member in archive.infolist() if (match := _SAMPLE.fullmatch(member.filename))]
        for _, member in sorted(found, key=lambda pair: int(pair[0][1])):
            place = f"{path}, {member.filename}"
            try:
                yield place, loads(read_member(path, archive, member))
            except ValueError as error:
                yield place, Fault(place, str(error))


def _document(path: Path) -> tuple[str, Iterator[tuple[str, Any]]]:
    log = load(path)
    samples = log.get("samples") if isinstance(log, dict) else None
    if not isinstance(samples, list):
        raise InputError(f"{path}: has no list of samples; expected a log of Inspect, not only its header")
    return _model(path, log), ((f"{path}, sample {number}", sample) for number, sample in enumerate(samples, start=1))


def _model(path: Path, log: Any) -> str:
    try:
        return str(log["eval"]["model"])
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: does not name eval.model; not a log of Inspect") from error


def _row(place: str, model: str, sample: Any) -> Row:
    if isinstance(sample, Fault):
        raise ValueError(sample.reason)
    if not isinstance(sample, dict) or "input" not in sample:
        raise ValueError("not a sample of Inspect: it lacks input")
    told = sample.get("metadata") or {}
    ids = [sample.get("id"), *(told.get(name) for name in IDS)] if isinstance(told, dict) else [sample.get("id")]
    videos = [told.get(name) for name in VIDEOS] if isinstance(told, dict) else []
    choices = sample.get("choices") or []
    error = sample.get("error")
    return Row(
        place=place,
        model=model,
        ids=tuple(name for name in ids if isinstance(name, str)),
        videos=tuple(name for name in videos if isinstance(name, str)),
        asked=_said(sample["input"]),
        options=tuple(map(str, choices)) if isinstance(choices, list) else (),
        key=_target(sample.get("target")),
        answer=None if error else _reply(sample.get("output")),
        correct=None if error else _score(sample.get("scores")),
        error=str(error.get("message", error) if isinstance(error, dict) else error) if error else None,
    )


def _said(content: Any) -> str:
    """The text of a message, of a list of messages, or of the parts of one."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(filter(None, map(_said, content)))
    return _said(content.get("text") or content.get("content")) if isinstance(content, Mapping) else ""


def _reply(output: Any) -> str | None:
    if not isinstance(output, dict):
        return None
    if isinstance(output.get("completion"), str):
        return str(output["completion"])
    choices = output.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    return _said(choices[0].get("message"))


def _target(target: Any) -> str | None:
    if isinstance(target, list) and len(target) == 1:
        target = target[0]
    return target if isinstance(target, str) else None


def _score(scores: Any) -> bool | None:
    """The first scorer's verdict, where it is plainly right or wrong."""
    first = next(iter(scores.values()), None) if isinstance(scores, dict) else None
    value = first.get("value") if isinstance(first, dict) else None
    return _VALUES.get(value) if isinstance(value, str | int | float) else None

"""JSON that benchmarks' own scripts write: Video-MME, MLVU, NExT-QA, TempCompass, VNBench and their like.

Whatever the nesting, an object that holds an answer (`response`, `prediction`, ...) is a record. Plain values of the
objects around it belong to it (`video_id` above a list of questions), and so do the names that lead to it, which may be
the video's or the question's. JSON Lines of such records are read line by line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.imports.fields import CORRECT, Names, to_row
from apollobench.imports.rows import Fault, Rows, line_of
from apollobench.imports.sniff import Head
from apollobench.jsonfile import lines, load, loads

ABOUT = "JSON or JSON Lines of records with response, prediction, pred or option (Video-MME and others)"
ANSWERS = ("response", "prediction", "pred", "video-llm-prediction", "pred_answer", "option")
KEYS = ("answer", "gt", "gt-answer", "gt_answer", "ground_truth", "correct_choice")
NAMES, SCORES = Names(answer=ANSWERS, key=KEYS), Names(answer=(), key=KEYS, lone_score=True)
CONTAINERS = {"questions", "results", "result", "samples", "data", "predictions", "annotations", "items", "responses"}
DEEPEST = 16


def fits(head: Head) -> bool:
    return head.json


def read(path: Path) -> Rows:
    any_record = False
    for place, value in _values(path):
        if isinstance(value, Fault):
            yield value
            continue
        for where, record, names in _records(value, place, {}, (), DEEPEST):
            any_record = True
            if isinstance(record, Fault):
                yield record
            else:
                yield to_row(record, where, NAMES if any(name in record for name in ANSWERS) else SCORES, names)
    if not any_record:
        raise InputError(f"{path}: no record with an answer in it; expected one of the fields {', '.join(ANSWERS)}")


def _values(path: Path) -> Iterator[tuple[str, Any]]:
    """The values of a file: one per line where its first line is a whole object, else the one document."""
    _, first = next(lines(path), (0, b""))
    try:
        whole = isinstance(loads(first), dict)
    except ValueError:
        whole = False
    if not whole:
        yield str(path), load(path)
        return
    for number, line in lines(path):
        place = line_of(path, number)
        try:
            yield place, loads(line)
        except ValueError as error:
            yield place, Fault(place, str(error))


def _records(
    value: Any, place: str, around: Mapping[str, Any], names: tuple[str, ...], deeper: int
) -> Iterator[tuple[str, Mapping[str, Any] | Fault, tuple[str, ...]]]:
    """Every record in `value` with its place, the plain values around it, and the names that lead to it.

    deeper: how many levels may still follow.
    """
    if deeper < 0:
        yield place, Fault(place, f"nested more than {DEEPEST} deep"), names
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _records(part, f"{place}[{number}]", around, names, deeper - 1)
    elif isinstance(value, dict):
        if any(name in value and not isinstance(value[name], dict | list) for name in (*ANSWERS, *CORRECT)):
            yield place, {**around, **value}, names
            return
        plain = {name: part for name, part in value.items() if isinstance(part, str | int | float)}
        for name, part in value.items():
            if isinstance(part, dict | list):
                on = names if name in CONTAINERS else (*names, name)
                yield from _records(part, f"{place}[{name[:80]!r}]", {**around, **plain}, on, deeper - 1)

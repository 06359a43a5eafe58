"""From a record with named fields to a row: which names tools use for what, in one table."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apollobench.imports.rows import Fault, Row
from apollobench.imports.text import without_labels
from apollobench.types import LETTERS, Mode

MODEL = ("model", "model_id", "model_name")
IDS = ("item", "item_id", "question_id", "qid", "uid", "id")
VIDEOS = ("video", "video_id", "videoID", "video_name", "video_path", "video_idx", "vid")
ASKED = ("question", "prompt")
OPTIONS = ("options", "candidates", "choices")
CORRECT = ("correct", "hit", "rating", "score")
LONGEST = 1 << 20
_TRUTH = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Names:
    """What one format calls the model's answer (text or index), the index of the chosen option, and the key.

    lone_score: whether a score without an answer counts; where there is a place for answers, an empty one is a blank.
    """

    answer: tuple[str, ...]
    choice: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    lone_score: bool = False


def to_row(record: Mapping[str, Any], place: str, names: Names, path: tuple[str, ...] = ()) -> Row | Fault:
    """The row that `record` makes. path: names on the way to it, which may be the item's or the video's."""
    try:
        answer, choice = _answer(record, names.answer), _index(record, names.choice)
        alone = answer is None and choice is None
        return Row(
            place=place,
            model=_text(record, MODEL),
            mode=mode_named(record.get("mode")),
            ids=(*_texts(record, IDS), *path),
            videos=(*_texts(record, VIDEOS), *path),
            asked=_text(record, ASKED),
            options=_options(record),
            key=_answer(record, names.key),
            answer=answer,
            choice=choice,
            correct=_correct(record, alone) if names.lone_score or not alone else None,
        )
    except ValueError as error:
        return Fault(place, str(error))


def truth(value: Any) -> bool | None:
    """A score of 0 or 1, however it is written; None for anything else."""
    return _TRUTH.get(str(value).strip().casefold())


def mode_named(value: Any) -> Mode | None:
    """None for an empty cell. Raises ValueError for a mode that there is not."""
    if value in (None, ""):
        return None
    if not isinstance(value, str) or value not in set(Mode):
        raise ValueError(f"mode is {str(value)[:80]!r}, expected one of {', '.join(Mode)}")
    return Mode(value)


def _filled(record: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The first of `names` that the record has a value for."""
    return next((name for name in names if record.get(name) not in (None, "")), None)


def _texts(record: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    values = (record.get(name) for name in names)
    return [str(value).strip() for value in values if isinstance(value, str | int) and str(value).strip()]


def _text(record: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next(iter(_texts(record, names)), "")


def _answer(record: Mapping[str, Any], names: tuple[str, ...]) -> str | int | None:
    """Text or a number as it is. An empty text is an answer, an empty cell is None."""
    name = next((name for name in names if record.get(name) is not None), None)
    if name is None:
        return None
    value = record[name]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str | int):
        raise ValueError(f"{name} is {str(value)[:80]!r}, expected text or a number")
    return value


def _index(record: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    name = _filled(record, names)
    if name is None:
        return None
    text = str(record[name]).strip()
    if not text.isdecimal() or len(text) > 3:
        raise ValueError(f"{name} is {text[:80]!r}, expected the index of an option, from 0")
    return int(text)


def _correct(record: Mapping[str, Any], alone: bool) -> bool | None:
    """The record's own score; where it stands alone, it must be one."""
    name = _filled(record, CORRECT)
    if name is None:
        return None
    score = truth(record[name])
    if score is None and alone:
        raise ValueError(f"{name} is {str(record[name])[:80]!r}, expected 0 or 1")
    return score


def _options(record: Mapping[str, Any]) -> tuple[str, ...]:
    """A list, the text of one, or the columns A, B, ...; empty when the record shows none."""
    name = _filled(record, OPTIONS)
    if name is not None:
        return without_labels(_listed(name, record[name]))
    columns = [str(record[letter]) for letter in LETTERS if record.get(letter) not in (None, "")]
    return tuple(columns) if len(columns) > 1 else ()


def _listed(name: str, value: Any) -> list[str]:
    if isinstance(value, str) and value.startswith("[") and len(value) <= LONGEST:
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise ValueError(f"{name} is {value[:80]!r}, expected a list of texts") from error
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list) or not all(isinstance(option, str | int | float) for option in value):
        raise ValueError(f"{name} is {str(value)[:80]!r}, expected a list of texts")
    return [str(option) for option in value]

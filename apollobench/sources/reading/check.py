"""What makes a question malformed, and what is done about it: all of them are told, and nothing is guessed.

The rule: malformed rows stop the reading, with one error that lists every one of them. With the source's option
`skip_malformed: true` they are left out, and the same list goes to standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from apollobench.errors import InputError
from apollobench.types import LETTERS


@dataclass(frozen=True, slots=True)
class Question:
    """What a reader makes of one row.

    id: native. answer: the place of the right option (A is 0), or its text. video: names the video, whatever is asked
    of it. file: its path below the source's folder of videos. native: labels as they are published. subtitles: path
    below the folder of subtitles, empty if there are none; span: the seconds of them that the video shows.
    """

    id: str
    question: str
    options: Sequence[str]
    answer: int | str
    video: str
    file: str
    native: Mapping[str, str] = field(default_factory=dict)
    subtitles: str = ""
    span: tuple[float, float] = (0.0, float("inf"))

    @property
    def key(self) -> int:
        """The place of the right option. Raises ValueError when there is none."""
        return self.answer if isinstance(self.answer, int) else list(self.options).index(self.answer)


@dataclass(frozen=True, slots=True)
class Defect:
    """where: file and row. what: everything that is wrong with it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class Repeats:
    """Finds native ids that were given before, and questions that were asked before."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._asked: dict[tuple[object, ...], str] = {}

    def problems(self, question: Question, where: str) -> Iterator[str]:
        """Same video and part of it, same question and same options in any order: an exact repeat."""
        first = self._ids.setdefault(question.id, where)
        if first != where:
            yield f"its id {question.id} is also that of {first}"
        part = (question.native.get("start"), question.native.get("end"))
        asked = (question.video, part, question.question, frozenset(question.options))
        first = self._asked.setdefault(asked, where)
        if first != where:
            yield f"repeats {first} (same video, question and options)"


def problems(question: Question) -> Iterator[str]:
    """Everything that is wrong with a question by itself."""
    options = question.options
    if not question.question:
        yield "the question is empty"
    if not 2 <= len(options) <= len(LETTERS):
        yield f"{len(options)} option{'s' * (len(options) != 1)}, expected 2 to {len(LETTERS)}"
    if len(set(options)) < len(options) or "" in options:
        for i, option in enumerate(options):
            if not option:
                yield f"option {_letter(i)} is empty"
            if option in options[:i]:
                yield f"options {_letter(list(options).index(option))} and {_letter(i)} are both {option!r}"
    if question.answer == "":
        yield "the answer is empty"
    elif isinstance(question.answer, str) and question.answer not in options:
        yield f"the answer {question.answer!r} is not among the options {', '.join(map(repr, options))}"
    elif isinstance(question.answer, int) and not 0 <= question.answer < len(options):
        yield f"the answer is number {question.answer}, counted from 0, of {len(options)} options"


def settle(source: str, rows: int, defects: Sequence[Defect], skip: bool) -> None:
    """Tells of malformed rows: on standard error if they are to be skipped, else as an InputError."""
    if not defects:
        return
    listed = "\n".join(f"  {defect}" for defect in defects)
    if not skip:
        raise InputError(
            f"{source}: {len(defects):,} of {rows:,} rows are malformed:\n{listed}\n"
            "Rows are counted from 0. Correct them, or leave them out with the source's option skip_malformed: true "
            "(on the command line --skip_malformed)"
        )
    print(f"note: {source}: left out {len(defects):,} of {rows:,} rows as malformed:\n{listed}", file=sys.stderr)


def _letter(place: int) -> str:
    return LETTERS[place] if place < len(LETTERS) else str(place)

"""What every reader of a result file yields: one answer as another tool recorded it, or a fault with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from apollobench.types import Mode


@dataclass(frozen=True, slots=True)
class Row:
    """One answer. Only what the file says is filled in; nothing is derived from the row's position.

    place: file and line, for messages. ids: names under which the item may be known. videos: names of which one is the
    video's, where the file gives any. asked: the question, or the whole prompt. options: in the order of the file's
    letters. key: the right answer as the file has it, and answer: the model's: text, or a number. choice: the index of
    the chosen option, where the file says that it is one. correct: the file's own score. A row with none of answer,
    choice, correct and error was left blank.
    """

    place: str
    model: str = ""
    mode: Mode | None = None
    ids: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()
    asked: str = ""
    options: tuple[str, ...] = ()
    key: str | int | None = None
    answer: str | int | None = None
    choice: int | None = None
    correct: bool | None = None
    error: str | None = None

    @property
    def answered(self) -> bool:
        """Whether it has the answer itself, and not only a score."""
        return self.answer is not None or self.choice is not None

    @property
    def blank(self) -> bool:
        return not self.answered and self.correct is None and self.error is None


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that cannot be read: where it stands and what is wrong with it."""

    place: str
    reason: str


Rows = Iterator[Row | Fault]


def line_of(path: Path, number: int) -> str:
    return f"{path}, line {number}"

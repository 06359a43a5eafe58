"""Questions that carry their options in their own text, one on each line after the question."""

from __future__ import annotations

import re

from apollobench.sources.reading.row import MalformedError
from apollobench.types import LETTERS

# `A. text`, `A.text`, `(A) text`, `Option 1: text`, `Sentence A: text`: the marks of the first options, in order.
MARK = re.compile(r"\s*(?:\(([A-J])\)|([A-J])\.|(?:Option|Sentence|Caption) ([A-J1-9]):)\s*(.*)")
HEADING = re.compile(r"\s*Options?:\s*")


def split_options(text: str) -> tuple[str, list[str]]:
    """The question and its options, without their marks.

    Every line from the first marked one on must be an option, marked in order. Raises MalformedError naming one that
    is not.
    """
    lines = text.strip().split("\n")
    marks = [MARK.fullmatch(line) for line in lines]
    first = next((i for i, mark in enumerate(marks) if mark), None)
    if first is None:
        raise MalformedError(f"no options in the question {text!r}; expected lines such as `A. text` after it")
    options = []
    for number, (line, mark) in enumerate(zip(lines[first:], marks[first:], strict=True)):
        if mark is None:
            raise MalformedError(f"found {line!r} among the options, expected `{LETTERS[number]}. text`")
        letter, plain, other, option = mark.groups()
        if (letter or plain or other) not in (LETTERS[number], str(number + 1)):
            raise MalformedError(f"found option {line.strip()!r}, expected number {number + 1} to be {LETTERS[number]}")
        options.append(option.strip())
    asked = [line for line in lines[:first] if not HEADING.fullmatch(line)]
    return "\n".join(asked).strip(), options


def without_mark(text: str) -> str:
    """An option's or an answer's text without its mark. Raises MalformedError when it has none."""
    mark = MARK.fullmatch(text)
    if mark is None:
        raise MalformedError(f"found {text!r}, expected a marked option such as `B. text`")
    return mark.group(4).strip()

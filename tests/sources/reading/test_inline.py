"""Options in the question's own text: every published way of marking them, and nothing that only looks like it."""

from __future__ import annotations

import pytest

from apollobench.sources.reading.inline import split_options, without_mark
from apollobench.sources.reading.row import MalformedError


@pytest.mark.parametrize(
    ("text", "question", "options"),
    [
        ("What?\nA. one\nB. two", "What?", ["one", "two"]),
        ("What?\nA. one\nB. two\nC.three\n D. four", "What?", ["one", "two", "three", "four"]),
        ("What?\n(A) one\n(B) two", "What?", ["one", "two"]),
        ("What?\nOptions:\n(A) one\n(B) two", "What?", ["one", "two"]),
        ("What?\nReally?\nOption 1: one\nOption 2: two", "What?\nReally?", ["one", "two"]),
        ("What?\nSentence A: one: or\nSentence B: two", "What?", ["one: or", "two"]),
        ("What?\nCaption A: one\nCaption B: two", "What?", ["one", "two"]),
        ("What?\nA. \nB. two", "What?", ["", "two"]),
    ],
)
def test_options_are_found(text: str, question: str, options: list[str]) -> None:
    assert split_options(text) == (question, options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is it?", "no options in the question"),
        ("What?\nA. one\nC. three", "found option 'C. three', expected number 2 to be B"),
        ("What?\nB. one\nC. two", "found option 'B. one', expected number 1 to be A"),
        ("What?\nA. one\nor so\nB. two", "found 'or so' among the options, expected `B. text`"),
        ("What?\nOption 2: one\nOption 1: two", "expected number 1 to be A"),
    ],
)
def test_what_is_not_strictly_so_is_malformed(text: str, expected: str) -> None:
    with pytest.raises(MalformedError) as caught:
        split_options(text)
    assert expected in str(caught.value)


def test_marks_are_taken_off() -> None:
    assert without_mark("B. two") == "two"
    with pytest.raises(MalformedError, match="found 'two', expected a marked option"):
        without_mark("two")

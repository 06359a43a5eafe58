"""From an answer to a status."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.evaluate.judge import best_option, reread, respond
from apollobench.types import Answer, Item, Mode, Status, Video

ITEM = Item("world/1", "Which?", ("a bus", "a car", "a dog"), 1, Video("v", Path("/v.mp4")))


@pytest.mark.parametrize(
    ("answer", "status", "choice", "error"),
    [
        (Answer("B"), Status.OK, 1, None),
        (Answer("B", (-1.0, -2.0, -3.0)), Status.OK, 1, None),
        (Answer("I cannot tell."), Status.UNPARSED, None, None),
        (Answer(""), Status.UNPARSED, None, None),
        (Answer(None, (-1.0, -0.5, -3.0)), Status.OK, 1, None),
        (Answer(None, (-1.0, -1.0, -3.0)), Status.UNPARSED, None, None),
        (Answer("B", error="out of memory"), Status.ERROR, None, "out of memory"),
        (Answer(None), Status.ERROR, None, "the model gave neither text nor log-probabilities"),
        (Answer("B", (-1.0, -2.0)), Status.ERROR, None, "the model gave 2 log-probabilities for 3 options"),
        (Answer("B", (-1.0, math.nan, -1.0)), Status.ERROR, None, "not finite"),
    ],
)
def test_status_of(answer: Answer, status: Status, choice: int | None, error: str | None) -> None:
    made = respond(ITEM, Mode.TEXT, "m", "k", None, answer)
    assert (made.status, made.choice, made.text) == (status, choice, answer.text)
    assert made.error == error or (error and error in (made.error or ""))


def test_rereading_follows_the_text() -> None:
    made = respond(ITEM, Mode.TEXT, "m", "k", None, Answer("Answer: C"))
    stale = replace(made, status=Status.UNPARSED, choice=None)
    assert reread(ITEM, stale) == made


def test_a_shared_first_place_is_no_choice() -> None:
    assert best_option((-2.0, -1.0)) == 1
    assert best_option((-1.0, -1.0, -5.0)) is None

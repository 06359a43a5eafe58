"""What is read out of responses, sound and unsound."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from apollobench.models.http.replies import option_logprobs, read_reply
from apollobench.types import Answer, Item, Mode, Request, Video

ITEM = Item("test/1", "Which?", ("red", "green", "blue"), 0, Video("v", Path("/v.mp4")))
REQUEST = Request(ITEM, Mode.TEXT, "Which?")


def reply(content: Any, finish: str = "stop", **message: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": content, **message}, "finish_reason": finish}]}


def choice(*listed: tuple[Any, Any]) -> dict[str, Any]:
    top = [{"token": token, "logprob": logprob} for token, logprob in listed]
    return {"logprobs": {"content": [{"token": "A", "logprob": -0.1, "top_logprobs": top}]}}


def test_texts_are_answers_even_empty_ones_and_refusals() -> None:
    assert read_reply(REQUEST, reply("B")) == Answer("B")
    assert read_reply(REQUEST, reply("", "length")) == Answer("")
    assert read_reply(REQUEST, reply(None, refusal="I cannot help.")) == Answer("I cannot help.")


@pytest.mark.parametrize(
    ("unsound", "told"),
    [
        ({}, "no choices[0].message: {}"),
        ({"choices": []}, "no choices[0].message"),
        ({"choices": None}, "no choices[0].message"),
        ({"choices": ["A"]}, "no choices[0].message"),
        ({"choices": [{"message": None}]}, "no choices[0].message"),
        ({"error": {"message": "x" * 999}}, "x..."),
        (reply(None, "length"), "no text (finish_reason 'length')"),
        (reply([{"text": "A"}]), "no text (finish_reason 'stop')"),
        (reply("A", "content_filter"), "content filter stopped the reply"),
    ],
)
def test_what_is_no_answer_is_named(unsound: dict[str, Any], told: str) -> None:
    answer = read_reply(REQUEST, unsound)
    assert answer.text is None
    assert answer.option_logprobs is None
    assert answer.error is not None
    assert told in answer.error
    assert len(answer.error) < 350


def test_the_ways_to_write_a_letter_add_up() -> None:
    listed = choice(("A", math.log(0.5)), (" A", math.log(0.25)), ("\nB", -2.0), ("C", -3.0), ("a", -1.0), ("AB", -1.0))
    found = option_logprobs(listed, 3)
    assert found == pytest.approx((math.log(0.75), -2.0, -3.0))
    assert option_logprobs(listed, 2) == found[:2]


@pytest.mark.parametrize(
    "listed",
    [
        choice(("A", -0.1), ("B", -2.0)),
        choice(("A", -0.1), ("B", -2.0), ("C", -9999.0)),
        choice(("A", -0.1), ("B", -2.0), ("C", float("-inf"))),
        choice(("A", -0.1), ("B", -2.0), ("C", float("nan"))),
        choice(("A", -0.1), ("B", -2.0), ("C", None)),
        choice(),
        {},
        {"logprobs": None},
        {"logprobs": {"content": []}},
        {"logprobs": {"content": [{"token": "A"}]}},
    ],
)
def test_no_figure_is_made_up(listed: dict[str, Any]) -> None:
    assert option_logprobs(listed, 3) is None


def test_a_reply_with_all_letters_has_log_probabilities() -> None:
    listed = choice(("A", -0.1), ("B", -2.0), ("C", -4.0))
    whole = {"choices": [{"message": {"content": "A"}, "finish_reason": "length", **listed}]}
    assert read_reply(REQUEST, whole) == Answer("A", (-0.1, -2.0, -4.0))

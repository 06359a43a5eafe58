"""Responses become arrays without a guess."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from apollobench.curate.answers import Answers, gather, tally
from apollobench.errors import InputError
from apollobench.types import Item, Mode, Response, Status


def test_a_vote_is_right_wrong_or_none(make_answers: Callable[..., Answers]) -> None:
    answers = make_answers({"a": {Mode.TEXT: "10uex-"}, "b": {Mode.TEXT: "11uue1"}})
    assert answers.scores(Mode.TEXT).tolist() == [[1, 0, 0, -1, -1, -1], [1, 1, 0, 0, -1, 1]]
    right, voted = answers.votes(Mode.TEXT)
    assert right.tolist() == [2, 1, 0, 0, 0, 1]
    assert voted.tolist() == [2, 2, 2, 1, 0, 1]


def test_parts_keep_their_rows_and_columns(make_answers: Callable[..., Answers]) -> None:
    answers = make_answers({"a": {Mode.TEXT: "100"}, "b": {Mode.TEXT: "011"}})
    assert answers.only(["b"]).scores(Mode.TEXT).tolist() == [[0, 1, 1]]
    part = answers.at(np.array([False, True, True]))
    assert [item.id for item in part.items] == ["toy/1", "toy/2"]
    assert part.scores(Mode.TEXT).tolist() == [[0, 0], [1, 1]]
    assert answers.at(np.array([2, 0])).items[0].id == "toy/2"


def test_a_correct_key_is_read_from_the_item_and_not_from_the_response(make_item: Callable[..., Item]) -> None:
    item = replace(make_item(0), answer=2)
    said = Response("k", item.id, "m", Mode.VIDEO, Status.OK, "C", 2, None, None)
    assert gather([item], [said], ["m"], [Mode.VIDEO]).scores(Mode.VIDEO).tolist() == [[1]]
    assert gather([replace(item, answer=1)], [said], ["m"], [Mode.VIDEO]).scores(Mode.VIDEO).tolist() == [[0]]


def test_the_last_response_to_a_question_counts_and_strangers_do_not(make_item: Callable[..., Item]) -> None:
    item = make_item(0)
    old = Response("k1", item.id, "m", Mode.TEXT, Status.ERROR, None, None, None, None, "out of memory")
    new = Response("k2", item.id, "m", Mode.TEXT, Status.OK, "A", 0, None, None)
    stranger = replace(new, model="n", item="toy/9")
    answers = gather([item], [old, new, stranger], ["m"], [Mode.TEXT])
    assert answers.scores(Mode.TEXT).tolist() == [[1]]


def test_impossible_pools_and_responses_are_refused(make_item: Callable[..., Item]) -> None:
    item = make_item(0)
    beyond = Response("k", item.id, "m", Mode.TEXT, Status.OK, "F", 5, None, None)
    with pytest.raises(InputError, match="toy/0: m chose option 5 of 4 in text mode"):
        gather([item], [beyond], ["m"], [Mode.TEXT])
    with pytest.raises(InputError, match="toy/0: two items have this id"):
        gather([item, item], [], ["m"], [Mode.TEXT])
    with pytest.raises(InputError, match="toy/0: the key is option 4"):
        gather([replace(item, answer=4)], [], ["m"], [Mode.TEXT])


def test_tally_counts_columns() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(-1, 2, size=(300, 50)).astype(np.int8)
    right, voted = tally(scores)
    assert (right == (scores == 1).sum(axis=0)).all()
    assert (voted == (scores >= 0).sum(axis=0)).all()

"""What makes a row be about an item, and what makes it be about none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apollobench.imports.match import Match, Matcher
from apollobench.imports.rows import Row
from apollobench.types import Item, Video


def found(items: list[Item], **fields: object) -> Match:
    match = Matcher(items).find(Row("here", **fields))  # type: ignore[arg-type]
    assert isinstance(match, Match), match
    return match


def reason(items: list[Item], **fields: object) -> str:
    match = Matcher(items).find(Row("here", **fields))  # type: ignore[arg-type]
    assert isinstance(match, str)
    return match


@pytest.mark.parametrize("name", ["001-1", "videomme/001-1"])
def test_an_id_is_enough(items: list[Item], name: str) -> None:
    assert found(items, ids=(name,)).item == items[0]


def test_what_the_source_calls_an_id_is_one(items: list[Item]) -> None:
    named = replace(items[0], native={"question_id": "q7", "domain": "Cars"})
    assert found([named], ids=("q7",)).item == named
    assert reason([named], ids=("Cars",)) == "no item has its id"


def test_question_and_options_are_enough(items: list[Item]) -> None:
    match = found(items, asked="what color is the CAR", options=("Red", "Blue", "Green", "Black"))
    assert match.item == items[0]
    assert match.order is None
    assert not match.sure


@pytest.mark.parametrize(
    "prompt",
    [
        "Look closely.\nWhat color is the car?\nA. Red\nB. Blue\nC. Green\nD. Black\nAnswer with the letter.",
        "Question: What color is the car?\n(A) Red\n(B) Blue\n(C) Green\n(D) Black\nOnly give the best option.",
        "What color is the car?\nOptions: A: Red, B: Blue, C: Green, D: Black",
        "Which is it?\nA. x\nB. y\nThen: \nWhat color is the car?\nA. Red\nB. Blue\nC. Green\nD. Black",
    ],
)
def test_a_prompt_shows_both(items: list[Item], prompt: str) -> None:
    match = found(items, asked=prompt)
    assert match.item == items[0]
    assert match.read("B") == 1


def test_a_question_of_several_lines_is_found(items: list[Item]) -> None:
    prompt = "Why does the girl\nlook at the camera?\nA. She is happy.\nB. She waves\nC. -5\nD. 5"
    assert found(items, asked=prompt).item == items[2]


def test_letters_follow_the_files_order(items: list[Item]) -> None:
    match = found(items, asked="What color is the car?", options=("Black", "Green", "Blue", "Red"))
    assert [match.read(letter) for letter in "ABCD"] == [3, 2, 1, 0]
    assert match.read("blue") == 1
    assert match.index(2) == 1
    assert match.read("E") is None
    assert match.index(4) is None


def test_options_that_differ_by_a_sign_are_told_apart(items: list[Item]) -> None:
    asked = "Why does the girl look at the camera?"
    assert found(items, ids=("002-1",), options=("5", "-5", "She waves", "She is happy")).read("A") == 3
    assert "options are others" in reason(items, asked=f"{asked}", ids=("002-1",), options=("5", "+5", "a", "b"))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"ids": ("9",)}, "no item has its id"),
        ({}, "it shows neither an id nor a question"),
        ({"ids": ("9",), "asked": "Where is the cat?"}, "no item has its id or its question"),
        ({"ids": ("001-1",), "asked": "Where is the cat?"}, "its id is known, but its question is another"),
        ({"ids": ("001-1",), "options": ("Red", "Blue")}, "its question is known, but its options are others"),
        ({"asked": "What color is the car?"}, "it shows no options"),
        ({"asked": "What color is the car?\nA. Red\nB. Blue\nC. Green"}, "options are others"),
        ({"asked": "What color is the car? A: Red B: Blue C: Green D: Black E: White"}, "no item has its id"),
        ({"ids": ("001-1",), "key": "C", "answer": "C"}, "its id is known, but its key is another"),
        ({"ids": ("001-1",), "key": 2, "answer": 2}, "its id is known, but its key is another"),
        (
            {
                "asked": "What color is the car?",
                "options": ("Red", "Blue", "Green", "Black"),
                "videos": ("other.mp4",),
            },
            "its question is known, but its video is another",
        ),
    ],
)
def test_a_contradiction_is_a_reason(items: list[Item], fields: dict[str, object], why: str) -> None:
    assert why in reason(items, **fields)


def test_only_the_video_tells_twins_apart(items: list[Item]) -> None:
    asked = "Which way does the ball move?\nA. Left to right\nB. Right to left"
    assert reason(items, asked=asked, answer="A") == "several items agree with all that it shows"
    for video in ("ball_2", "clips/ball_2.webm", "videomme/ball_2"):
        match = found(items, asked=asked, videos=(video,))
        assert match.item == items[4]
        assert match.sure


def test_a_key_that_differs_is_told_where_the_options_are_shown(items: list[Item]) -> None:
    options = ("Red", "Blue", "Green", "Black")
    assert found(items, ids=("001-1",), options=options, key="C. Green", answer="B").key_differs
    assert not found(items, ids=("001-1",), options=options, key="B", answer="B").key_differs
    assert "key is another" in reason(items, ids=("001-1",), options=options, key="C", correct=True)


def test_a_number_is_an_index_unless_it_may_be_an_options_text(items: list[Item]) -> None:
    assert found(items, ids=("001-1",), key="1", answer=1).count(1) == 1
    assert "may be an option's index or its text" in reason(items, ids=("001-2",), answer=3)
    assert found(items, ids=("001-2",), answer="3").read("3") == 2
    assert found(items, ids=("001-2",), choice=3).index(3) == 3
    for key in ("2", "3", 2, 3):  # the third option is 3, and the option of index 2
        assert not found(items, ids=("001-2",), key=key, answer="3").key_differs


def test_one_id_of_two_items_is_settled_by_the_question(items: list[Item]) -> None:
    twins = [replace(one, id=f"{source}/7") for one, source in zip(items, ("a", "b"), strict=False)]
    assert "several items" in reason(twins, ids=("7",))
    asked = "How many people enter the room?\nA. 1\nB. 2\nC. 3\nD. 4"
    assert found(twins, ids=("7",), asked=asked).item == twins[1]


def test_an_item_of_the_same_words_in_another_video_is_no_match(items: list[Item]) -> None:
    alone = [replace(items[3], video=Video("videomme/ball_9", items[3].video.path.with_name("ball_9.mp4")))]
    asked = "Which way does the ball move?\nA. Left to right\nB. Right to left"
    assert "video is another" in reason(alone, asked=asked, videos=("ball_1",))

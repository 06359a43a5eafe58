"""The extractor's table of cases: what is read from each text, and what is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.evaluate.extract import extract
from apollobench.types import LETTERS

CARS = ("the red car", "a blue car", "the green bus", "two people")
NUMBERS = ("1", "2", "3", "12")
YES_NO = ("yes", "no")
ROUTES = ("U.S.A.", "Canada")
DRINKS = ("tea", "tea with milk", "milk")
SIGNS = ("B", "A", "STOP")
TWINS = ("left", "Left", "right")

# (text, options, the letter read or None)
CASES: list[tuple[str, tuple[str, ...], str | None]] = [
    # Nothing but a letter.
    ("B", CARS, "B"),
    ("b", CARS, "B"),
    ("a", CARS, "A"),
    ("B.", CARS, "B"),
    ("(B)", CARS, "B"),
    ("[c]", CARS, "C"),
    ("(B", CARS, "B"),
    ("B)", CARS, "B"),
    ("b:", CARS, "B"),
    ("'D'", CARS, "D"),
    ("**B**", CARS, "B"),
    ("__B__", CARS, "B"),
    ("`C`", CARS, "C"),
    ("  \n D \n", CARS, "D"),
    ("\uff22", CARS, "B"),
    ("\uff08C\uff09", CARS, "C"),
    ("B<|im_end|>", CARS, "B"),
    ("C</s>", CARS, "C"),
    ("B B B", CARS, "B"),
    ("$B$", CARS, "B"),
    # Letters that no option has, or several.
    ("E", CARS, None),
    ("Z", CARS, None),
    ("C", YES_NO, None),
    ("I", CARS, None),
    ("A B C D", CARS, None),
    ("A, B", CARS, None),
    ("A/B", CARS, None),
    ("N/A", CARS, None),
    ("A or B", CARS, None),
    ("B and C", CARS, None),
    ("Both A and B", CARS, None),
    ("Neither A nor B", CARS, None),
    ("B?", CARS, None),
    ("B-52", CARS, None),
    ("AB", CARS, None),
    ("B2", CARS, None),
    ("Apple", CARS, None),
    ("2", CARS, None),
    # Statements of the answer.
    ("Answer: B", CARS, "B"),
    ("answer:b", CARS, "B"),
    ("**Answer:** B", CARS, "B"),
    ("Answer: **(B)**", CARS, "B"),
    ("ANSWER B", CARS, "B"),
    ("Answer (c)", CARS, "C"),
    ("Ans: D", CARS, "D"),
    ("The answer is B", CARS, "B"),
    ("The answer is: B.", CARS, "B"),
    ("The answer's B", CARS, "B"),
    ("the answer is b because the car turns", CARS, "B"),
    ("The answer is A because the car turns", CARS, "A"),
    ("The correct answer is option (b).", CARS, "B"),
    ("The correct option is (D) not (A)", CARS, "D"),
    ("The correct option is (D), not (A).", CARS, "D"),
    ("The best choice is C", CARS, "C"),
    ("Best option: (B", CARS, "B"),
    ("Final answer - D", CARS, "D"),
    ("Answer \u2192 C", CARS, "C"),
    ("My answer would be B.", CARS, "B"),
    ("The answer is most likely C.", CARS, "C"),
    ("The correct answer to the question is B", CARS, "B"),
    ("It looks like C.", CARS, "C"),
    ("Correct: B", CARS, "B"),
    ("Based on the video, the answer is option A: the red car", CARS, "A"),
    ("**Correct answer: C) the green bus**", CARS, "C"),
    ("Answer:\nB. a blue car", CARS, "B"),
    ("The answer is A, a car", CARS, "A"),
    ("C is correct, not B.", CARS, "C"),
    ("It can't be A, so it must be B", CARS, "B"),
    ("A\n\nThe red car comes first, so A.", CARS, "A"),
    ("B is not correct", CARS, None),
    ("the answer cannot be B", CARS, None),
    ("The answer should be the letter D.", CARS, "D"),
    ("So the final answer is: **B. a blue car**", CARS, "B"),
    ("Option B", CARS, "B"),
    ("Choice (c).", CARS, "C"),
    ("option d is correct", CARS, "D"),
    ("B is the correct answer.", CARS, "B"),
    ("(B) is the best choice", CARS, "B"),
    ("A is correct.", CARS, "A"),
    ("C seems to be the most likely option.", CARS, "C"),
    ("It's B", CARS, "B"),
    ("It is (C).", CARS, "C"),
    ("I think it's C because A and B are wrong", CARS, "C"),
    ("I think it's C. A and B are wrong", CARS, "C"),
    ("I would go with option D.", CARS, "D"),
    ("I'd say B", CARS, "B"),
    ("I choose A.", CARS, "A"),
    ("I believe that the answer is B.", CARS, "B"),
    ("Probably B.", CARS, "B"),
    ("A blue car is visible, so the answer is B", CARS, "B"),
    ("A blue car is visible, so B.", CARS, "B"),
    ("A red car passes. Therefore, A.", CARS, "A"),
    ("Option A is incorrect. Option B is correct.", CARS, "B"),
    ("A is wrong. B is wrong. So C.", CARS, "C"),
    ("It's not A, it's B.", CARS, "B"),
    ("I don't think it's C. It is D.", CARS, "D"),
    ("The answer is not A but B.", CARS, "B"),
    ("A is likely wrong, so the answer is C", CARS, "C"),
    ("Let me see.\nThe car turns.\nB", CARS, "B"),
    ("A. the red car\nB. a blue car\nC. the green bus\nD. two people\nAnswer: C", CARS, "C"),
    ("The answer is C.\nAnswer: C", CARS, "C"),
    ("答案是B", CARS, "B"),
    ("答案\uff1aC。", CARS, "C"),
    ("The answer is the red car.", CARS, "A"),
    ("Answer: A blue car", CARS, "B"),
    ("It is a green bus.", CARS, "C"),
    # Marked answers and thoughts.
    (r"The result is \boxed{B}.", CARS, "B"),
    (r"$\boxed{\text{C}}$", CARS, "C"),
    (r"\boxed{the green bus}", CARS, "C"),
    (r"\boxed{A} and \boxed{B}", CARS, None),
    (r"\boxed{unknown}. The answer is B", CARS, None),
    ("<answer> D </answer>", CARS, "D"),
    ("<think>A or B? The answer is A.</think>B", CARS, "B"),
    ("The answer may be A.</think>\nC", CARS, "C"),
    ("<think>The answer is A", CARS, None),
    # Statements that contradict each other, or are none.
    ("The answer is A. Wait, the answer is B.", CARS, None),
    ("Answer: A\nB", CARS, None),
    ("B. The answer is C.", CARS, None),
    ("B. The answer is B because A is wrong.", CARS, "B"),
    ("I think it's C, A and B are wrong", CARS, None),
    ("Answer: A or B", CARS, None),
    ("Answer: A, C", CARS, None),
    ("The answer is either A or B.", CARS, None),
    ("A or B is the correct answer.", CARS, None),
    ("Both A and B are correct.", CARS, None),
    ("Answer: E", CARS, None),
    ("The answer is x.", CARS, None),
    ("The answer is not A.", CARS, None),
    ("The answer isn't A", CARS, None),
    ("I don't think it's C.", CARS, None),
    ("If the answer is A, the car is red.", CARS, None),
    ("I cannot tell whether the answer is A or B.", CARS, None),
    ("Is it B?", CARS, None),
    ("The answer is a mystery", CARS, None),
    ("Answer: A blue bicycle", CARS, None),
    ("So B falls first", CARS, None),
    ("So A, B and C are wrong", CARS, None),
    ("Answer: B. the red car", CARS, None),
    ("Vitamin B is shown.", CARS, None),
    ("None of the above", CARS, None),
    ("Answer: unknown", CARS, None),
    ("The change in the insect is option A, the red car.", CARS, "A"),
    ("Option A, the red one, is not there.", CARS, None),
    # A letter as a label.
    ("B. a blue car", CARS, "B"),
    ("(B) a blue car", CARS, "B"),
    ("B) A blue car", CARS, "B"),
    ("B: a blue car", CARS, "B"),
    ("B - a blue car", CARS, "B"),
    ("B a blue car", CARS, "B"),
    ("A.the red car", CARS, "A"),
    ("C. the green bus.\n\nIt drives by at the end.", CARS, "C"),
    ("D. Two persons walk.", CARS, "D"),
    ("Option B: a blue car", CARS, "B"),
    ("**B. a blue car**\n\nIt is seen beside a red car, a red house and a tree.", CARS, "B"),
    ("B. a blue car\n\nWhat is behind it?\nA. a tree\nB. a house\nPlease give the best option:", CARS, "B"),
    ("B. a blue car\n\nThere is no evidence that it is the red car.", CARS, "B"),
    ("C. the green bus\n\nThe best option is C. Option A, the red car, is not shown.", CARS, "C"),
    ("B. a blue car & C. the green bus", CARS, None),
    ("B because the car turns", CARS, "B"),
    ("A, because it is red", CARS, "A"),
    ("B. Because A is wrong.", CARS, "B"),
    ("B. rather than (A)", CARS, "B"),
    ("B. the red car", CARS, None),
    ("B. Maybe (C)", CARS, None),
    ("A. the red car B. a blue car C. the green bus D. two people", CARS, None),
    ("E. none of them", CARS, None),
    ("A.M. radio", CARS, None),
    # An option's own text.
    ("the red car", CARS, "A"),
    ("The red car.", CARS, "A"),
    ("red car", CARS, "A"),
    ("A blue car", CARS, "B"),
    ("A red car", CARS, "A"),
    ("**Two people**", CARS, "D"),
    ("The green bus. It drives by.", CARS, "C"),
    ("The red car. The green bus.", CARS, None),
    ("a yellow car", CARS, None),
    ("There is a red car and a green bus", CARS, None),
    ("There is a red car.", CARS, None),
    ("The first thing is a red car. It drives by.", CARS, "A"),
    ("The first thing is not a red car.", CARS, None),
    ("The first thing is a red car. The second one is a green bus.", CARS, None),
    ("The girls are waving.", ("sitting", "waving"), "B"),
    ("12", NUMBERS, "D"),
    ("2", NUMBERS, "B"),
    ("The answer is 3.", NUMBERS, "C"),
    ("4", NUMBERS, None),
    ("Yes", YES_NO, "A"),
    ("No, the man does not.", YES_NO, "B"),
    ("no.", YES_NO, "B"),
    ("Yes and no", YES_NO, None),
    ("No, I cannot watch videos.", YES_NO, None),
    ("U.S.A.", ROUTES, "A"),
    ("tea with milk", DRINKS, "B"),
    ("tea", DRINKS, "A"),
    ("tea, then milk", DRINKS, None),
    ("A", SIGNS, "A"),
    ("stop", SIGNS, "C"),
    ("left", TWINS, None),
    ("right", TWINS, "C"),
    # Nothing said.
    ("", CARS, None),
    ("   \n", CARS, None),
    ("...", CARS, None),
    ("As an AI, I can't watch videos.", CARS, None),
    ("I'm sorry, but I cannot answer that.", CARS, None),
    ("I am unable to see a video. Please provide one.", CARS, None),
    ("I can't see the video, but the answer is B.", CARS, "B"),
    ("A car is moving.", CARS, None),
    ("I see a car.", CARS, None),
    ("The video shows a busy street.", CARS, None),
]


@pytest.mark.parametrize(
    ("text", "options", "letter"), CASES, ids=[f"{i}-{case[0][:30]!r}" for i, case in enumerate(CASES)]
)
def test_table(text: str, options: tuple[str, ...], letter: str | None) -> None:
    expected = None if letter is None else LETTERS.index(letter)
    assert extract(text, options) == expected


@given(st.text(max_size=200), st.lists(st.text(max_size=12), min_size=2, max_size=10))
def test_any_text_gives_an_existing_option_or_none_every_time(text: str, options: list[str]) -> None:
    first = extract(text, options)
    assert first is None or 0 <= first < len(options)
    assert extract(text, options) == first


@given(
    st.integers(2, 10), st.integers(0, 25), st.sampled_from(["{}", "({})", "Answer: {}", "The answer is {}.", "**{}**"])
)
def test_every_letter_is_read_alike_and_those_beyond_the_options_never(count: int, index: int, shape: str) -> None:
    letter = chr(ord("A") + index)
    options = [f"option number {i}" for i in range(count)]
    expected = index if index < count else None
    assert extract(shape.format(letter), options) == expected
    assert extract(shape.format(letter.lower()), options) == expected


def test_a_long_text_is_read_in_linear_time() -> None:
    text = "I think it is so, the answer is not clear, A and B, or option C. " * 3000 + "\nAnswer: D"
    assert extract(text, CARS) == 3


def _real_replies(path: Path, reply: str) -> Iterator[tuple[str, list[str], dict[str, str | int]]]:
    """Text, options and the whole record of every reply in a TempCompass result file."""
    for video in json.loads(path.read_text()).values():
        for records in video.values():
            for record in records:
                lines = record["question"].split("\n")[1:]
                options = [line[2:].strip() for line in lines if re.match(r"[A-D]\.", line)]
                if record[reply]:
                    yield record[reply], options, record


def test_real_replies_are_read_as_a_judge_model_read_them(shared: Path) -> None:
    path = shared / "data/responses/raw/tempcompass_gemini_multi-choice_auto_eval.json"
    alike = []
    for text, options, record in _real_replies(path, "video-llm-prediction"):
        right = extract(text, options) == LETTERS.index(str(record["gt-answer"])[0])
        alike.append(right == bool(record["rating"]))
    # The one that differs was misjudged: the reply names C, the key is A, and the judge called it right.
    assert (len(alike), alike.count(False)) == (1568, 1)


@pytest.mark.parametrize(("model", "unparsed"), [("video-llava", 0), ("reka-flash", 1), ("reka-core-20240501", 138)])
def test_real_replies_are_mostly_read_and_never_against_their_label(shared: Path, model: str, unparsed: int) -> None:
    path = shared / f"data/responses/raw/tempcompass_{model}_multi-choice.json"
    unread = 0
    for text, options, _ in _real_replies(path, "prediction"):
        choice = extract(text, options)
        label = re.match(r"\s*\(?([A-D])[.):]", text)
        assert choice is None or label is None or LETTERS[choice] == label[1], text
        unread += choice is None
    # reka-core likes to answer in sentences of its own: `The wave below is moving faster.`
    assert unread <= unparsed

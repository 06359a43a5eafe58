"""Scores by hand counts: what is in the denominator, what is beside it, and what cannot be scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.evaluate.run import run
from apollobench.evaluate.score import accuracy, accuracy_by_logprobs, score
from apollobench.evaluate.store import Store
from apollobench.stats.clusters import partition
from apollobench.stats.interval import clustered_macro, clustered_proportion
from apollobench.stats.paired import clustered_paired_difference
from apollobench.types import Item, Mode, Response, Status, Video

from .eyes import MODES, Eyes


def item(number: int, category: str | None = "OCR", options: int = 4) -> Item:
    """Two questions per video; the answer is always B."""
    letters = tuple(f"option {letter}" for letter in "ABCDE"[:options])
    return Item(f"world/{number}", "Which?", letters, 1, Video(str(number // 2), Path("/v.mp4")), category)


def answer(number: int, choice: int | None, mode: Mode = Mode.VIDEO, status: Status | None = None) -> Response:
    status = status or (Status.UNPARSED if choice is None else Status.OK)
    logprobs = None if choice is None else tuple(-0.1 if i == choice else -3.0 for i in range(4))
    key = f"{mode}{number}"
    return Response(key, f"world/{number}", "m", mode, status, None, choice, logprobs, None)


def test_unparsed_is_wrong_and_errors_leave_the_denominator() -> None:
    items = [item(n) for n in range(8)]
    made = [answer(0, 1), answer(1, 1), answer(2, 0), answer(3, None)]
    made += [answer(4, None, status=Status.ERROR), answer(5, None, status=Status.UNSUPPORTED), answer(6, 1)]
    scored = score(items, made).modes[Mode.VIDEO]
    assert scored.overall == clustered_proportion([1, 1, 0, 0, 1], partition(["0", "0", "1", "1", "3"]))
    assert scored.statuses == dict.fromkeys(Status, 1) | {Status.OK: 4, Status.WRONG: 0}
    assert scored.missing == 1
    # The unparsed answer tells no log-probabilities, so there are four by which to choose.
    assert scored.by_logprobs is not None
    assert (scored.by_logprobs.n, scored.by_logprobs.value) == (4, 0.75)


def test_macro_weighs_categories_alike_and_chance_counts_options() -> None:
    items = [item(0, "OCR"), item(1, "OCR"), item(2, "OCR"), item(3, "Spatial", 2), item(4, None, 5)]
    made = [answer(0, 1), answer(1, 0), answer(2, 0), answer(3, 1), answer(4, 0)]
    scored = score(items, made).modes[Mode.VIDEO]
    assert scored.macro == clustered_macro([1, 0, 0, 1], ["a", "a", "a", "b"], partition(["0", "0", "1", "1"]))
    assert scored.macro.value == pytest.approx((1 / 3 + 1) / 2)
    assert scored.overall is not None
    assert scored.overall.value == pytest.approx(2 / 5)
    assert scored.chance == pytest.approx((3 / 4 + 1 / 2 + 1 / 5) / 5)
    assert scored.category_chance == {"OCR": pytest.approx(0.25), "Spatial": pytest.approx(0.5)}


def test_categories_stand_in_their_usual_order_then_by_name() -> None:
    items = [item(n, name) for n, name in enumerate(["Zoo", "Reasoning", "Art", "OCR", "Spatial"])]
    scored = score(items, [answer(n, 1) for n in range(5)]).modes[Mode.VIDEO]
    assert list(scored.categories) == ["OCR", "Spatial", "Reasoning", "Art", "Zoo"]


def test_gains_are_paired_on_what_both_modes_answered() -> None:
    items = [item(n) for n in range(6)]
    video = [answer(n, 1) for n in range(5)] + [answer(5, None, status=Status.ERROR)]
    text = [answer(n, 0, Mode.TEXT) for n in range(3)] + [answer(3, 1, Mode.TEXT), answer(5, 1, Mode.TEXT)]
    card = score(items, video + text)
    assert set(card.gains) == {Mode.TEXT}
    expected = clustered_paired_difference([0, 0, 0, 1], [1, 1, 1, 1], partition(["0", "0", "1", "1"]))
    assert card.gains[Mode.TEXT].overall == expected
    assert card.gains[Mode.TEXT].categories == {"OCR": expected}
    assert (card.count(Status.ERROR), card.missing) == (1, 1)


def test_without_answers_there_is_no_accuracy_and_without_a_category_no_macro() -> None:
    items = [item(0, "OCR"), item(2, "Spatial")]
    made = [answer(0, 1), answer(2, None, status=Status.ERROR), answer(0, None, Mode.TEXT, Status.UNSUPPORTED)]
    card = score(items, made)
    assert card.modes[Mode.VIDEO].categories["Spatial"] is None
    assert card.modes[Mode.VIDEO].macro is None
    assert card.modes[Mode.TEXT].overall is None
    assert card.gains[Mode.TEXT].overall is None


def test_responses_to_other_items_are_left_aside() -> None:
    made = [answer(n, 1) for n in range(4)]
    assert score([item(0), item(1)], made).modes[Mode.VIDEO].overall == clustered_proportion([1, 1], partition([0, 0]))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], "no responses to these items"),
        ([answer(7, 1)], "no responses to these items"),
        ([answer(0, 1), replace(answer(1, 1), model="n")], r"several models \(m, n\)"),
        ([answer(0, 1), replace(answer(0, 0), key="other")], "two responses of m to world/0 in video mode"),
    ],
)
def test_what_cannot_be_scored_is_explained(made: list[Response], message: str) -> None:
    with pytest.raises(InputError, match=message):
        score([item(0), item(1)], made)


def test_single_accuracies() -> None:
    assert [accuracy(item(0), answer(0, choice)) for choice in (1, 0, None)] == [1.0, 0.0, 0.0]
    assert accuracy(item(0), answer(0, None, status=Status.ERROR)) is None
    assert accuracy_by_logprobs(item(0), replace(answer(0, 0), option_logprobs=(-2.0, -1.0, -3.0, -4.0))) == 1.0
    assert accuracy_by_logprobs(item(0), replace(answer(0, 1), option_logprobs=(-1.0, -1.0, -3.0, -4.0))) == 0.0
    assert accuracy_by_logprobs(item(0), replace(answer(0, 1), option_logprobs=None)) is None


def test_a_model_that_looks_beats_its_baselines(items: list[Item], tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        card = score(items, run(Eyes(), items, MODES, store, progress=False).responses)
    video = card.modes[Mode.VIDEO]
    assert video.overall is not None
    assert video.overall.value == 1.0
    assert video.overall.low < 1.0
    assert video.chance == pytest.approx(1 / 3)
    assert list(card.gains) == [Mode.TEXT, Mode.FRAME, Mode.SHUFFLED]
    for gain in card.gains.values():
        assert gain.overall is not None
        assert gain.overall.low > 0

"""People's decisions: what is written is read back, the last word counts, and disagreement is named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollobench.curate.decisions import (
    MATTERS,
    VALUES,
    Decision,
    apply_decisions,
    format_decisions,
    parse_decisions,
    read_decisions,
    settle,
)
from apollobench.errors import InputError
from apollobench.types import Item

LINE = {
    "item": "toy/1",
    "action": "drop",
    "value": None,
    "reason": "two options are right",
    "note": "",
    "reviewer": "ada",
    "time": "2026-05-01T10:00:00Z",
}


def say(reviewer: str, action: str, hour: int, value: str | None = None, item: str = "toy/1") -> Decision:
    return Decision(item, action, value, f"{reviewer} saw it", "", reviewer, f"2026-05-01T{hour:02d}:00:00+00:00")


@st.composite
def written(draw: st.DrawFn) -> Decision:
    action = draw(st.sampled_from(sorted(MATTERS)))
    words = st.text(min_size=1, max_size=9).filter(str.strip)
    return Decision(
        draw(words),
        action,
        draw(st.sampled_from(VALUES[action])) if action in VALUES else None,
        draw(words),
        draw(st.text(max_size=9)),
        draw(words),
        draw(st.datetimes(timezones=st.timezones())).replace(fold=0).isoformat(),
    )


@settings(max_examples=30)
@given(st.lists(written(), max_size=3))
def test_what_is_written_is_read_back(decisions: list[Decision]) -> None:
    assert parse_decisions(format_decisions(decisions), "x") == tuple(decisions)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"action": "remove"}, "action is 'remove'; valid: keep, drop, discuss, key, category"),
        ({"colour": 1}, "unknown key 'colour'; a decision has item, action, value, reason"),
        ({"note": None}, "note is None, expected text"),
        ({"value": 2}, "value is 2, expected text or null"),
        ({"value": "A"}, "value is 'A'; drop takes null"),
        ({"action": "key"}, "value is None; key takes A, B"),
        ({"action": "category", "value": "Smell"}, "value is 'Smell'; category takes OCR, Egocentric"),
        ({"reason": " "}, "reason is empty; drop needs one"),
        ({"reviewer": ""}, "reviewer is empty"),
        ({"time": "2026-05-01T10:00:00"}, "without its offset from UTC"),
        ({"time": "yesterday"}, "Invalid isoformat string: 'yesterday'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    path = tmp_path / "decisions.jsonl"
    path.write_text(f"{json.dumps(LINE)}\n\n{json.dumps({**LINE, **change})}\n")
    with pytest.raises(InputError) as caught:
        read_decisions(path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [("{", "x:1: not JSON"), ("[]", r"x:1: not a JSON object but \[\]"), ("{}", "x:1: no key 'item'")],
)
def test_what_is_no_decision_is_named(line: str, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        parse_decisions(line, "x")


def test_the_last_word_of_a_reviewer_counts_whatever_the_order_of_the_lines() -> None:
    first, last = say("ada", "drop", 9), say("ada", "keep", 11)
    for lines in ([first, last], [last, first]):
        final, disputes = settle(lines)
        assert list(final.values()) == [last]
        assert not disputes
    final, _ = settle([first, say("ada", "key", 12, "B")])
    assert {decision.action for decision in final.values()} == {"drop", "key"}


def test_times_are_compared_as_moments() -> None:
    early = Decision(**{**LINE, "time": "2026-05-01T10:00:00+05:00"})
    late = Decision(**{**LINE, "action": "keep", "time": "2026-05-01T06:00:00Z"})
    assert list(settle([late, early])[0].values()) == [late]


def test_a_third_reviewer_settles_what_two_disagree_about(make_item: Callable[..., Item]) -> None:
    pool = [make_item(1)]
    dispute = [say("ada", "drop", 9), say("bob", "keep", 10)]
    with pytest.raises(InputError) as caught:
        apply_decisions(pool, dispute)
    assert "toy/1: ada drop (2026-05-01T09:00:00+00:00) against bob keep (2026-05-01T10:00:00" in str(caught.value)
    assert set(apply_decisions(pool, [*dispute, say("cyd", "drop", 11)]).drops) == {"toy/1"}
    assert not apply_decisions(pool, [*dispute, say("cyd", "keep", 11)]).drops
    assert not apply_decisions(pool, [*dispute, say("ada", "keep", 11)]).drops, "one of them came round"
    with pytest.raises(InputError, match=r"ada key B .* against bob key C"):
        apply_decisions(pool, [say("ada", "key", 9, "B"), say("bob", "key", 10, "C")])
    with pytest.raises(InputError, match=r"cyd drop .* against ada keep"):
        apply_decisions(pool, [*dispute, say("cyd", "drop", 11), say("ada", "keep", 12)])


def test_agreement_is_no_dispute(make_item: Callable[..., Item]) -> None:
    review = apply_decisions([make_item(1)], [say("ada", "drop", 9), say("bob", "drop", 10)])
    assert review.drops["toy/1"].reviewer == "bob"


def test_discussing_is_no_vote_and_withdraws_one(make_item: Callable[..., Item]) -> None:
    pool = [make_item(1)]
    other = apply_decisions(pool, [say("ada", "drop", 9), say("bob", "discuss", 10)])
    assert (set(other.drops), other.undecided) == ({"toy/1"}, ("toy/1",))
    withdrawn = apply_decisions(pool, [say("ada", "drop", 9), say("ada", "discuss", 10)])
    assert (set(withdrawn.drops), withdrawn.undecided) == (set(), ("toy/1",))
    over = apply_decisions(pool, [say("ada", "discuss", 9), say("ada", "keep", 10)])
    assert over.undecided == ()


def test_a_key_is_corrected_and_one_that_is_no_option_refused(make_item: Callable[..., Item]) -> None:
    review = apply_decisions([make_item(1, options=3), make_item(2)], [say("ada", "key", 9, "C")])
    assert [item.answer for item in review.items] == [2, 0]
    assert review.items[1] == make_item(2)
    with pytest.raises(InputError, match=r"toy/1: ada key D .*, but the item has 3 options"):
        apply_decisions([make_item(1, options=3)], [say("ada", "key", 9, "D")])


def test_a_decision_about_another_pool_is_kept_apart(make_item: Callable[..., Item]) -> None:
    elsewhere = [say("ada", "drop", 9, item="toy/99"), say("bob", "keep", 9, item="toy/99")]
    review = apply_decisions([make_item(1)], elsewhere)
    assert review.strange == ("toy/99",)
    assert not review.drops


def test_a_decision_is_what_its_line_says() -> None:
    assert asdict(parse_decisions(json.dumps(LINE), "x")[0]) == LINE


def test_the_guides_lines_are_decisions(root: Path) -> None:
    (lines,) = re.findall(
        r"```json\n(.*?)```", (root / "docs" / "categories.md").read_text(encoding="utf-8"), re.DOTALL
    )
    assert [decision.action for decision in parse_decisions(lines, "docs/categories.md")] == ["drop", "key"]

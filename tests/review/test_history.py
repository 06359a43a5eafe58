"""Who is blind to whom until when, what stands, and what is still open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.curate.decisions import STAYS
from apollobench.errors import InputError
from apollobench.review.history import complete, replay
from apollobench.review.words import Draft, Row

START = datetime(2026, 3, 1, tzinfo=UTC)
JUDGES = frozenset({"jo"})


def rows(*words: str) -> list[Row]:
    """`who action [value]`, a second apart; `who undo N` takes back the Nth (from 1)."""
    said: list[Row] = []
    for n, word in enumerate(words, 1):
        who, action, *rest = word.split()
        undoes = int(rest[0]) if action == "undo" else None
        value = rest[0] if rest and action != "undo" else None
        reason = "because" if action in ("drop", "key") else ""
        draft = Draft("a/1", who, action, value, reason, "", "A" if action == "key" else "", undoes)
        said.append(complete(draft, n, said, START + timedelta(seconds=n)))
    return said


def test_blind_until_both_have_decided() -> None:
    said = rows("ada answer A", "ada keep", "ben answer B", "ben drop", "cyd answer A", "cyd keep")
    seeing = [set(replay(said[:n], JUDGES).seeing) for n in range(7)]
    assert seeing == [set(), set(), set(), set(), {"ada", "ben"}, {"ada", "ben"}, {"ada", "ben", "cyd"}]


def test_answers_and_fixes_alone_end_no_blindness() -> None:
    assert not replay(rows("ada keep", "ben answer A", "ben key B", "ben category OCR"), JUDGES).seeing


def test_a_word_taken_back_in_time_was_not_given() -> None:
    assert not replay(rows("ada keep", "ada undo 1", "ben drop"), JUDGES).seeing


def test_what_was_seen_cannot_be_unseen() -> None:
    history = replay(rows("ada keep", "ben drop", "ben undo 2", "ben keep"), JUDGES)
    assert history.verdict("ben") == "keep"
    assert history.independent["ben", STAYS].action == "drop"
    assert history.seeing == {"ada", "ben"}


def test_an_adjudicator_is_no_second_reviewer() -> None:
    history = replay(rows("ada keep", "jo drop"), JUDGES)
    assert not history.seeing
    assert not history.independent


def test_revised_before_the_other_decides_the_revision_is_independent() -> None:
    history = replay(rows("ada keep", "ada drop", "ben drop"), JUDGES)
    assert history.independent["ada", STAYS].action == "drop"


@pytest.mark.parametrize(
    ("words", "is_open"),
    [
        (["ada keep", "ben keep"], False),
        (["ada keep", "ben drop"], True),
        (["ada keep", "ben drop", "jo keep"], False),
        (["ada keep", "ben drop", "ben keep"], False),
        (["ada keep", "ben drop", "jo keep", "ada drop"], True),
        (["ada keep", "ben discuss"], True),
        (["ada keep", "ben discuss", "ben keep"], False),
        (["ada keep", "ben discuss", "jo keep"], False),
        (["ada keep", "ben discuss", "jo keep", "ben discuss"], True),
        (["ada keep", "ben keep", "ada key B", "ben key C"], True),
        (["ada keep", "ben drop", "ben undo 2"], False),
    ],
)
def test_what_is_open(words: list[str], is_open: bool) -> None:
    assert replay(rows(*words), JUDGES).is_open(JUDGES) is is_open


def test_old_values_and_undo() -> None:
    said = rows("ada keep", "ada drop", "ada key C", "ada key B", "ada undo 4", "ada undo 2")
    assert [(row.old, row.value) for row in said] == [
        ("", None),
        ("keep", None),
        ("A", "C"),
        ("C", "B"),
        ("B", "C"),
        ("drop", "keep"),
    ]
    history = replay(said)
    assert (history.verdict("ada"), history.standing["ada", "key"].value) == ("keep", "C")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ada keep", "ben undo 1"], "no word 1"),
        (["ada keep", "ada undo 1", "ada undo 1"], "no word 1"),
        (["ada answer A", "ada answer B"], "already"),
        (["ada key Z"], "takes"),
        (["ada wave"], "action"),
    ],
)
def test_what_cannot_be_said(words: list[str], told: str) -> None:
    with pytest.raises(InputError, match=told):
        rows(*words)


def test_a_clock_set_back_does_not_shadow_the_last_word() -> None:
    first = complete(Draft("a/1", "ada", "keep"), 1, [], START)
    second = complete(Draft("a/1", "ada", "drop", reason="other"), 2, [first], START - timedelta(days=1))
    assert replay([first, second]).verdict("ada") == "drop"
    assert second.moment >= first.moment


@given(st.lists(st.tuples(st.sampled_from(["ada", "ben", "cyd", "jo"]), st.sampled_from(["keep", "drop", "discuss"]))))
def test_nobody_sees_who_has_not_decided(words: list[tuple[str, str]]) -> None:
    said = rows(*(" ".join(word) for word in words))
    history = replay(said, JUDGES)
    deciders = {who for who, _ in words if who not in JUDGES}
    assert history.seeing == (deciders if len(deciders) > 1 else set())
    for who in history.seeing:
        began = next(n for n in range(len(said) + 1) if who in replay(said[:n], JUDGES).seeing)
        before = [row for row in said[:began] if row.reviewer == who]
        assert history.independent[who, STAYS] == before[-1]

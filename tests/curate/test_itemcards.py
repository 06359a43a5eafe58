"""Cards of items: what stands on them, which items the queue puts first, and what strange data do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apollobench.curate.answers import Answers
from apollobench.curate.itemcards import Analysis, Subject, analyse, read_subject
from apollobench.curate.itemtypes import State
from apollobench.curate.matrix import matrix_of
from apollobench.curate.queue import found_flaws, queue
from apollobench.errors import InputError
from apollobench.report.items import CARDS, REPORT, TABLE, ordered, write_items
from apollobench.types import Item, Mode, Status, Truth

from .conftest import build_item

ABILITY = np.array([0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4])


def simulated(items: int = 300, flawed: int = 30, seed: int = 0) -> Answers:
    """A panel whose models know an item with their ability and guess otherwise; every tenth key is wrong."""
    rng = np.random.default_rng(seed)
    pool: list[Item] = []
    for n in range(items):
        bad = n < flawed
        item = build_item(n, video=f"v{n // 3}", truth=Truth("video", "miskeyed" if bad else ""), category="OCR")
        pool.append(replace(item, answer=1) if bad else item)
    shape = (len(ABILITY), items)
    choice = np.where(rng.random(shape) < ABILITY[:, None], 0, rng.integers(0, 4, shape)).astype(np.int8)
    status = np.full(shape, list(Status).index(Status.OK), dtype=np.int8)
    models = tuple(f"m{n}" for n in range(len(ABILITY)))
    return Answers(tuple(pool), models, {Mode.VIDEO: status}, {Mode.VIDEO: choice})


def subject(answers: Answers) -> Subject:
    return Subject({mode: matrix_of(answers, mode, {}) for mode in answers.modes}, answers, {})


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(subject(simulated()))


def test_wrong_keys_come_first(analysis: Analysis) -> None:
    found = found_flaws(analysis.cards)
    assert [f.flaw for f in found] == ["miskeyed"]
    assert found[0].flaws == 30
    assert found[0].area.value > 0.98
    assert found[0].first.value > 0.85
    worst = queue(analysis.cards)[0]
    assert worst.truth is not None
    assert worst.truth.flaw == "miskeyed"
    names = {why.name for why in worst.reasons}
    assert {"against the key", "item-rest r < 0"} <= names
    against = next(why for why in worst.reasons if why.name == "against the key")
    assert "models chose A" in against.evidence
    assert "the key B" in against.evidence
    assert against.bans == 3


def test_a_card_says_who_answered_what(analysis: Analysis) -> None:
    answers, card = analysis.subject.answers, analysis.cards[40]
    assert answers is not None
    video = card.modes[Mode.VIDEO]
    assert video.answers == {
        m: "ABCD"[c] for m, c in zip(answers.models, answers.choice[Mode.VIDEO][:, 40], strict=True)
    }
    assert sum(video.chosen) == len(ABILITY)
    assert video.accuracy is not None
    assert video.accuracy.value == pytest.approx(video.chosen[0] / len(ABILITY))
    assert video.accuracy.low < video.accuracy.value < video.accuracy.high or video.accuracy.value == 1
    assert (card.key, card.options, card.chance) == ("A", answers.items[40].options, 0.25)
    assert card.difficulty is not None
    assert card.difficulty_se is not None


def test_files_are_complete_and_json_is_strict(analysis: Analysis, tmp_path: Path) -> None:
    report = write_items(analysis, "toy", tmp_path / "out", "id")
    assert report == tmp_path / "out" / REPORT
    text = report.read_text()
    for heading in ("## Types of items", "## Item response model", "## Review queue", "## Against known truth"):
        assert heading in text
    rows = [json.loads(line) for line in (tmp_path / "out" / CARDS).read_text().splitlines()]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert set(rows[0]) >= {"modes", "type", "reasons", "suspicion", "item_rest", "item_rest_se", "question", "options"}
    assert len((tmp_path / "out" / TABLE).read_text().splitlines()) == len(rows) + 1
    with pytest.raises(InputError, match="--sort: unknown order 'luck'; valid: suspicion, item_rest"):
        ordered(analysis.cards, "luck")


def test_orders(analysis: Analysis) -> None:
    rest = [card.item_rest for card in ordered(analysis.cards, "item_rest") if card.item_rest is not None]
    assert rest == sorted(rest)
    hard = [card.difficulty for card in ordered(analysis.cards, "difficulty") if card.difficulty is not None]
    assert hard == sorted(hard, reverse=True)


def test_two_dominant_options_and_what_a_model_did_not_answer(make_answers: Callable[..., Answers]) -> None:
    items = [build_item(n) for n in range(4)]
    marks = {f"m{n}": {Mode.VIDEO: ("1" if n % 2 else "0") + "1u-"} for n in range(10)}
    found = analyse(subject(make_answers(marks, items)))
    assert any(why.name == "two dominant options" for why in found.cards[0].reasons)
    unparsed, missing = found.cards[2].modes[Mode.VIDEO], found.cards[3].modes[Mode.VIDEO]
    assert set(unparsed.answers.values()) == {"unparsed"}
    assert (unparsed.chosen, unparsed.state) == ((0, 0, 0, 0), State.NOT_SOLVED)
    assert set(missing.answers.values()) == {"missing"}
    assert (missing.accuracy, missing.state) == (None, State.NOT_ASKED)


def test_strange_panels_are_told(make_answers: Callable[..., Answers]) -> None:
    marks = {"a": {Mode.VIDEO: "1111"}, "b": {Mode.VIDEO: "1111"}, "c": {Mode.VIDEO: "0000"}, "d": {Mode.VIDEO: "10--"}}
    notes = " | ".join(analyse(subject(make_answers(marks))).notes)
    for told in (
        "always right: a, b",
        "always wrong: c",
        "answered fewer than all 4 items: d (2)",
        "b = a",
        "category",
    ):
        assert told in notes
    two = analyse(subject(make_answers({"a": {Mode.VIDEO: "1100"}, "b": {Mode.VIDEO: "1010"}})))
    assert "two models only" in " | ".join(two.notes)
    assert all(card.item_rest is None for card in two.cards)
    same = analyse(subject(make_answers({"a": {Mode.VIDEO: "1100"}, "b": {Mode.VIDEO: "1100"}})))
    assert same.irt is None
    assert "no item response model" in " | ".join(same.notes)


def test_faulty_media_are_a_reason() -> None:
    answers = simulated(60, 6)
    whole = subject(answers)
    found = analyse(Subject(whole.matrices, answers, {50: "truncated: ends at 12 of 60 s"}))
    why = {reason.name: reason for reason in found.cards[50].reasons}
    assert why["faulty media"].evidence == "truncated: ends at 12 of 60 s"


def test_repeated_responses_are_counted_and_the_last_counts(make_answers: Callable[..., Answers]) -> None:
    from apollobench.curate.answers import gather

    from .conftest import build_responses

    items = [build_item(n) for n in range(2)]
    made = [*build_responses(items, {"a": {Mode.VIDEO: "00"}}), *build_responses(items, {"a": {Mode.VIDEO: "1-"}})]
    answers = gather(items, made, ["a"], [Mode.VIDEO])
    assert answers.scores(Mode.VIDEO).tolist() == [[1, 0]]
    assert answers.repeated == 1
    assert "1 responses were left aside" in analyse(subject(answers)).notes[0]


def test_a_matrix_has_no_choices_and_takes_the_number_of_options(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["id," + ",".join(f"m{n}" for n in range(12))]
    lines += [f"q{i}," + ",".join(str(v) for v in (rng.random(12) < 0.9).astype(int)) for i in range(50)]
    (tmp_path / "scores.csv").write_text("\n".join(lines))
    unknown = analyse(read_subject(tmp_path / "scores.csv"))
    assert {card.modes[Mode.VIDEO].state for card in unknown.cards} == {State.UNDECIDED}
    assert "unknown number of options" in " | ".join(unknown.notes)
    known = analyse(read_subject(tmp_path / "scores.csv", options=4))
    assert State.SOLVED in {card.modes[Mode.VIDEO].state for card in known.cards}
    assert set(known.cards[0].modes[Mode.VIDEO].answers.values()) <= {"right", "wrong"}
    with pytest.raises(InputError, match="takes no further responses"):
        read_subject(tmp_path / "scores.csv", [tmp_path])


def test_faults_come_from_the_doctors_register(tmp_path: Path) -> None:
    from apollobench.doctor.checkup import check_up
    from apollobench.video.register import noted_faults

    broken = tmp_path / "films" / "broken.mp4"
    broken.parent.mkdir()
    broken.write_bytes(b"")
    assert noted_faults(broken) == ()
    check_up({broken: 1}, tmp_path, workers=1)
    assert [str(fault.kind) for fault in noted_faults(broken)] == ["empty"]
    broken.write_bytes(b"something else now")
    assert noted_faults(broken) == ()


def test_real_matrix_with_families(shared: Path) -> None:
    found = analyse(read_subject(shared / "data" / "responses" / "videomme_short", options=4))
    assert found.by_family
    kinds = [card.type for card in found.cards]
    assert kinds.count("text-answerable") > 20
    assert kinds.count("unsolved") > 20
    assert found.shifts is not None
    assert found.shifts.found
    assert found.shifts.least < found.shifts.needed

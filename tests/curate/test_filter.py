"""The paper's rule: strictly more than the threshold, from text or from the center frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest

from apollobench.curate.answers import Answers
from apollobench.curate.filter import FILTERS, Verdict, ballots
from apollobench.curate.filter import judge as judge_votes
from apollobench.curate.power import CRITICAL
from apollobench.recipe.filter import FilterSpec, PaperFilter
from apollobench.types import Mode

SPEC = PaperFilter(method="paper", threshold=0.5, modes=(Mode.TEXT, Mode.FRAME), min_votes=2)


def judge(make: Callable[..., Answers], text: list[str], frame: list[str], spec: PaperFilter = SPEC) -> list[Verdict]:
    marks = {f"m{i}": {Mode.TEXT: t, Mode.FRAME: f} for i, (t, f) in enumerate(zip(text, frame, strict=True))}
    return judge_votes(ballots(make(marks), spec), spec)


def test_half_is_kept_and_more_than_half_is_dropped(make_answers: Callable[..., Answers]) -> None:
    verdicts = judge(make_answers, ["1110", "1100", "0100", "0000"], ["0000", "0000", "0001", "0001"])
    assert [v.keep for v in verdicts] == [True, False, True, True]
    assert verdicts[1].reason == "3 of 4 models are right in text mode: more than 50%"
    assert verdicts[1].evidence == {Mode.TEXT: (3, 4), Mode.FRAME: (0, 4)}


def test_either_mode_convicts_and_both_are_named(make_answers: Callable[..., Answers]) -> None:
    verdicts = judge(make_answers, ["01", "01", "00"], ["11", "11", "11"])
    assert verdicts[0].reason == "3 of 3 models are right in frame mode: more than 50%"
    assert verdicts[1].reason == (
        "2 of 3 models are right in text mode; 3 of 3 models are right in frame mode: more than 50%"
    )
    assert [v.grounds for v in verdicts] == ["frame", "text and frame"]


def test_unparsed_votes_and_errors_do_not(make_answers: Callable[..., Answers]) -> None:
    unparsed = judge(make_answers, ["1", "1", "u", "u"], ["0", "0", "0", "0"])
    errors = judge(make_answers, ["1", "1", "e", "x"], ["0", "0", "0", "0"])
    assert (unparsed[0].keep, unparsed[0].evidence[Mode.TEXT]) == (True, (2, 4))
    assert (errors[0].keep, errors[0].evidence[Mode.TEXT]) == (False, (2, 2))


def test_too_few_votes_are_no_judgement(make_answers: Callable[..., Answers]) -> None:
    verdicts = judge(make_answers, ["1e", "e1", "e1"], ["00", "00", "00"])
    assert verdicts[0].reason == "not judged: 1 usable answers in text mode, 2 needed"
    assert verdicts[1].reason == "2 of 2 models are right in text mode: more than 50%"


def test_a_conviction_in_one_mode_needs_no_votes_in_the_other(make_answers: Callable[..., Answers]) -> None:
    verdicts = judge(make_answers, ["1", "1", "1"], ["e", "e", "e"])
    assert verdicts[0].reason == "3 of 3 models are right in text mode: more than 50%"


@pytest.mark.parametrize(("models", "right"), [(10, 6), (5, 3), (20, 12)])
def test_a_decimal_threshold_is_exact(make_answers: Callable[..., Answers], models: int, right: int) -> None:
    spec = PaperFilter(method="paper", threshold=0.6, modes=(Mode.TEXT,), min_votes=1)
    text = ["1"] * right + ["0"] * (models - right)
    assert judge(make_answers, text, ["0"] * models, spec)[0].keep


def test_the_registry_knows_every_method_a_recipe_can_name() -> None:
    named = {name for spec in get_args(FilterSpec) for name in get_args(spec.model_fields["method"].annotation)}
    assert set(FILTERS) == set(CRITICAL) == named

"""The linter fires on runs that are known to be wrong, and not on honest ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apollobench.curate.answers import Answers
from apollobench.curate.lint import Finding, lint_answers, lint_table
from apollobench.recipe import Lint
from apollobench.types import Item, Mode

SPEC = Lint(alpha=0.01, max_unparsed=0.05, max_missing=0.0, max_same_letter=0.6)
# Options per question and questions in the sources' own releases; LongVideoBench and TempCompass as means over items.
CHANCE = {"NExT-QA": 0.2, "Perception-Test": 1 / 3, "LongVideoBench": 0.213, "TC-YN": 0.5, "TC-CM": 0.5, "TC-MC": 0.3}
ITEMS = {
    "NExT-QA": 8564,
    "Perception-Test": 19140,
    "LongVideoBench": 1337,
    "TC-YN": 2453,
    "TC-CM": 1503,
    "TC-MC": 1580,
    "MLVU": 2174,
}


@pytest.fixture(scope="module")
def paper_table(shared: Path) -> pd.DataFrame:
    table = pd.read_csv(shared / "data" / "paper" / "apollo_table5_6_long.csv").rename(columns={"benchmark": "group"})
    table["mode"] = table["mode"].replace("image", "frame")
    table["accuracy"] /= 100
    table["chance"] = table["group"].map(CHANCE).fillna(0.25)
    table["n"] = table["group"].map(ITEMS).fillna(900).astype(int)
    return table


def groups(findings: list[Finding], rule: str, model: str) -> set[str]:
    return {f.group for f in findings if (f.rule, f.model) == (rule, model)}


def test_the_paper_s_own_table_fails(paper_table: pd.DataFrame) -> None:
    findings = lint_table(paper_table, SPEC.alpha)
    assert len(groups(findings, "video = frame", "VILA-1.5-3B")) == 6
    assert len(groups(findings, "video = frame", "VILA-1.5-8B")) == 7
    for model in ("VILA-1.5-3B", "VILA-1.5-8B"):
        assert groups(findings, "frame = text", model) == {"VMME-S", "VMME-M", "VMME-L"}
    below = [f.detail for f in findings if (f.rule, f.model, f.group) == ("below chance", "XComposer-8B", "MLVU")]
    assert [detail.split(",")[0] for detail in below] == ["frame: 8.5%", "text: 7.3%"]
    assert groups(findings, "below chance", "VILA-1.5-8B") == {"TC-CM", "TC-MC"}
    assert groups(findings, "frame > video", "InternVL2-8B") == {"NExT-QA"}
    assert "VMME-S" in groups(findings, "text > frame", "XComposer-8B")


def test_an_honest_model_of_that_table_passes(paper_table: pd.DataFrame) -> None:
    assert not [f for f in lint_table(paper_table, SPEC.alpha) if f.model == "Qwen2-VL-7B"]


def test_a_table_without_chance_is_checked_for_the_rest() -> None:
    table = pd.DataFrame(
        {"model": ["m"] * 3, "group": ["g"] * 3, "mode": ["text", "frame", "video"], "accuracy": [0.01, 0.5, 0.5]}
    )
    assert [f.rule for f in lint_table(table, SPEC.alpha)] == ["video = frame"]


@pytest.fixture
def items(make_item: Callable[..., Item]) -> list[Item]:
    return [make_item(i, video=f"v{i // 2}") for i in range(200)]


def marks(rng: np.random.Generator, accuracy: float) -> str:
    return "".join("1" if x < accuracy else "0" for x in rng.random(200))


def rules(make: Callable[..., Answers], items: list[Item], by_mode: dict[Mode, str]) -> set[str]:
    return {f.rule for f in lint_answers(make({"m": by_mode}, items), SPEC)}


def test_an_honest_run_leaves_no_finding(make_answers: Callable[..., Answers], make_item: Callable[..., Item]) -> None:
    rng = np.random.default_rng(0)
    items = [make_item(i, video=f"v{i // 2}") for i in range(200)]
    keys = rng.integers(0, 3, size=200)
    items = [
        type(item)(**{**{f: getattr(item, f) for f in item.__slots__}, "answer": int(key)})
        for item, key in zip(items, keys, strict=True)
    ]
    run = {Mode.TEXT: marks(rng, 0.3), Mode.FRAME: marks(rng, 0.5), Mode.VIDEO: marks(rng, 0.8)}
    assert rules(make_answers, items, run) == set()


def test_the_same_choices_in_two_modes_are_found(make_answers: Callable[..., Answers], items: list[Item]) -> None:
    rng = np.random.default_rng(1)
    same = marks(rng, 0.5)
    found = rules(make_answers, items, {Mode.TEXT: marks(rng, 0.4), Mode.FRAME: same, Mode.VIDEO: same})
    assert "video = frame" in found
    assert "frame = text" not in found


def test_equal_accuracy_with_different_choices_is_honest(
    make_answers: Callable[..., Answers], items: list[Item]
) -> None:
    found = rules(make_answers, items, {Mode.FRAME: "10" * 100, Mode.VIDEO: "01" * 100})
    assert "video = frame" not in found


def test_inversions_count_when_they_are_significant(make_answers: Callable[..., Answers], items: list[Item]) -> None:
    rng = np.random.default_rng(2)
    run = {Mode.TEXT: marks(rng, 0.7), Mode.FRAME: marks(rng, 0.4), Mode.VIDEO: marks(rng, 0.38)}
    found = rules(make_answers, items, run)
    assert "text > frame" in found
    assert "frame > video" not in found


@pytest.mark.parametrize(
    ("letters", "rule"),
    [
        ("0" * 190 + "1" * 10, "below chance"),
        ("1" * 150 + "u" * 50, "unparsed answers"),
        ("1" * 199 + "e", "error answers"),
        ("1" * 199 + "-", "missing items"),
        ("1" * 200, "one letter"),
    ],
)
def test_every_pattern_has_its_finding(
    make_answers: Callable[..., Answers], items: list[Item], letters: str, rule: str
) -> None:
    assert rule in rules(make_answers, items, {Mode.VIDEO: letters})


def test_a_mode_that_a_model_does_not_have_is_no_finding(
    make_answers: Callable[..., Answers], items: list[Item]
) -> None:
    run = {Mode.TEXT: "10" * 100, Mode.FRAME: "x" * 200, Mode.VIDEO: "x" * 200}
    assert rules(make_answers, items, run) == set()


def test_sources_are_looked_at_one_by_one(make_answers: Callable[..., Answers], make_item: Callable[..., Item]) -> None:
    items = [make_item(i, source="good" if i < 100 else "bad") for i in range(200)]
    answers = make_answers({"m": {Mode.VIDEO: "10" * 50 + "0" * 100}}, items)
    below = [f for f in lint_answers(answers, SPEC) if f.rule == "below chance"]
    assert [f.group for f in below] == ["bad"]

"""The gate on results as they are written by an evaluation."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.evaluate.results import write_results
from apollobench.report.gate import gate, verdict_markdown
from apollobench.stats.clusters import partition
from apollobench.stats.paired import clustered_paired_difference, mcnemar_exact
from apollobench.types import Item, Mode, Response, Status

from ..made import ABOUT, NAMES, Named, responses, world
from .conftest import Write


def test_a_clear_loss_fails(write: Write) -> None:
    baseline, candidate = write("old", lambda n: n % 10 != 0), write("new", lambda n: n % 10 not in (0, 3, 6))
    verdict = gate(baseline, candidate, margin=0.05)
    assert verdict.regressed
    assert verdict.exit_code == 1
    assert verdict.overall.difference.value == pytest.approx(-0.2)
    assert (verdict.overall.baseline, verdict.overall.candidate) == (pytest.approx(0.9), pytest.approx(0.7))
    text = verdict_markdown(verdict)
    assert text.startswith("## Gate: regression\n")
    assert "200 shared items of 50 videos" in text
    assert "more than 5.0 points" in text


def test_the_numbers_are_those_of_the_statistics(write: Write) -> None:
    draw = random.Random(1)
    first, second = [draw.random() < 0.8 for _ in range(200)], [draw.random() < 0.7 for _ in range(200)]
    verdict = gate(write("old", first.__getitem__), write("new", second.__getitem__), margin=0.02, alpha=0.1)
    clusters = partition([n // 4 for n in range(200)])
    assert verdict.overall.difference == clustered_paired_difference(first, second, clusters, 0.9)
    assert verdict.overall.discordance == mcnemar_exact(first, second)
    assert set(verdict.categories) == set(NAMES)
    assert all(verdict.adjusted[name] >= verdict.categories[name].discordance.p for name in NAMES)


@pytest.mark.parametrize(
    ("second", "margin"),
    [
        (lambda n: n % 10 != 0, 0.0),
        (lambda n: True, 0.0),
        (lambda n: n % 10 != 0 and n % 67 != 1, 0.0),
        (lambda n: n % 10 not in (0, 3, 6), 0.3),
    ],
    ids=["the same", "better", "three items worse is no proof", "a loss within the margin"],
)
def test_anything_else_passes(write: Write, second: Callable[[int], bool], margin: float) -> None:
    verdict = gate(write("old", lambda n: n % 10 != 0), write("new", second), margin=margin)
    assert not verdict.regressed
    assert verdict.exit_code == 0
    assert verdict_markdown(verdict).startswith("## Gate: no regression\n")


def test_a_model_against_itself_passes_with_room_on_both_sides(write: Write) -> None:
    path = write("old", lambda n: n % 3 > 0)
    difference = gate(path, path).overall.difference
    assert difference.value == 0
    assert difference.low < 0 < difference.high


def test_another_mode_can_be_compared(tmp_path: Path) -> None:
    items = world()
    for name, right in (("old", lambda n: True), ("new", lambda n: n % 2 > 0)):
        made = responses(name, items, lambda n: True) + responses(name, items, right, Mode.TEXT)
        write_results(tmp_path / name, Named(name), items, made, ABOUT)
    assert gate(tmp_path / "old", tmp_path / "new").exit_code == 0
    assert gate(tmp_path / "old", tmp_path / "new", mode=Mode.TEXT).exit_code == 1


def failing(name: str, items: list[Item], failed: range) -> list[Response]:
    made = responses(name, items, lambda n: True)
    for n in failed:
        made[n] = replace(made[n], status=Status.ERROR, choice=None, error="broken")
    return made


def test_errors_are_refused_unless_allowed_and_then_left_out(write: Write, tmp_path: Path) -> None:
    items = world()
    baseline = write("old", lambda n: True)
    write_results(tmp_path / "new", Named("new"), items, failing("new", items, range(20)), ABOUT)
    with pytest.raises(InputError, match=r"new: 20 items ended with an error .*--allow-errors"):
        gate(baseline, tmp_path / "new")
    verdict = gate(baseline, tmp_path / "new", allow_errors=True)
    assert (verdict.overall.difference.n, verdict.only_baseline, verdict.only_candidate) == (180, 20, 0)
    assert "20 only in the baseline, 0 only in the candidate" in verdict_markdown(verdict)


def test_nothing_shared_is_refused(tmp_path: Path) -> None:
    items = world()
    for name, failed in (("old", range(100)), ("new", range(100, 200))):
        write_results(tmp_path / name, Named(name), items, failing(name, items, failed), ABOUT)
    with pytest.raises(InputError, match="share 0 answered items in video mode"):
        gate(tmp_path / "old", tmp_path / "new", allow_errors=True)


def test_one_video_decides_nothing(write: Write) -> None:
    items = world(4)
    paths = [write(name, lambda n: True, items, size=4) for name in ("old", "new")]
    with pytest.raises(InputError, match="fewer than two videos"):
        gate(*paths)


def test_partial_results_are_refused(write: Write) -> None:
    with pytest.raises(InputError, match=r"new: a partial result \(40 of 200 items.*without --limit"):
        gate(write("old", lambda n: True), write("new", lambda n: True, world(40)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"benchmark": "c" * 32}, "another benchmark"),
        ({"items": [replace(item, answer=(item.answer + 1) % 4) for item in world()]}, "other answer keys"),
    ],
)
def test_other_benchmarks_are_refused(write: Write, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        gate(write("old", lambda n: True), write("new", lambda n: True, **change))


def test_another_prompt_is_refused(write: Write) -> None:
    baseline, candidate = write("old", lambda n: True), write("new", lambda n: True)
    results = json.loads((candidate / "results.json").read_text())
    results["apollobench"]["prompt_version"] = "0"
    (candidate / "results.json").write_text(json.dumps(results))
    with pytest.raises(InputError, match="another prompt"):
        gate(baseline, candidate)


def test_a_mode_that_was_not_asked_is_refused(write: Write) -> None:
    path = write("old", lambda n: True)
    with pytest.raises(InputError, match="no text mode in this result; it has video"):
        gate(path, path, mode=Mode.TEXT)


def test_absent_results_are_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        gate(write("old", lambda n: True), tmp_path / "nowhere")


@pytest.mark.parametrize(("margin", "alpha"), [(-0.1, 0.05), (1.0, 0.05), (0.0, 0.0), (0.0, 1.0)])
def test_impossible_settings_are_refused(write: Write, margin: float, alpha: float) -> None:
    path = write("old", lambda n: True)
    with pytest.raises(InputError, match="expected 0 <= margin < 1"):
        gate(path, path, margin=margin, alpha=alpha)

"""Reading runs: what a folder holds, several of them together, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.types import Mode, Status
from apollobench.viewer.detail import Films, detail
from apollobench.viewer.table import read_table

from . import runs
from .conftest import Place


def test_a_result_finds_its_benchmark_beside_it(place: Place) -> None:
    table = read_table([place.first])
    assert [subject.name for subject in table.subjects] == ["apollo-one"]
    assert len(table.entries) == 10
    assert table.modes == runs.MODES
    item = table.entries[0].item
    assert item.video.path.is_file()
    assert item.native == {"label": runs.MARKUP}
    assert table.answers[Mode.TEXT][0][item.id].status is Status.UNPARSED
    assert len(table.plans) > 3


def test_a_result_alone_still_shows_what_was_asked(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.first, tmp_path / "alone" / "first")
    table = read_table([tmp_path / "alone" / "first"])
    together = read_table([place.first])
    for entry, known in zip(table.entries, together.entries, strict=True):
        assert entry.item.fingerprint == known.item.fingerprint
        assert entry.item.answer == known.item.answer
    shown = detail(table, Films(table), 2)
    problems = {strip.problem for mode in shown.modes for strip in mode.strips}
    assert problems == {"where the video lies is not known; say with --benchmark which benchmark this is a result on"}
    named = read_table([tmp_path / "alone" / "first"], benchmark=place.benchmark)
    assert named.entries == together.entries


def test_text_before_the_question_is_told_from_the_prompt(tmp_path: Path) -> None:
    from dataclasses import replace

    items = [replace(item, context="A line.\n\nAnother.") for item in runs.world(tmp_path, 1)]
    made = runs.benchmark(tmp_path, items)
    run = runs.result(tmp_path / "elsewhere" / "run", made, runs.Model("m"), runs.right)
    shutil.move(tmp_path / "benchmark", tmp_path / "gone")
    assert [entry.item.context for entry in read_table([run]).entries] == ["A line.\n\nAnother."] * len(items)


def test_a_curation_shows_panel_and_pool(place: Place) -> None:
    table = read_table([place.benchmark])
    assert [(subject.name, subject.role) for subject in table.subjects] == [
        ("one", "panel"),
        ("two", "panel"),
        ("three", "held out"),
    ]
    assert len(table.entries) == 12
    assert [entry.rule for entry in table.entries[10:]] == ["filter:paper"] * 2
    assert table.answers[Mode.VIDEO][2] == {}


def test_runs_stand_side_by_side_under_names_of_their_own(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.first, place.root / "again")
    try:
        table = read_table([place.first, place.second, place.root / "again", place.benchmark])
    finally:
        shutil.rmtree(place.root / "again")
    assert [subject.name for subject in table.subjects] == [
        "apollo-one (first)",
        "apollo-two",
        "apollo-one (again)",
        "one",
        "two",
        "three",
    ]
    assert len(table.entries) == 12


def test_other_keys_under_one_id_are_refused(place: Place, tmp_path: Path) -> None:
    from dataclasses import replace

    items = [replace(i, answer=(i.answer + 1) % len(i.options)) for i in runs.world(place.root)[:10]]
    made = runs.benchmark(tmp_path, items)
    other = runs.result(tmp_path / "other", made, runs.Model("m"), runs.right)
    with pytest.raises(InputError, match="different keys under this id"):
        read_table([place.first, other])


def test_what_is_no_run_is_named(place: Place, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither a result"):
        read_table([tmp_path])
    shutil.copytree(place.first, tmp_path / "above" / "first")
    with pytest.raises(InputError, match="it holds results in first: name one of them"):
        read_table([tmp_path / "above"])
    shutil.copytree(place.benchmark, tmp_path / "bare", ignore=shutil.ignore_patterns("responses"))
    with pytest.raises(InputError, match="no answers are stored here"):
        read_table([tmp_path / "bare"])
    samples = tmp_path / "above" / "first" / "samples.jsonl"
    samples.write_text(samples.read_text().replace("greedy", "greedier"))
    with pytest.raises(InputError, match="is not the one that"):
        read_table([tmp_path / "above" / "first"])


def test_an_imported_result_tells_no_prompt(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.second, tmp_path / "imported")
    document = json.loads((tmp_path / "imported" / "results.json").read_text())
    document["apollobench"]["imported"] = {"files": [{"name": "answers.csv", "sha256": 64 * "0"}]}
    document["apollobench"]["prompt_version"] = "imported"
    (tmp_path / "imported" / "results.json").write_text(json.dumps(document))
    shutil.rmtree(tmp_path / "imported" / "responses")
    table = read_table([tmp_path / "imported"], benchmark=place.benchmark)
    shown = detail(table, Films(table), 0)
    assert shown.prompt is None
    assert table.subjects[0].role == "imported"
    assert {strip.problem for mode in shown.modes for strip in mode.strips} == {
        "which frames these were is not stored here"
    }

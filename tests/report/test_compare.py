"""Whom and what a comparison compares, as a person types it."""

from __future__ import annotations

import csv
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apollobench.cli import app
from apollobench.errors import InputError
from apollobench.report.compare import ALL, PAIRS, REPORT, STANDINGS, compare_matrix, compared_markdown
from apollobench.report.contestants import contestants
from apollobench.types import Mode

from ..made import world
from .conftest import Write


def guesses(write: Write, name: str, share: float, count: int = 200) -> Path:
    draw = random.Random(name)
    right = [draw.random() < share for _ in range(count)]
    return write(name, right.__getitem__, world(count))


def test_results_are_joined_by_item(write: Write) -> None:
    paths = [guesses(write, "a", 0.9), guesses(write, "b", 0.5), guesses(write, "c", 0.5, 120)]
    matrix = contestants(paths, Mode.VIDEO)
    assert matrix.models == ("a", "b", "c")
    assert matrix.scores.shape == (3, 200)
    assert (matrix.scores[2] >= 0).sum() == 120
    assert matrix.videos.count == 50
    text = compared_markdown(compare_matrix(matrix, Mode.VIDEO, draws=200))
    assert "200 items of 50 videos have an answer of any model, 120 of all models" in text
    assert "answered fewer than all 200 items: c (120)" in text
    assert "## Categories" in text
    assert "| OCR " in text


def test_typed(write: Write, tmp_path: Path) -> None:
    paths = [str(guesses(write, name, share)) for name, share in (("a", 0.9), ("b", 0.5))]
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["compare", *paths, "--draws", "200", "--output_path", str(out)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("# Comparison of 2 models, video mode")
    assert (out / REPORT).read_text().startswith("# Comparison")
    standings = list(csv.DictReader((out / STANDINGS).open()))
    assert {(row["part"], row["model"]) for row in standings} == {
        (p, m) for p in ("all", "OCR", "Spatial") for m in "ab"
    }
    pairs = list(csv.DictReader((out / PAIRS).open()))
    assert [row["part"] for row in pairs] == ["all", "OCR", "Spatial"]
    assert float(pairs[0]["low"]) <= float(pairs[0]["difference"]) <= float(pairs[0]["high"])
    whole = json.loads((out / ALL).read_text())
    assert whole["parts"]["all"]["pairs"][0]["holm"] == pytest.approx(float(pairs[0]["holm"]), rel=1e-3)


def test_one_folder_of_results_or_a_matrix(write: Write, tmp_path: Path) -> None:
    guesses(write, "a", 0.9), guesses(write, "b", 0.5)
    assert contestants([tmp_path], Mode.VIDEO).models == ("a", "b")
    (tmp_path / "scores.csv").write_text("id,x,y,z\n1,1,0,\n2,0,0,1\n3,1,1,1\n")
    assert contestants([tmp_path / "scores.csv"], Mode.VIDEO).models == ("x", "y", "z")
    with pytest.raises(InputError, match="no answer in text mode; there are video"):
        contestants([tmp_path / "scores.csv"], Mode.TEXT)


def test_the_same_model_twice_is_told_apart_by_its_folder(write: Write, tmp_path: Path) -> None:
    guesses(write, "a", 0.5)
    (tmp_path / "copy").mkdir()
    for file in (tmp_path / "a").iterdir():
        (tmp_path / "copy" / file.name).write_bytes(file.read_bytes())
    matrix = contestants([tmp_path / "a", tmp_path / "copy"], Mode.VIDEO)
    assert matrix.models == (f"a ({tmp_path / 'a'})", f"a ({tmp_path / 'copy'})")
    compared = compare_matrix(matrix, Mode.VIDEO, draws=200)
    assert "the same scores on every item" in " ".join(compared.notes)
    assert compared.overall.pairs[0].p == 1
    assert {standing.group for standing in compared.overall.standings} == {"a"}


def test_one_result_is_no_comparison(write: Write) -> None:
    with pytest.raises(InputError, match="name at least two"):
        contestants([guesses(write, "a", 0.5)], Mode.VIDEO)


def test_another_key_or_prompt_is_refused(write: Write) -> None:
    first = guesses(write, "a", 0.5)
    changed = [replace(item, answer=(item.answer + 1) % 4) if n == 7 else item for n, item in enumerate(world())]
    other = write("b", lambda n: True, changed)
    with pytest.raises(InputError, match=r"b: world/7 asks another question, or has another key"):
        contestants([first, other], Mode.VIDEO)
    results = json.loads((other / "results.json").read_text())
    results["apollobench"]["prompt_version"] = "0"
    (other / "results.json").write_text(json.dumps(results))
    with pytest.raises(InputError, match="made with different prompts"):
        contestants([first, other], Mode.VIDEO)


def test_a_score_that_is_none_is_refused(write: Write) -> None:
    import hashlib

    path = guesses(write, "a", 0.5)
    samples = (path / "samples.jsonl").read_text().replace('"acc": 1.0', '"acc": NaN', 1)
    (path / "samples.jsonl").write_text(samples)
    results = json.loads((path / "results.json").read_text())
    results["apollobench"]["samples_sha256"] = hashlib.sha256(samples.encode()).hexdigest()
    (path / "results.json").write_text(json.dumps(results))
    with pytest.raises(InputError, match=r"samples.jsonl:\d+: NaN is not a JSON number; evaluate again"):
        contestants([path, guesses(write, "b", 0.5)], Mode.VIDEO)


def test_a_real_matrix_of_many_models(shared: Path) -> None:
    matrix = contestants([shared / "data" / "responses" / "videomme_v2_medium"], Mode.VIDEO)
    compared = compare_matrix(matrix, Mode.VIDEO, draws=500)
    overall = compared.overall
    assert len(overall.pairs) == 14 * 13 // 2
    assert [s.accuracy.value for s in overall.standings if s.accuracy] == sorted(
        (s.accuracy.value for s in overall.standings if s.accuracy), reverse=True
    )
    assert any(len(s.group) > 1 for s in overall.standings), "frame budgets of one model overlap"
    assert all(s.rank and s.rank.surely_low <= s.rank.rank <= s.rank.surely_high for s in overall.standings)

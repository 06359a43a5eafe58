"""Held-out validation: rules for odd matrices, and numbers that can be known beforehand."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from apollobench.cli import app
from apollobench.curate.holdout import HeldOut, clean, held_out, line, summaries
from apollobench.curate.matrix import Matrix
from apollobench.curate.recorded import read_matrices
from apollobench.errors import InputError
from apollobench.report.holdout import equivalent_size, resolution_of, table_csv, validation_markdown
from apollobench.stats.clusters import partition
from apollobench.types import Mode


def matrix(models: int = 12, items: int = 400, noise: float = 0.5, seed: int = 0) -> Matrix:
    """Families of two models each, ever better; of the items the share `noise` is coin flips."""
    rng = np.random.default_rng(seed)
    ability, hard = np.linspace(-1.5, 1.5, models), rng.normal(size=items)
    p = 1 / (1 + np.exp(-2 * (ability[:, None] - hard)))
    p[:, : round(noise * items)] = 0.5
    return Matrix(
        scores=(rng.random(p.shape) < p).astype(np.int8),
        models=tuple(f"m{i}" for i in range(models)),
        families=tuple(f"f{i // 2}" for i in range(models)),
        ids=tuple(f"toy/{i}" for i in range(items)),
        videos=partition([i // 4 for i in range(items)]),
        categories=("",) * items,
        chance=np.full(items, np.nan),
    )


@pytest.fixture(scope="module")
def found() -> HeldOut:
    return held_out(matrix(), ["stratified", "item_rest", "entropy"], [300, 40], folds=8, draws=100, repeats=2, seed=0)


def test_sharp_items_gain_and_coin_flips_lose(found: HeldOut) -> None:
    rows = {(row.method, row.size): row for row in summaries(found)}
    assert rows["item_rest", 40].gain.value > 0.1
    assert rows["item_rest", 40].gain.value > rows["entropy", 40].gain.value
    assert abs(rows["stratified", 40].gain.value) < 0.1
    assert rows["random", 300].tau > rows["random", 40].tau
    assert rows["random", 40].gain is None
    assert rows["random", 40].optimism == 0
    assert rows["random", 300].error < rows["random", 40].error


def test_every_method_meets_the_same_splits(found: HeldOut) -> None:
    assert found.splits == 8
    assert {(t.size, t.split) for t in found.trials if t.method == "random"} == {
        (size, split) for size in (40, 300) for split in range(8)
    }
    assert len(found.trials) == 4 * 2 * 8
    assert found.held_out_share == pytest.approx(1)


def test_random_tau_is_what_drawing_by_hand_gives(found: HeldOut) -> None:
    low, high = found.single[40]
    taus = [t.tau for t in found.trials if t.method == "random" and t.size == 40]
    assert low < np.mean(taus) < high


def test_one_seed_one_result(found: HeldOut) -> None:
    again = held_out(matrix(), ["stratified", "item_rest", "entropy"], [300, 40], folds=8, draws=100, repeats=2, seed=0)
    assert again == found


def test_what_a_method_refuses_is_counted() -> None:
    plain = matrix(8, 100)
    found = held_out(plain, ["item_rest", "information"], [20], folds=4, draws=10, repeats=1, seed=0)
    flat = replace(plain, scores=np.random.default_rng(3).integers(0, 2, (8, 100), dtype=np.int8))
    other = held_out(flat, ["item_rest"], [20], folds=4, draws=10, repeats=1, seed=0)
    for one in (found, other):
        for row in summaries(one):
            assert row.splits + sum(bool(t.refused) for t in one.trials if t.method == row.method) == 4
    report = validation_markdown("toy", other, resolution_of(flat, 0))
    assert "Refused on the splits that are not counted" in report
    assert "item_rest" in report


def test_odd_models_and_items_are_told() -> None:
    plain = matrix(8, 60)
    scores = plain.scores.copy()
    scores[4:, 7], scores[:, 9], scores[:, 10] = -1, -1, 0
    scores[1], scores[2], scores[3], scores[3, 9:11] = scores[0], -1, 1, -1
    kept, told = clean(replace(plain, scores=scores, categories=("a",) * 30 + ("",) * 30))
    assert kept.models == ("m0", "m3", "m4", "m5", "m6", "m7")
    assert len(kept.ids) == 59
    text = "\n".join(told)
    assert "no answer at all: m2" in text
    assert "m1 = m0" in text
    assert "left out for that: 2 models" in text
    assert "always right: m3" in text
    assert "left out for want of an answer: 1 items" in text
    assert "items without a category" in text
    assert "items that nobody solves" in text
    assert clean(plain)[0].scores.shape == (8, 60)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"methods": ["best"]}, "no selection method 'best'; there are apollo\\+, entropy"),
        ({"sizes": [390]}, "the pool has 400 items; ask for sizes of at most 85%"),
    ],
)
def test_what_cannot_be_validated_is_refused(changed: dict[str, list[str]], told: str) -> None:
    asked = {"methods": ["stratified"], "sizes": [40]} | changed
    with pytest.raises(InputError, match=told):
        held_out(matrix(), asked["methods"], asked["sizes"], folds=2, draws=2, repeats=1, seed=0)


def test_two_models_cannot_be_split() -> None:
    with pytest.raises(InputError, match="2 models in 1 families cannot be split"):
        held_out(matrix(2), ["stratified"], [40], folds=2, draws=2, repeats=1, seed=0)


def test_a_line_through_points_and_through_one() -> None:
    assert line(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0])) == pytest.approx((2, 1))
    assert line(np.array([0.4, 0.4]), np.array([0.5, 0.7])) == pytest.approx((1, 0.2))


def test_equivalent_size_lies_between_the_sizes(found: HeldOut) -> None:
    rows = summaries(found)
    random = {row.size: row.tau for row in rows if row.method == "random"}
    assert equivalent_size(rows, random[40]) == pytest.approx(40)
    assert 40 < equivalent_size(rows, (random[40] + random[300]) / 2) < 300
    assert np.isnan(equivalent_size(rows, 1.1))


def test_report_and_table_say_the_same(found: HeldOut) -> None:
    rows = summaries(found)
    report = validation_markdown("toy", found, resolution_of(clean(matrix())[0], 0))
    table = list(csv.DictReader(table_csv(rows).splitlines()))
    assert len(table) == len(rows)
    for row, cells in zip(rows, table, strict=True):
        assert float(cells["tau"]) == pytest.approx(row.tau, rel=1e-5)
        assert f"{row.tau:.3f} ({row.low:.2f} to {row.high:.2f})" in report
    assert "KR-20 over the 400 items" in report
    assert "points apart" in report


def test_the_command_writes_report_tables_and_figure(tmp_path: Path) -> None:
    plain = matrix(8, 120)
    lines = [",".join(["item_id", *plain.models])]
    lines += [",".join([name, *map(str, column)]) for name, column in zip(plain.ids, plain.scores.T, strict=True)]
    (tmp_path / "correct.csv").write_text("\n".join(lines))
    (tmp_path / "models.csv").write_text(
        "model,family\n" + "\n".join(f"{m},{f}" for m, f in zip(plain.models, plain.families, strict=True))
    )
    arguments = ["--size", "20,60", "--folds", "3", "--draws", "20", "--repeats", "1", "--method", "stratified,apollo+"]
    result = CliRunner().invoke(app, ["validate", str(tmp_path), *arguments, "--output_path", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "8 models in 4 families, 120 items; 3 splits" in result.output
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {"validation.md", "validation.csv", "trials.csv", "tau.svg"}
    trials = list(csv.DictReader((tmp_path / "out" / "trials.csv").read_text().splitlines()))
    assert len(trials) == 3 * 2 * 3
    assert all(row["notes"].startswith("share kept") for row in trials if row["method"] == "apollo+")
    alone = CliRunner().invoke(app, ["validate", str(tmp_path), "--split_by", "model", *arguments])
    assert "8 models in 8 families" in alone.output
    assert "every model is a family of its own" in alone.output
    wrong = CliRunner().invoke(app, ["validate", str(tmp_path), "--mode", "text", *arguments])
    assert wrong.exit_code != 0


def test_real_matrix(shared: Path) -> None:
    """On NExT-QA's agents the recommended selection ranks held-out systems better than random subsets do."""
    real = read_matrices(shared / "data" / "responses" / "nextqa_vidagent")[Mode.VIDEO]
    families = tuple(name.split("_")[0] + name.split("_")[-1][:3] for name in real.models)
    found = held_out(replace(real, families=families), ["apollo+"], [50], folds=6, draws=50, repeats=1, seed=0)
    rows = {row.method: row for row in summaries(found)}
    assert rows["apollo+"].tau > rows["random"].tau

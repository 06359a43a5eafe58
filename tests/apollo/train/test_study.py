"""A study from its file to its report, with real training of a step or two on parts that know nothing yet."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from apollobench.apollo.model import Apollo
from apollobench.apollo.towers.hybrid import build_tower
from apollobench.apollo.train.family import FAMILY, TOWERS, Effort, apollo_config
from apollobench.apollo.train.files import Part
from apollobench.apollo.train.language import SightTable, world_tokenizer
from apollobench.apollo.train.study import Row, cells, read_study, run_study
from apollobench.benchmark import Entry, write_benchmark
from apollobench.errors import InputError
from apollobench.report.study import write_study
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.stats.interval import Estimate
from apollobench.types import CATEGORIES, Mode

STUDY = """
name: toy
benchmark: synthetic
sizes: [s, m]
mixtures:
  A: {video: 0.6, frame: 0.4}
designs:
  one: {towers: [siglip-tiny-patch8-48], connector: mlp_avgpool, sampling: {kind: clips, max_clips: 2}}
  two: {towers: [internvideo2-tiny], connector: perceiver, sampling: {kind: clips, max_clips: 2}}
  both: {towers: [siglip-tiny-patch8-48, internvideo2-tiny], connector: perceiver, sampling: {kind: uniform, frames: 4}}
align_steps: 1
sft_steps: 1
seed: 5
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


def test_the_grid_holds_every_combination_once(file: Path, root: Path) -> None:
    grid = cells(read_study(file))
    assert [(c.size, c.design) for c in grid] == [(s, d) for s in "sm" for d in ("one", "two", "both")]
    assert [c.recipe.seed for c in grid] == [5, 6, 7, 8, 9, 10]
    assert grid[0].recipe.mixture == {Mode.VIDEO: 0.6, Mode.FRAME: 0.4}
    assert not any(c.recipe.vision_steps for c in grid)
    shipped = cells(read_study(root / "curation/studies/tiny-designs/study.yaml"))
    assert len(shipped) == len({c.recipe.name for c in shipped}) == 18


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seed: 5", "seed: 5\nepochs: 3", "epochs.*align_steps"),
        ("[internvideo2-tiny]", "[clip]", "no tower 'clip'; there are siglip-tiny-patch8-48, internvideo2-tiny"),
        ("mlp_avgpool", "linear", "perceiver"),
        ("sizes: [s, m]", "sizes: [xl]", "'s', 'm' or 'l'"),
    ],
)
def test_what_a_study_cannot_mean_is_refused(file: Path, old: str, new: str, message: str) -> None:
    file.write_text(STUDY.replace(old, new))
    with pytest.raises(InputError, match=rf"(?s)study.yaml:\d+.*{message}"):
        read_study(file)


def test_models_are_trained_scored_and_reported(file: Path, tmp_path: Path) -> None:
    work, output = tmp_path / "work", tmp_path / "out"
    study = read_study(file)
    untrained_parts(work)
    benchmark = toy_benchmark(tmp_path)
    little = Effort(bank_seeds=range(4))
    cpu = torch.device("cpu")
    rows = run_study(study, benchmark, output, work, workers=2, device=cpu, effort=little)
    report = write_study(study.name, rows, output).read_text()
    table = list(csv.DictReader((output / "results.csv").open()))
    assert [row["llm"] for row in table] == ["tiny-s"] * 3 + ["tiny-m"] * 3
    assert all(0 <= float(row["low"]) <= float(row["average"]) <= float(row["high"]) <= 100 for row in table)
    assert "| both " in report
    told = write_study(study.name, differing(rows), tmp_path / "told")
    assert "| tiny-s, tiny-m |" in told.read_text()
    assert "1.000" in told.read_text()
    assert (told.parent / "scaling.svg").read_text().count("<svg") == 1
    alike = write_study(study.name, rows[:1] * 6, tmp_path / "alike").read_text()
    assert "Nothing: one size (tiny-s)" in alike
    before = {path: path.stat().st_mtime_ns for path in work.glob("toy-*.pt")}
    again = run_study(study, benchmark, output, work, workers=2, device=cpu, effort=little)
    assert [row.score for row in again] == [row.score for row in rows]
    assert before == {path: path.stat().st_mtime_ns for path in work.glob("toy-*.pt")}
    assert len(list(work.glob("features-*.npy"))) == 4


def differing(rows: list[Row]) -> list[Row]:
    """The same models with scores that differ, as those of trained ones do."""
    values = [0.30, 0.40, 0.50, 0.35, 0.45, 0.55]
    scores = [Estimate(value, 0.05, value - 0.1, value + 0.1, 10, 2) for value in values]
    return [replace(row, score=replace(row.score, macro=score)) for row, score in zip(rows, scores, strict=True)]


def untrained_parts(work: Path) -> None:
    """What a study shares between its models, fresh from the initialisation."""
    work.mkdir()
    torch.manual_seed(0)
    for name, config in TOWERS.items():
        Part(build_tower(name, config, -1).state_dict(), 0.0, "here").keep(work / f"encoder-{name}.pt")
    for size in ("s", "m"):
        recipe = next(recipe for recipe in FAMILY.values() if recipe.size == size)
        model = Apollo(replace(apollo_config(recipe, len(world_tokenizer())), vision=None, connector=None))
        table = SightTable(model.llm.config.hidden_size)
        weights = {"llm": model.llm.state_dict(), "table": table.state_dict()}
        Part(weights, 0.0, "here").keep(work / f"language-{size}.pt")


def toy_benchmark(folder: Path) -> Path:
    """A question of each category and more, on two videos."""
    make_world(folder / "data", 2, 2_000_000, workers=1, progress=False)
    some = read_world(folder / "data")[:10]
    entries = [Entry(replace(item, category=CATEGORIES[n % len(CATEGORIES)])) for n, item in enumerate(some)]
    write_benchmark(folder / "benchmark", entries, [], {"name": "toy"}, "# toy\n")
    return folder / "benchmark"

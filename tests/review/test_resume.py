"""A benchmark made anew with what its reviewers decided: the whole way, by the commands."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from apollobench.benchmark import MANIFEST, load_benchmark
from apollobench.cli import app
from apollobench.recipe import load_recipe
from apollobench.review.ledger import NAME, Ledger
from apollobench.review.words import REVIEWER, Draft
from apollobench.types import LETTERS

CHANGES = {
    "sources": [{"name": "synthetic", "options": {"videos": 3, "seed": 1_000_000}}],
    "panel": ["apollo-tiny-s", "apollo-tiny-s-image"],
    "held_out": [],
    "filter.min_votes": 2,
    "select.size": 8,
    "validation.random_subsets": 2,
    "validation.bootstrap": 10,
}


def call(*words: object) -> Result:
    return CliRunner().invoke(app, ["curate", *map(str, words)], catch_exceptions=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of eight items, curated by a recipe of its own from what lies in `data` within its folder."""
    place = tmp_path_factory.mktemp("resume")
    recipe = place / "small.yaml"
    recipe.write_text(json.dumps(load_recipe("synthetic", CHANGES).recipe.model_dump(mode="json")))
    result = call("--recipe", recipe, "--output_path", place / "made")
    assert result.exit_code == 0, result.output
    return place / "made"


def test_resumed_with_what_was_decided(made: Path) -> None:
    before = (made / MANIFEST).read_bytes()
    again = ("--resume", "--output_path", made)
    assert call(*again).exit_code == 0
    assert (made / MANIFEST).read_bytes() == before, "nothing was decided, so nothing changes"
    dropped, corrected = load_benchmark(made).items[:2]
    key = LETTERS[(corrected.answer + 1) % len(corrected.options)]
    with closing(Ledger(made / NAME)) as ledger:
        for name in ("ada", "ben", "jo"):
            ledger.join(name, REVIEWER)
        ledger.append(Draft(dropped.id, "ada", "drop", reason="ambiguous"))
        ledger.append(Draft(corrected.id, "ben", "key", key, "it shows"))
        (undone,) = ledger.append(Draft(corrected.id, "jo", "drop", reason="other"))
        ledger.append(Draft(corrected.id, "jo", "undo", undoes=undone.number))
    result = call(*again)
    assert result.exit_code == 0, result.output
    assert result.stderr.count("0 asked now, 90 stored") == 2
    benchmark = load_benchmark(made)
    assert benchmark.manifest["review"]["reviewers"] == ["ada", "ben"]
    assert dropped.id not in {item.id for item in benchmark.items}
    assert {item.id: LETTERS[item.answer] for item in benchmark.items}.get(corrected.id, key) == key
    (made / NAME).rename(made / "elsewhere.sqlite")
    assert "was made with decisions of ada, ben; none of them stands in review.sqlite" in call(*again).stderr


def test_resuming_takes_no_other_recipe(made: Path, tmp_path: Path) -> None:
    result = call("--resume", "--output_path", made, "--size", 5)
    assert result.exit_code == 2
    assert "--resume takes the recipe of the benchmark" in result.output
    result = call("--resume", "--output_path", tmp_path / "nothing")
    assert result.exit_code == 2
    assert str(tmp_path / "nothing") in result.output

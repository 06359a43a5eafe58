"""`apollobench train`: one of two ways, told apart by the option."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from apollobench.apollo.checkpoint import load_apollo
from apollobench.cli import app

from . import lab


@pytest.mark.parametrize("options", [[], ["--model", "apollo-tiny", "--recipe", "three-stage"]])
def test_exactly_one_way_is_named(options: list[str]) -> None:
    done = CliRunner().invoke(app, ["train", *options])
    assert done.exit_code == 2
    assert "train what? Give either --recipe NAME or --model NAME" in done.stderr


def test_a_recipe_is_carried_out_in_the_folder_given(corpus: Path, tmp_path: Path) -> None:
    stages = [lab.stage("sft", (0, 0, 1e-3), 1, text=1.0)]
    lab.recipe(tmp_path / "short.yaml", lab.content(corpus, stages))
    done = CliRunner().invoke(
        app, ["train", "--recipe", str(tmp_path / "short.yaml"), "--output-path", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "out" / "sft")
    load_apollo(tmp_path / "out" / "sft")


def test_a_mistake_in_a_recipe_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("name: x\nspeed: 3\n")
    done = CliRunner().invoke(app, ["train", "--recipe", str(tmp_path / "bad.yaml")])
    assert done.exit_code == 2
    assert "bad.yaml:2: speed: unknown key" in done.stderr
    assert "Traceback" not in done.stderr

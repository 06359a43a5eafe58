"""items as typed by a person, on a matrix of scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from apollobench.cli import app


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    values = (rng.random((80, 9)) < np.linspace(0.4, 0.9, 9)).astype(int)
    path = tmp_path_factory.mktemp("scores") / "mine.csv"
    rows = [f"q{n}," + ",".join(map(str, row)) for n, row in enumerate(values)]
    path.write_text("\n".join(["id," + ",".join(f"m{n}" for n in range(9)), *rows]))
    return path


def test_report_and_files(scores: Path, tmp_path: Path) -> None:
    asked = ["items", str(scores), "--options", "4", "--irt", "2pl", "--output_path", str(tmp_path / "out")]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("# Item analysis: mine.csv")
    assert "Two-parameter model" in done.output
    assert "single values are not identified" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.md", "items.csv", "items.jsonl"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--level", "2"], "expected a share between 0 and 1"),
        (["--votes", "nobody"], "--votes: unknown 'nobody'; valid: family, model"),
        (["--irt", "4pl"], "--irt: unknown '4pl'; valid: rasch, 2pl, none"),
        (["--sort", "luck"], "--sort: unknown order 'luck'"),
    ],
)
def test_impossible_options_are_refused(scores: Path, options: list[str], told: str) -> None:
    done = CliRunner().invoke(app, ["items", str(scores), *options])
    assert done.exit_code == 2
    assert told in done.stderr

"""The three commands from the outside."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from apollobench.cli import app

from .made import World


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    done = CliRunner().invoke(app, [*map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_there_and_back_and_no_difference(world: World, tmp_path: Path) -> None:
    published, rebuilt = tmp_path / "published", tmp_path / "rebuilt"
    code, said, _ = run("publish", world.benchmark, "--to", published)
    assert code == 0
    assert "| Video-MME |     4 | ids only  |" in said
    assert "croissant.json lacks what its specification requires: url and creator (--name" in said
    code, said, errors = run("rebuild", published, "--data_root", world.data, "--to", rebuilt)
    assert (code, errors) == (0, "")
    assert "12 items as they were published" in said
    code, said, _ = run("diff", published, rebuilt, "--format", "json")
    assert code == 0
    assert json.loads(said)["comparable"] is True


def test_an_error_is_a_message_and_exit_code_2(world: World, tmp_path: Path) -> None:
    for arguments in (
        ("publish", world.data, "--to", tmp_path / "published"),
        ("rebuild", world.benchmark, "--to", tmp_path / "rebuilt"),
        ("diff", world.benchmark, tmp_path),
    ):
        code, _, errors = run(*arguments)
        assert code == 2
        assert errors.startswith("error: ")

"""The three commands from the outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .made import World


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "apollobench", *map(str, arguments)], capture_output=True, text=True)


def test_there_and_back_and_no_difference(world: World, tmp_path: Path) -> None:
    published, rebuilt = tmp_path / "published", tmp_path / "rebuilt"
    done = run("publish", world.benchmark, "--to", published)
    assert done.returncode == 0, done.stderr
    assert "| Video-MME |     4 | ids only  |" in done.stdout
    assert "croissant.json lacks what its specification requires: url and creator (--name" in done.stdout
    done = run("rebuild", published, "--data_root", world.data, "--to", rebuilt)
    assert (done.returncode, done.stderr) == (0, "")
    assert "12 items as they were published" in done.stdout
    done = run("diff", published, rebuilt, "--format", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["comparable"] is True


def test_an_error_is_a_message_and_exit_code_2(world: World, tmp_path: Path) -> None:
    for arguments in (
        ("publish", world.data, "--to", tmp_path / "published"),
        ("rebuild", world.benchmark, "--to", tmp_path / "rebuilt"),
        ("diff", world.benchmark, tmp_path),
    ):
        done = run(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert "Traceback" not in done.stderr

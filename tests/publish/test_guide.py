"""The guide can be followed as it is written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apollobench.cli import app
from apollobench.publish.licences import read_licences

from .made import World


def test_its_commands_and_its_script_run(
    root: Path, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (root / "docs" / "publish.md").read_text()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "data").symlink_to(world.data)
    (tmp_path / "out").mkdir()
    world.benchmark.rename(tmp_path / "out" / "mine")
    commands, *_ = re.findall(r"```bash\n(.*?)```", guide, re.DOTALL)
    for line in commands.splitlines():
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
    assert "Scores comparable: yes" in done.output
    (script,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    said: dict[str, list[object]] = {}
    exec(script, said)
    assert (len(said["items"]), len(said["dropped"])) == (12, 3)


def test_its_table_is_the_file(root: Path) -> None:
    guide = (root / "docs" / "publish.md").read_text()
    for source in read_licences().published.values():
        title = source.title.removeprefix("apollobench's ")
        (row,) = [line for line in guide.splitlines() if line.startswith("| ") and title in line]
        assert ("in full" in row) is source.redistribute
        assert source.licence in row or not source.redistribute

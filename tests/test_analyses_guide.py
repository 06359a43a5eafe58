"""The guide to the analyses is run from top to bottom, and prints what it says it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from apollobench.cli import app

BLOCKS = re.compile(r"```(python|text)\n(.*?)```", re.DOTALL)


def outputs(page: str) -> list[tuple[str, str]]:
    """Per block of code that is followed by its output: what it prints, and what the page says."""
    names: dict[str, Any] = {}
    found, printed = [], ""
    for kind, text in BLOCKS.findall(page):
        if kind == "text":
            found.append((printed, text))
            continue
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(text, "docs/analyses.md", "exec"), names)
        printed = out.getvalue()
    return found


def test_the_walk_prints_what_the_page_says(root: Path) -> None:
    found = outputs((root / "docs" / "analyses.md").read_text())
    assert len(found) == 8
    for printed, said in found:
        assert printed == said


def test_the_commands_work_in_a_checkout(root: Path, tmp_path: Path) -> None:
    (commands,) = re.findall(r"```bash\n(.*?)```", (root / "docs" / "analyses.md").read_text(), re.DOTALL)
    for line in commands.splitlines():
        _, *words = line.replace("out/", f"{tmp_path}/").replace("curation/", f"{root}/curation/").split()
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        name = Path(words[-1]).name
        assert (tmp_path / name / f"{name}.svg").is_file()

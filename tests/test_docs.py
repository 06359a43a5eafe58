"""The documentation says what the program does: the command reference is the help, and named files exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = tuple(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md")))


def test_command_reference_is_the_help(root: Path) -> None:
    made = subprocess.run(
        [sys.executable, "docs/make_cli.py", "-"], cwd=root, capture_output=True, text=True, check=True
    )
    assert (root / "docs" / "cli.md").read_text(encoding="utf-8") == made.stdout, "out of date: run `make docs`"


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "curation/README.md", "tasks/README.md", *DOCS]
)
def test_links_lead_to_files(root: Path, page: str) -> None:
    text = (root / page).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    missing = [target for target in targets if not ((root / page).parent / target).exists()]
    assert not missing


def test_the_example_of_filters_prints_what_it_says(root: Path) -> None:
    text = (root / "docs" / "filters.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert found is not None
    ran = subprocess.run([sys.executable, "-c", found[1]], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout == found[2]


def test_readme_shows_only_commands_that_exist(root: Path) -> None:
    reference = (root / "docs" / "cli.md").read_text(encoding="utf-8")
    readme = (root / "README.md").read_text(encoding="utf-8")
    for line in re.findall(r"^\$? ?apollobench (.+)$", readme, re.MULTILINE):
        words = re.match(r"[a-z ]+?(?= -|$| [A-Z./])", line)
        assert words is not None
        assert f" apollobench {words.group(0)}\n" in reference, line
        for option in re.findall(r"--[a-z_]+", line):
            assert option in reference, f"{option} in: {line}"

"""The lock files cover what set-up installs, the core needs what it declares, and every licence is known."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

IMPORTED_AS = {
    "markdown-it-py": "markdown_it",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
}
WITHOUT_REQUIREMENT = {"lmms_eval", "pydantic_core"}  # installed without dependencies; the other half of pydantic

# Weak copyleft: used as it is published, as a package of its own, never copied into this one.
COPYLEFT = {
    "num2words": "LGPL-2.1-or-later",  # reads numbers in the prompts of the Apollo models
    "tqdm": "MPL-2.0 AND MIT",
}
PERMISSIVE = {
    *("0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CNRI-Python", "ISC"),
    *("LLVM-exception", "MIT", "MIT-CMU", "PSF-2.0", "Zlib"),
}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return dict(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"])


def pins(file: Path) -> dict[str, str]:
    """Versions by canonical name, of a file of pins with or without hashes."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def closure(requirements: list[str], skipped: frozenset[str] = frozenset()) -> set[str]:
    """Names of what the requirements bring on this system, from the metadata of what is installed."""
    seen: set[tuple[str, str]] = set()
    queue = [Requirement(text) for text in requirements]
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen or name in skipped:
                continue
            seen.add((name, extra))
            needs = (Requirement(text) for text in metadata.requires(name) or ())
            queue += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def test_lock_files_hold_the_constraints_and_only_hashed_files(root: Path) -> None:
    constraints = pins(root / "constraints.txt")
    for name in ("lock.txt", "build-lock.txt", "pages-lock.txt", "release-lock.txt"):
        text = (root / "tools" / name).read_text(encoding="utf-8")
        blocks = [block for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if block and block[0] != "#"]
        assert blocks
        assert all(re.fullmatch(r"\S.* \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", block) for block in blocks)
        assert "://" not in text
        if name != "release-lock.txt":
            locked = pins(root / "tools" / name)
            assert {key: locked[key] for key in locked.keys() & constraints} == {
                key: constraints[key] for key in locked.keys() & constraints
            }, "out of date: run `make lock`"


def test_lock_file_is_all_that_set_up_needs_but_torch(root: Path, project: dict[str, Any]) -> None:
    locked = pins(root / "tools" / "lock.txt")
    wanted = closure([*project["dependencies"], "apollobench[dev]"], skipped=frozenset({"torch"})) - {"apollobench"}
    assert "torch" not in locked
    assert wanted <= set(locked), "run `make lock`"
    assert closure(["torch"]) - {"torch"} <= set(locked) | gpu_packages(), "torch needs more than the lock file holds"


def gpu_packages() -> set[str]:
    names = {canonicalize_name(found.name) for found in metadata.distributions()}
    return {name for name in names if re.match(r"(nvidia|cuda|triton)\b", name)}


def test_core_imports_each_of_its_requirements_and_no_other(root: Path, project: dict[str, Any]) -> None:
    imported: set[str] = set()
    for file in (root / "apollobench").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).partition(".")[0])

    def modules(requirements: list[str]) -> set[str]:
        names = [Requirement(text).name for text in requirements]
        return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}

    core = modules(project["dependencies"])
    extras = modules([text for extra in project["optional-dependencies"].values() for text in extra])
    assert core <= imported
    others = imported - core - set(sys.stdlib_module_names) - {"apollobench"}
    assert others - extras <= WITHOUT_REQUIREMENT


def test_core_brings_permissive_licences(root: Path, project: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(root / "tools"))
    import licences

    rows = licences.packages(closure(project["dependencies"]) - gpu_packages())
    assert len(rows) > len(project["dependencies"])
    others = {
        row.name: row.licence for row in rows if not set(re.split(r" (?:AND|OR|WITH) ", row.licence)) <= PERMISSIVE
    }
    assert others == COPYLEFT


def test_licences_page_is_what_is_installed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("docs/licences.md lists what is installed on Linux")
    monkeypatch.syspath_prepend(str(root / "tools"))
    import licences

    written = licences.page(licences.packages(licences.locked()))
    assert (root / "docs" / "licences.md").read_text(encoding="utf-8") == written, "out of date: run `make licences`"


def test_unknown_licence_stops_the_list(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mystery-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: mystery\nVersion: 1.0\nLicense: see the file\n")
    path = os.pathsep.join([str(root / "tools"), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-c", "import licences; licences.packages(['mystery', 'numpy'])"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "not known: mystery;" in done.stderr

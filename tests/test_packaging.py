"""The wheel, the source archive and the editable install all find the shipped content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from apollobench import __version__
from apollobench.content import content_path
from apollobench.errors import InputError

CONTENT = ("curation", "leaderboard", "tasks")
FIND_CONTENT = """
from apollobench.content import content_path
for folder in {folders!r}:
    for file in sorted(content_path(folder).rglob("*")):
        print(file)
"""


def build(source: Path, out: Path, *kinds: str) -> None:
    command = [sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def shipped(root: Path) -> set[str]:
    """The content files of the checkout, as git would see them."""
    files = (file for folder in CONTENT for file in (root / folder).rglob("*") if file.is_file())
    return {file.relative_to(root).as_posix() for file in files if "__pycache__" not in file.parts}


@pytest.fixture(scope="module")
def dist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source archive of the checkout."""
    out = tmp_path_factory.mktemp("dist")
    build(root, out, "--wheel", "--sdist")
    return out


def test_wheel_holds_package_content_and_weights(dist: Path, root: Path) -> None:
    names = names_in(next(dist.glob("*.whl")))
    assert {f"apollobench/{name}" for name in shipped(root)} <= set(names)
    weights = {file.relative_to(root).as_posix() for file in (root / "apollobench").rglob("*.safetensors")}
    assert weights <= set(names)
    outside = [name for name in names if not re.match(rf"apollobench(/|-{re.escape(__version__)}\.dist-info/)", name)]
    assert not outside


def test_builds_are_reproducible(dist: Path, tmp_path: Path) -> None:
    """The source archive, unpacked in another folder at another time, gives the wheel and itself, byte for byte."""
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    source = next(tmp_path.glob("apollobench-*"))
    build(source, tmp_path / "out", "--wheel", "--sdist")
    assert digests(tmp_path / "out") == digests(dist)


def test_installed_wheel_finds_its_content(dist: Path, root: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    wheel = str(next(dist.glob("*.whl")))
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", target, wheel], check=True)
    found = subprocess.run(
        [sys.executable, "-c", FIND_CONTENT.format(folders=CONTENT)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    files = {Path(line).relative_to(target / "apollobench").as_posix() for line in found.stdout.splitlines()}
    assert shipped(root) <= files


def test_checkout_finds_its_content(root: Path) -> None:
    for folder in CONTENT:
        assert content_path(folder) == root / folder


def test_missing_content_says_where_it_looked(root: Path) -> None:
    with pytest.raises(InputError, match=r"curation/none\.yaml is not part of this installation") as caught:
        content_path("curation", "none.yaml")
    assert str(root / "curation" / "none.yaml") in str(caught.value)


def test_constraints_pin_plain_versions(root: Path) -> None:
    """A local version such as +cpu would forbid the GPU build; an open range would not reproduce."""
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins == [pin for pin in pins if re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", pin)]


def test_set_up_refuses_gpu_packages_on_a_machine_without_a_gpu(root: Path, tmp_path: Path) -> None:
    (tmp_path / "nvidia_cublas-13.0.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: nvidia-cublas\nVersion: 13.0\n"
    (tmp_path / "nvidia_cublas-13.0.dist-info" / "METADATA").write_text(metadata)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    script = f"import environment, pathlib; environment.Environment(pathlib.Path({str(tmp_path / 'venv')!r}))"
    script += ".refuse_gpu_packages()"
    path = os.pathsep.join([str(root / "tools"), str(tmp_path)])
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "nvidia-cublas==13.0" in done.stderr


def test_set_up_without_a_python_says_what_is_needed(root: Path, tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(root / name, tmp_path)
    (tmp_path / "tools").mkdir()
    for name in ("set_up.py", "environment.py", "lock.txt", "build-lock.txt"):
        shutil.copy(root / "tools" / name, tmp_path / "tools")
    done = subprocess.run([make, "setup"], cwd=tmp_path, env={"PATH": str(tmp_path)}, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Python 3.11 or newer" in done.stderr
    assert not (tmp_path / ".venv").exists()

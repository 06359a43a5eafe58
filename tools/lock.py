"""Writes the lock files from constraints.txt with uv: every package by version and by the hashes of its files.

They are universal: one file for every Python and system that the project allows, whichever index the packages come
from. torch is not in them, nor what its builds for GPUs bring: which build is right depends on the machine.
"""

from __future__ import annotations

import re
import subprocess

from environment import GPU_PACKAGES, ROOT

TOOLS = ROOT / "tools"
UV = ROOT / ".venv-release" / "bin" / "uv"
UNLOCKED = re.compile(rf"torch==|{GPU_PACKAGES.pattern}", re.IGNORECASE)
NAMED = {"build-lock.txt": ("setuptools",), "pages-lock.txt": ("axe-playwright-python", "greenlet", "playwright")}


def compiled(*arguments: str, requirements: str | None = None) -> str:
    """The requirements with the hashes of every file that the index offers of each."""
    command = [UV, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
    style = ("--no-config", "--no-annotate", "--custom-compile-command", "make lock")
    return subprocess.run(
        [*command, *style, *arguments], input=requirements, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def locked(text: str) -> str:
    """`text` without torch and what its builds for GPUs bring."""
    return "".join(block for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if not UNLOCKED.match(block))


def main() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    texts = {
        "lock.txt": locked(compiled("pyproject.toml", "--extra", "dev", "--constraints", "constraints.txt")),
        "release-lock.txt": compiled("tools/release.in"),
    }
    for file, names in NAMED.items():
        requirements = "\n".join(pin for pin in pins if pin.partition("==")[0] in names)
        texts[file] = compiled("-", "--no-deps", requirements=requirements)
    for file, text in texts.items():
        (TOOLS / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

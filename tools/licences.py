"""Writes docs/licences.md: what `make setup` installs, with version and licence, from the packages' own metadata.

A package whose metadata names no licence stops it, until somebody has read the licence and listed it in STATED.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "tools" / "lock.txt"

# Read in the package's own files or repository where its metadata says nothing of use.
STATED = {
    "atheris": "Apache-2.0",
    "kiwisolver": "BSD-3-Clause",
    "matplotlib": "PSF-2.0",
    "mlcroissant": "Apache-2.0",
    "num2words": "LGPL-2.1-or-later",
    "scipy": "BSD-3-Clause",
}

# What packages write that is no SPDX expression. BSD without a number of clauses stays as it is.
SPDX = {
    "APACHE": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "2-clause BSD": "BSD-2-Clause",
    "BSD": "BSD",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


@dataclass(frozen=True)
class Package:
    """One installed package; `licence` is an SPDX expression, or BSD."""

    name: str
    version: str
    licence: str


def licence(name: str) -> str | None:
    """The licence of an installed package, or None when its metadata does not name one that is known here."""
    if stated := STATED.get(canonicalize_name(name)):
        return stated
    fields = metadata.metadata(name)
    classifiers = [
        text.rpartition(" :: ")[2] for text in fields.get_all("Classifier", []) if text.startswith("License")
    ]
    for text in (fields.get("License-Expression"), fields.get("License"), *classifiers):
        if text in SPDX:
            return SPDX[text]
        with suppress(InvalidLicenseExpression):
            return canonicalize_license_expression(text or "")
    return None


def locked() -> Iterator[str]:
    """The names of what the lock file installs on this system, and torch."""
    yield "torch"
    for line in re.findall(r"^[a-z].*(?= \\$)", LOCK.read_text(encoding="utf-8"), re.MULTILINE):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement.name


def packages(names: Iterable[str]) -> list[Package]:
    """The packages by name; stops with an error at those of unknown licence."""
    rows, unknown = [], []
    for name in sorted(names):
        if (terms := licence(name)) is None:
            unknown.append(name)
        else:
            rows.append(Package(name, metadata.version(name).partition("+")[0], terms))
    if unknown:
        sys.exit(f"licences: not known: {', '.join(unknown)}; read them and add them to STATED in tools/licences.py")
    return rows


def page(rows: list[Package]) -> str:
    lines = [f"| {row.name} | {row.version} | {row.licence} |" for row in rows]
    return "\n".join([INTRO, *lines, ""])


INTRO = """# Licences

Written by `make licences` from the metadata of what `make setup` installs. apollobench itself is under Apache-2.0 and
ships none of these packages. `BSD` is what packages say that do not name the number of clauses. Wheels can carry more
than the package's own code: those of av and opencv-python-headless hold FFmpeg (LGPL), those of torch for GPUs bring
NVIDIA's libraries under NVIDIA's terms, which are not listed here.

| package | version | licence |
| --- | --- | --- |"""


def main() -> None:
    target = ROOT / "docs" / "licences.md"
    target.write_text(page(packages(locked())), encoding="utf-8")


if __name__ == "__main__":
    main()

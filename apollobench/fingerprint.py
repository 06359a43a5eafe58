"""A digest of a folder's files: what tells two checkpoints apart, wherever they lie."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path

CHECKPOINT = frozenset({".json", ".txt", ".model", ".jinja", ".safetensors"})  # what decides a model, but for code
SHA256 = re.compile(r"[0-9a-f]{64}")


def folder_digest(folder: Path, suffixes: Collection[str]) -> str:
    """Hash of the relative names and the contents of all files in `folder` that end in one of `suffixes`.

    The hub's cache names large files by their SHA-256 and links to them; such a name is taken for the content, so that
    many gigabytes need not be read. A copy of the same files elsewhere has the same digest.
    """
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in suffixes):
        total.update(f"{path.relative_to(folder).as_posix()} {_content(path)}\n".encode())
    return total.hexdigest()[:32]


def _content(path: Path) -> str:
    target = path.resolve()
    if path.is_symlink() and target.parent.name == "blobs" and SHA256.fullmatch(target.name):
        return target.name
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

"""Which bytes a model was shown: the content hash of a media file."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from apollobench.errors import InputError


def media_digest(path: Path) -> str:
    """SHA-256 of the file's bytes, first 16 in hex; read once per process unless size or modification time change.

    Raises InputError if the file is missing.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file. Check the path, or fetch the source's videos first.")
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=65536)
def _digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]

"""Which bytes a model was shown: the content hash of a media file."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from apollobench.errors import InputError
from apollobench.video.register import noted_digest


def media_digest(path: Path) -> str:
    """SHA-256 of the file's bytes, first 16 in hex; read once per process unless size or modification time change.

    Not even once if `doctor` has noted the digest of a file of this size and modification time in a register at or
    above the file's folder. Raises InputError if the file is missing.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file. Check the path, or fetch the source's videos first.")
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


def read_digest(path: Path) -> str:
    """The digest told from the file's bytes, whatever has been noted."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


@lru_cache(maxsize=65536)
def _digest(path: Path, size: int, modified: int) -> str:
    return noted_digest(path, size, modified) or read_digest(path)

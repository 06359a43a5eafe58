"""Small readers that show what a fuzzer tells of them: a sound one, and others with a fault each."""

from __future__ import annotations

import os
from pathlib import Path

from apollobench.errors import InputError

from .campaign import Target


def _plant(folder: Path) -> None:
    (folder / "toy.bin").write_bytes(b"FILE 7\n")


def _sound(folder: Path, out: Path) -> int:
    content = (folder / "toy.bin").read_bytes()
    if len(content) < 5:
        raise InputError("toy.bin: expected five bytes")
    return content[0]


def _planted(folder: Path, out: Path) -> int:
    """Chance would have to guess four bytes at once; libFuzzer sees what they are compared with."""
    if (folder / "toy.bin").read_bytes()[:4] == b"\xc9BAD":
        raise LookupError("planted")
    return _sound(folder, out)


def _deadly(folder: Path, out: Path) -> int:
    """Empty files are refused: libFuzzer begins with one."""
    if 0 < len((folder / "toy.bin").read_bytes()) < 5:
        os._exit(3)
    return _sound(folder, out)


def _unsound(folder: Path, out: Path) -> None:
    raise InputError("toy.bin: refused whatever it is")


READERS = {"sound": _sound, "planted": _planted, "deadly": _deadly, "unsound": _unsound}
TARGETS = {name: Target(name, _plant, feed) for name, feed in READERS.items()}

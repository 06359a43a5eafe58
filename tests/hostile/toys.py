"""Two small readers that show what a fuzzer finds: a sound one, and one that a certain beginning of the file breaks."""

from __future__ import annotations

from pathlib import Path

from apollobench.errors import InputError

from .campaign import Target


def _plant(folder: Path) -> None:
    (folder / "toy.bin").write_bytes(b"FILE 7\n")


def _careful(folder: Path, out: Path) -> int:
    content = (folder / "toy.bin").read_bytes()
    if len(content) < 5:
        raise InputError("toy.bin: expected five bytes")
    return content[0]


def _careless(folder: Path, out: Path) -> int:
    """Chance would have to guess three bytes at once; coverage finds them one after another."""
    first, second, third = (folder / "toy.bin").read_bytes()[:3].ljust(3)
    if first == 201:
        if second == 17:
            if third == 133:
                raise LookupError("planted")
    return _careful(folder, out)


TARGETS = {name: Target(name, _plant, feed) for name, feed in (("sound", _careful), ("planted", _careless))}

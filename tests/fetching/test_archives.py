"""Indexes of archives that were damaged anywhere: read, or refused by name; nothing else happens."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollobench.errors import InputError
from apollobench.fetching.archives import is_archive, joined, read_members
from apollobench.fetching.stores import LocalFile, Store, read_at


def small(kind: str) -> bytes:
    """Four members of 300 bytes, with names that are not ASCII."""
    made = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(4):
                archive.writestr(f"é/x{number}.mp4", bytes([number]) * 300)
        return made.getvalue()
    with tarfile.open(fileobj=made, mode="w:gz" if kind.endswith("gz") else "w") as tar:
        for number in range(4):
            info = tarfile.TarInfo(f"é{'l' * 120}/x{number}.mp4")
            info.size, info.mtime = 300, 1.5
            tar.addfile(info, io.BytesIO(bytes([number]) * 300))
    return made.getvalue()


WHOLE = {kind: small(kind) for kind in ("zip", "tar", "tar.gz")}
FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8)


@pytest.mark.parametrize("kind", WHOLE)
@settings(max_examples=150)
@given(flips=FLIPS, kept=st.sampled_from([1.0, 1.0, 0.99, 0.5]))
def test_damage_anywhere_is_told(kind: str, flips: list[tuple[float, int]], kept: float) -> None:
    content, told = bytearray(WHOLE[kind]), None
    for place, value in flips:
        content[int(place * len(content))] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a.{kind}")
        path.write_bytes(content[: int(kept * len(content))])
        try:
            store, members = read_members(LocalFile(path), Path(folder))
            for member in members:
                if not member.fault:
                    read_at(store, member.start, member.length)
        except InputError as error:
            told = str(error)
    assert told is None or str(path) in told


def test_what_is_an_archive_and_what_a_part() -> None:
    names = ("a.zip", "a.tar", "a.tar.gz", "a.tgz", "videos.tar.part.aa", "x/a.tar.gz.ab", "a.zip.001", "a.tar_part_01")
    assert [name for name in names if not is_archive(name)] == []
    assert not any(map(is_archive, ("a.mp4", "a.zip.txt", "zip", "a.tar.part.aaa")))


def test_parts_in_their_order_read_as_one(tmp_path: Path) -> None:
    pieces = {
        name: bytes([number]) * 10 for number, name in enumerate(("v.tar.part.aa", "v.tar.part.ab", "v.tar.part.ac"))
    }
    stores: list[Store] = []
    for name, piece in reversed(pieces.items()):
        (tmp_path / name).write_bytes(piece)
        stores.append(LocalFile(tmp_path / name))
    (whole,) = joined(stores)
    content = b"".join(pieces.values())
    assert whole.size == 30
    for start in range(30):
        for length in range(31 - start):
            assert read_at(whole, start, length) == content[start : start + length]

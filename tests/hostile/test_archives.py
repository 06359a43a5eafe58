"""Archives that swell: in what their members announce, in their headers, and in how tightly they are packed."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.fetching import archives, stores
from apollobench.fetching.archives import read_members
from apollobench.fetching.stores import LocalFile

MIB = 1 << 20
PACKERS: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def read(path: Path) -> None:
    store, members = read_members(LocalFile(path), path.parent)
    for member in members:
        for _ in store.stream(member.start, member.length):
            pass


def refused(path: Path) -> tuple[str, int]:
    """The message, and the most memory in use before it came."""
    tracemalloc.start()
    try:
        with pytest.raises(InputError) as caught:
            read(path)
        return str(caught.value), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", PACKERS)
def test_what_unpacks_without_measure_is_stopped(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "UNPACKED_ANYWAY", 4 * MIB)
    path = tmp_path / f"bomb.tar.{suffix}"
    content = header("v.mp4", 1 << 40) + bytes(32 * MIB)
    path.write_bytes(PACKERS[suffix](content))
    assert path.stat().st_size < len(content) / stores.UNPACKED_RATIO
    told, memory = refused(path)
    assert f"{path}: would unpack to more than" in told
    assert "refused" in told
    assert memory < 12 * MIB


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
@pytest.mark.parametrize("packed", [False, True])
def test_a_huge_header_is_not_read_into_memory(kind: bytes, packed: bool, tmp_path: Path) -> None:
    content = header("x", 48 * MIB, kind) + bytes(48 * MIB)
    path = tmp_path / ("bomb.tar.gz" if packed else "bomb.tar")
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    told, memory = refused(path)
    assert f"{path}: cannot be read as an archive" in told
    assert f"{48 * MIB:,} bytes" in told
    assert memory < 12 * MIB


def test_long_names_of_honest_archives_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    name = f"{'d' * 90}/" * 20 + "v.mp4"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open(path, "w", format=form) as tar:
            info = tarfile.TarInfo(name)
            info.size = 3
            tar.addfile(info, io.BytesIO(b"abc"))
        _, members = read_members(LocalFile(path), tmp_path)
        assert [(member.name, member.size, member.fault) for member in members] == [(name, 3, "")]
    assert len(name) < archives.LARGEST_HEADER

"""The sample tables of an MP4 or MOV file, which FFmpeg knows but hands out one Python object at a time, or not at all.

Layout: ISO/IEC 14496-12. Everything read here is checked against the demuxer before it is used (see `table`).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

Range = tuple[int, int]

# Rows (a, b, u), (c, d, v), (x, y, w): 16.16 fixed point, the last column 2.30.
IDENTITY = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


@dataclass(frozen=True, eq=False)
class SampleTable:
    """Samples of one track in storage order, in the track's time base.

    decoding: int64 [n], decoding times from 0 on. offset: int64 [n], presentation minus decoding, up to a constant.
    key: bool [n], samples that decoding can start at.
    """

    decoding: NDArray[np.int64]
    offset: NDArray[np.int64]
    key: NDArray[np.bool_]


def sample_table(path: Path, track: int) -> SampleTable | None:
    """The tables stts, ctts and stss of track id `track`; None if `path` has no such track or they do not fit."""
    end = path.stat().st_size
    with path.open("rb") as file:
        moov = _find(file, (0, end), b"moov")
        trak = _find_track(file, moov, track) if moov else None
        return _read_tables(file, trak) if trak else None


def is_upright(path: Path, track: int) -> bool:
    """Whether `path` is an MP4 file whose movie and track id `track` say that pictures are shown as they are stored."""
    with path.open("rb") as file:
        moov = _find(file, (0, path.stat().st_size), b"moov")
        movie = _find(file, moov, b"mvhd") if moov else None
        trak = _find_track(file, moov, track) if moov else None
        header = _find(file, trak, b"tkhd") if trak else None
        return bool(movie and header and _is_identity(file, movie, 36) and _is_identity(file, header, 40))


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, content start, content length) of the boxes in a range; stops at the first thing that is not a box."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        size, name, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1 and len(head) == 16:
            size, header = int.from_bytes(head[8:], "big"), 16
        if size < header or not all(32 <= byte < 127 or byte == 0xA9 for byte in name):
            return
        yield name, start + header, size - header
        start += size


def _find(file: BinaryIO, where: Range, *path: bytes) -> Range | None:
    """Content range of the first box found by going down `path` from the boxes in `where`."""
    for wanted in path:
        found = next(((at, at + size) for name, at, size in boxes(file, *where) if name == wanted), None)
        if found is None:
            return None
        where = found
    return where


def _find_track(file: BinaryIO, moov: Range, track: int) -> Range | None:
    """Content range of the trak box with id `track`."""
    for name, start, size in boxes(file, *moov):
        trak = (start, start + size)
        header = _find(file, trak, b"tkhd") if name == b"trak" else None
        if header is not None:
            file.seek(header[0])
            body = file.read(24)
            if int.from_bytes(body[20:24] if body[:1] == b"\x01" else body[12:16], "big") == track:
                return trak
    return None


def _is_identity(file: BinaryIO, header: Range, place: int) -> bool:
    """Whether the matrix at `place` of a version 0 header (12 bytes later in version 1) neither turns nor scales."""
    file.seek(header[0])
    shift = 12 if file.read(1) == b"\x01" else 0
    file.seek(header[0] + place + shift)
    return file.read(36) == IDENTITY


def _read_tables(file: BinaryIO, trak: Range) -> SampleTable | None:
    tables = _find(file, trak, b"mdia", b"minf", b"stbl")
    durations = _read_entries(file, tables, b"stts", 2)
    if durations is None or durations[:, 0].sum() > _count(file, tables):
        return None
    steps = np.repeat(durations[:, 1], durations[:, 0])
    total = len(steps)
    offset, key = np.zeros(total, np.int64), np.ones(total, bool)
    shifts = _read_entries(file, tables, b"ctts", 2)
    if shifts is not None:
        if shifts[:, 0].sum() != total:
            return None
        # Version 0 tables are unsigned by the standard, yet negative values are written in practice.
        offset = np.repeat(shifts[:, 1].astype(np.uint32).view(np.int32).astype(np.int64), shifts[:, 0])
    syncs = _read_entries(file, tables, b"stss", 1)
    if syncs is not None:
        if ((syncs < 1) | (syncs > total)).any():
            return None
        key[:] = False
        key[syncs[:, 0] - 1] = True
    return SampleTable(np.cumsum(steps) - steps, offset, key)


def _count(file: BinaryIO, tables: Range | None) -> int:
    """Number of samples by the table of sizes: a bound for what the run-length coded tables may claim."""
    for name in (b"stsz", b"stz2"):
        place = _find(file, tables, name) if tables else None
        if place is not None:
            file.seek(place[0] + 8)
            return int.from_bytes(file.read(4), "big")
    return 0


def _read_entries(file: BinaryIO, tables: Range | None, name: bytes, width: int) -> NDArray[np.int64] | None:
    """Entries [n, width] of a table of 32-bit numbers; None if there is no such table."""
    place = _find(file, tables, name) if tables else None
    if place is None:
        return None
    file.seek(place[0] + 4)
    count = int.from_bytes(file.read(4), "big")
    room = max(0, place[1] - place[0] - 8) // (4 * width)
    numbers = np.frombuffer(file.read(4 * width * min(count, room)), dtype=">u4")
    return numbers[: len(numbers) // width * width].reshape(-1, width).astype(np.int64)

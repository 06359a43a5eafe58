"""Facts that a file's own header states and FFmpeg's interface hides: its promised length, MP4 composition offsets.

Layouts: ISO/IEC 14496-12 (MP4 and MOV boxes), RFC 8794 (EBML, under Matroska and WebM), RIFF (AVI).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

EBML_MAGIC = b"\x1a\x45\xdf\xa3"
SEGMENT_MAGIC = b"\x18\x53\x80\x67"
TRACK_PATH = (b"mdia", b"minf", b"stbl")


def promised_bytes(path: Path) -> int | None:
    """Length in bytes that the header of `path` promises; None where the format makes no promise."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            size = int(struct.unpack("<I", head[4:8])[0])
            return None if size in (0, 0xFFFFFFFF) else size + 8
        if head[:4] == EBML_MAGIC:
            return _matroska_length(file)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip", b"styp"):
            ends = [start + size for _, start, size in _boxes(file, 0, path.stat().st_size)]
            return max(ends, default=None)
    return None


def composition_offsets(path: Path, track: int) -> NDArray[np.int64] | None:
    """Presentation minus decoding time of every sample of MP4 track id `track`, in the track's time base: int64 [n].

    None if the file has no such track or the track has no such table (then both times are equal).
    """
    end = path.stat().st_size
    with path.open("rb") as file:
        moov = _find(file, 0, end, b"moov")
        for name, start, size in _boxes(file, *moov) if moov else ():
            if name == b"trak" and _track_id(file, start, start + size) == track:
                return _read_offsets(file, start, start + size)
    return None


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, content start, content length) of the boxes in a range; stops at the first thing that is not a box."""
    while start + 8 <= end:
        file.seek(start)
        head = file.read(16)
        if len(head) < 8:
            return
        size, name, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1 and len(head) == 16:
            size, header = int.from_bytes(head[8:16], "big"), 16
        if size < header or not all(32 <= byte < 127 or byte == 0xA9 for byte in name):
            return
        yield name, start + header, size - header
        start += size


def _find(file: BinaryIO, start: int, end: int, wanted: bytes) -> tuple[int, int] | None:
    """Content range (start, end) of the first box named `wanted` in a range."""
    for name, at, size in _boxes(file, start, end):
        if name == wanted:
            return at, at + size
    return None


def _track_id(file: BinaryIO, start: int, end: int) -> int | None:
    place = _find(file, start, end, b"tkhd")
    if place is None:
        return None
    file.seek(place[0])
    body = file.read(24)
    if len(body) < 24:
        return None
    return int.from_bytes(body[20:24] if body[0] == 1 else body[12:16], "big")


def _read_offsets(file: BinaryIO, start: int, end: int) -> NDArray[np.int64] | None:
    place: tuple[int, int] | None = (start, end)
    for name in (*TRACK_PATH, b"ctts"):
        place = _find(file, *place, name) if place else None
    if place is None:
        return None
    file.seek(place[0] + 4)
    count = int.from_bytes(file.read(4), "big")
    runs = np.frombuffer(file.read(min(8 * count, place[1] - place[0] - 8)), dtype=">u4")
    pairs = runs[: len(runs) // 2 * 2].reshape(-1, 2)
    # Version 0 tables are unsigned by the standard, yet written with negative values in practice.
    return np.repeat(pairs[:, 1].astype(np.uint32).view(np.int32).astype(np.int64), pairs[:, 0].astype(np.int64))


def _matroska_length(file: BinaryIO) -> int | None:
    file.seek(4)
    size = _ebml_size(file)
    if size is None:
        return None
    file.seek(size, 1)
    if file.read(4) != SEGMENT_MAGIC:
        return None
    size = _ebml_size(file)
    return None if size is None else file.tell() + size


def _ebml_size(file: BinaryIO) -> int | None:
    """A variable-length EBML size; None for the reserved value "unknown" and at the end of the file."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    data = bytes([first[0] ^ (1 << (7 - extra))]) + file.read(extra)
    value = int.from_bytes(data, "big")
    return None if value == (1 << (7 * (extra + 1))) - 1 else value

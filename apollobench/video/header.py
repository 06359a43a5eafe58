"""How long a file's own header says the file is: by this a cut-off download is told from a whole file.

Layouts: ISO/IEC 14496-12 (MP4 and MOV boxes), RFC 8794 (EBML, under Matroska and WebM), RIFF (AVI).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from apollobench.video.mp4 import boxes

EBML_MAGIC = b"\x1a\x45\xdf\xa3"
SEGMENT_MAGIC = b"\x18\x53\x80\x67"
MP4_STARTS = (b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide")


def promised_bytes(path: Path) -> int | None:
    """Length in bytes that the header of `path` promises; None where the format makes no promise."""
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] == b"RIFF":
            size = int.from_bytes(head[4:8], "little")
            return None if size in (0, 0xFFFFFFFF) else size + 8
        if head[:4] == EBML_MAGIC:
            return _matroska_length(file)
        if head[4:8] in MP4_STARTS:
            return max((start + size for _, start, size in boxes(file, 0, path.stat().st_size)), default=None)
    return None


def _matroska_length(file: BinaryIO) -> int | None:
    """Where the one segment of the file ends; it follows the EBML header."""
    file.seek(len(EBML_MAGIC))
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

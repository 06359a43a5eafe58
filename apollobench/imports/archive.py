"""ZIP files that nobody vouches for: refused when they would swell, and read where zipfile cannot (Zstandard)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo

from apollobench.errors import InputError

MIB = 1 << 20
MEMBER_LIMIT, TOTAL_LIMIT = 256 * MIB, 16 * 1024 * MIB
RATIO_LIMIT, RATIO_FROM = 200, 8 * MIB
ZSTANDARD = 93
DAMAGE = (BadZipFile, EOFError, LZMAError, NotImplementedError, OSError, UnicodeDecodeError, struct.error, zlib.error)
_LOCAL = struct.Struct("<26xHH")


@contextmanager
def open_archive(path: Path) -> Iterator[ZipFile]:
    """The archive, once its directory shows no bomb. Raises InputError, also for damage found while it is open."""
    try:
        with ZipFile(path) as archive:
            _check(path, archive.infolist())
            yield archive
    except DAMAGE as error:
        raise InputError(f"{path}: a damaged ZIP file ({error}); fetch or write it again") from error


def read_member(path: Path, archive: ZipFile, member: ZipInfo) -> bytes:
    """The content of a member. Raises InputError when it cannot be decompressed, BadZipFile when it is damaged."""
    if member.compress_type == ZSTANDARD:
        return _zstandard(path, member)
    try:
        return archive.read(member)
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError(f"{path}: {member.filename} cannot be read ({error}); write the archive anew") from error


def _check(path: Path, members: list[ZipInfo]) -> None:
    """Sizes are those that the directory declares; no reader yields more than is declared."""
    for member in members:
        packed = max(member.compress_size, 1)
        if member.file_size > MEMBER_LIMIT or (
            member.file_size > RATIO_FROM and member.file_size > RATIO_LIMIT * packed
        ):
            raise InputError(
                f"{path}: {member.filename} would swell from {packed:,} to {member.file_size:,} bytes; refused. "
                "No result file is packed that tightly"
            )
    total = sum(member.file_size for member in members)
    if total > TOTAL_LIMIT:
        raise InputError(f"{path}: would swell to {total:,} bytes, more than {TOTAL_LIMIT:,}; refused")


def _zstandard(path: Path, member: ZipInfo) -> bytes:
    """By Arrow's codec, since zipfile has none before Python 3.14."""
    import pyarrow as pa

    with path.open("rb") as file:
        file.seek(member.header_offset)
        name, extra = _LOCAL.unpack(file.read(_LOCAL.size))
        file.seek(name + extra, 1)
        packed = file.read(member.compress_size)
    try:
        content = bytes(pa.CompressedInputStream(pa.BufferReader(packed), "zstd").read(member.file_size + 1))
    except (OSError, pa.ArrowException) as error:
        raise BadZipFile(f"{member.filename}: {error}") from error
    if len(content) != member.file_size:
        raise BadZipFile(f"{member.filename}: {len(content)} bytes or more, its directory says {member.file_size}")
    return content

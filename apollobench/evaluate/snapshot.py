"""Many responses in one Parquet file, sorted by question, in groups of rows that are checked one by one.

The footer tells where each group of rows ends and its CRC-32, so that a damaged one costs its own rows only; and which
files the snapshot replaces. The footer's own checksum is in the file's name, and a copy of it lies beside the file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from apollobench.evaluate.place import Place
from apollobench.evaluate.segments import SNAPSHOT, Damage
from apollobench.types import Mode, Response, Status

FOOTER = ".footer"
ROWS = 8192
_MAGIC, _ABOUT = b"PAR1", b"apollobench"
_WORD = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("item", _WORD),
        ("model", _WORD),
        ("mode", _WORD),
        ("status", _WORD),
        ("text", pa.string()),
        ("choice", pa.int64()),
        ("option_logprobs", pa.list_(pa.float64())),
        ("plan", _WORD),
        ("error", pa.string()),
    ]
)


class _Summing(io.RawIOBase):
    """A file that sums what is written to it; `place` and `crc` begin anew at each `cut`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.place = self._crc = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def write(self, data: Any) -> int:
        self._crc = crc32(data, self._crc)
        self.place += memoryview(data).nbytes
        return self._file.write(data)

    def cut(self) -> tuple[int, int]:
        """Where the file ends now, and the CRC-32 of what was written since the last cut."""
        crc, self._crc = self._crc, 0
        return self.place, crc

    def close(self) -> None:
        self._file.close()
        super().close()


def fits(response: Response) -> bool:
    """Whether Parquet can hold it: half a surrogate pair, which JSON can, it cannot."""
    texts = (response.key, response.item, response.model, response.text, response.plan, response.error)
    try:
        "".join(text for text in texts if text is not None).encode()
    except UnicodeEncodeError:
        return False
    return True


def write_snapshot(path: Path, responses: Iterable[Response], replaces: Sequence[str]) -> bytes:
    """Writes `responses`, sorted by question, to a file of this machine; its footer."""
    groups: list[tuple[int, int]] = []
    rest = iter(responses)
    sink = _Summing(path)
    with sink, pq.ParquetWriter(sink, SCHEMA, compression="zstd") as writer:
        sink.cut()
        while rows := list(islice(rest, ROWS)):
            columns = [pa.array([getattr(row, name) for row in rows], SCHEMA.field(name).type) for name in SCHEMA.names]
            writer.write_table(pa.Table.from_arrays(columns, schema=SCHEMA))
            groups.append(sink.cut())
        writer.add_key_value_metadata({_ABOUT: json.dumps({"replaces": list(replaces), "groups": groups})})
    with path.open("rb") as file:
        return footer_of(file)


def snapshot_name(stem: str, footer: bytes) -> str:
    return f"{stem}-{crc32(footer):08x}{SNAPSHOT}"


def replaced_by(place: Place, name: str) -> list[str]:
    """The files that a snapshot took up; none where its footer is lost."""
    metadata = _metadata(place, name)
    return [] if metadata is None else list(_about(metadata)["replaces"])


def read_snapshot(place: Place, name: str, damage: list[Damage]) -> Iterator[Response]:
    """The rows in order; those of groups that are damaged are left out, and told in `damage`."""
    for reader, number in _groups(place, name, damage):
        yield from _rows(reader.read_row_group(number))


def sound(place: Place, name: str) -> bool:
    """Whether every group of rows is as it was written."""
    damage: list[Damage] = []
    for _ in _groups(place, name, damage):
        pass
    return not damage


def _groups(place: Place, name: str, damage: list[Damage]) -> Iterator[tuple[Any, int]]:
    """A reader and the number of each group whose checksum matches."""
    metadata = _metadata(place, name)
    if metadata is None:
        damage.append(Damage(place.path(name), f"its footer is damaged, and {name}{FOOTER} is no copy of it"))
        return
    with place.open(name) as file:
        reader = pq.ParquetFile(file, metadata=metadata)
        begin = len(_MAGIC)
        for number, (end, crc) in enumerate(_about(metadata)["groups"]):
            file.seek(begin)
            if crc32(file.read(end - begin)) == crc:
                yield reader, number
            else:
                rows = metadata.row_group(number).num_rows
                damage.append(Damage(place.path(name), f"group {number}, {rows:,} rows: its checksum does not match"))
            begin = end


def _about(metadata: Any) -> dict[str, Any]:
    return dict(json.loads(metadata.metadata[_ABOUT]))


def _metadata(place: Place, name: str) -> Any:
    """What the footer says; None where neither it nor its copy is whole."""
    with place.open(name) as file:
        footer = footer_of(file)
    if not _is_of(name, footer):
        try:
            with place.open(f"{name}{FOOTER}") as file:
                footer = file.read()
        except FileNotFoundError:
            return None
        if not _is_of(name, footer):
            return None
    return pq.read_metadata(io.BytesIO(_MAGIC + footer))


def _is_of(name: str, footer: bytes) -> bool:
    return name.endswith(f"-{crc32(footer):08x}{SNAPSHOT}")


def footer_of(file: IO[bytes]) -> bytes:
    """The footer, with its length and the mark after it; whatever stands in its place in a file that is damaged."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - 8))
    length = int.from_bytes(file.read(4), "little") + 8
    file.seek(max(0, size - length))
    return file.read()


def _rows(table: Any) -> Iterator[Response]:
    columns = {name: table.column(name).combine_chunks() for name in SCHEMA.names}
    return map(
        Response,
        _texts(columns["key"]),
        _words(columns["item"]),
        _words(columns["model"]),
        _words(columns["mode"], Mode),
        _words(columns["status"], Status),
        _texts(columns["text"]),
        [None if n < 0 else n for n in columns["choice"].fill_null(-1).to_numpy().tolist()],
        _tuples(columns["option_logprobs"]),
        _words(columns["plan"]),
        _texts(columns["error"]),
    )


def _texts(column: Any) -> list[Any]:
    return list(column.to_numpy(zero_copy_only=False))


def _words(column: Any, kind: Callable[[str], Any] = str) -> list[Any]:
    """The values of a column that repeats few; equal ones are one object."""
    words = [*map(kind, column.dictionary.to_pylist()), None]
    return [words[index] for index in column.indices.fill_null(-1).to_numpy().tolist()]


def _tuples(column: Any) -> list[tuple[float, ...] | None]:
    values = iter(column.flatten().to_numpy().tolist())
    lengths = column.value_lengths().fill_null(-1).to_numpy().tolist()
    return [None if length < 0 else tuple(islice(values, length)) for length in lengths]

"""Hostile variants of a real file: bytes are damaged, and where its format is known, what it says is changed as well.

A mutation is a function from a source of chance and a file's content to another content. The same seed makes the same
one on every machine.
"""

from __future__ import annotations

import copy
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

Mutation = Callable[[Random, bytes], bytes]

LONE = "\ud800"  # half of a pair: JSON can say it, UTF-8 cannot
TEXTS = ("", " ", "\0", LONE, "é" * 300, "a" * 70_000, "../../../../tmp/escaped", "/etc/passwd", "=1+1", "{{7*7}}",
         "\r\n", "\u2028", "-1", "NaN", "1e999", "9" * 5000, "null", "True", "%s%n", "${HOME}", "<script>", "C:\\x",
         "file\nname", "\u0661", "\u00b2")  # fmt: skip
NUMBERS = (0, -1, 1, 2, 127, 128, 2**31, 2**32, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400, 0.5, -0.0, 1e308, 1e-308,
           float("nan"), float("inf"), float("-inf"))  # fmt: skip
YAML_TEXTS = (
    "2001-99-99", "!!int x", "!!timestamp x", "!!bool x", "!!float x", "!!binary x", "!!python/object:os.system x",
    "&a [*a]", "*nowhere", "? [a, b]\n: c", "<<: x", "0b", "0x", "0o", "1:61", "!!set {a}", "!!omap [a]",
    "!!null x", "!<tag:yaml.org,2002:int> _", "!!str [a]", "{? {a: b} : c}", "'\\ud800'", '"\\ud800"', "=",
    "%TAG ! x", "1_0.e+5", "!!pairs [a]", "!!python/name:os.system", "12e03", ".inf", "685_230.15", "[" * 3000,
    "{a: " * 2000,
)  # fmt: skip


def bytewise(random: Random, content: bytes) -> bytes:
    """One to eight changes at random places: a bit, a byte, a 32-bit number, a piece lost, doubled or moved."""
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 4, 8))):
        if not changed:
            return random.randbytes(8)
        at = random.randrange(len(changed))
        length = random.choice((1, 2, 4, 16, 256))
        match random.randrange(8):
            case 0:
                changed[at] ^= 1 << random.randrange(8)
            case 1:
                changed[at] = random.choice((0, 255, 127, 128, 10, 34, random.randrange(256)))
            case 2:
                number = random.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1, len(content), random.getrandbits(32)))
                changed[at : at + 4] = struct.pack(random.choice("<>") + "I", number)
            case 3:
                del changed[at : at + length]
            case 4:
                changed[at:at] = changed[at : at + length] * random.choice((1, 1, 2, 50))
            case 5:
                changed[at:at] = random.randbytes(length)
            case 6:
                other = random.randrange(len(changed))
                changed[at : at + length] = changed[other : other + length]
            case _:
                del changed[at:]
    return bytes(changed)


def value(random: Random, depth: int = 0) -> Any:
    """Any JSON value, mostly one that nobody expects; a lone surrogate, a huge number, deep nesting now and then."""
    match random.randrange(10):
        case 0 | 1 | 2:
            return random.choice(TEXTS)
        case 3 | 4 | 5:
            return random.choice(NUMBERS)
        case 6:
            return random.choice((None, True, False))
        case 7 if depth < 3:
            return [value(random, depth + 1) for _ in range(random.randrange(4))]
        case 8 if depth < 3:
            return {
                random.choice((*TEXTS[:6], "id", "name")): value(random, depth + 1) for _ in range(random.randrange(3))
            }
    nested: Any = random.choice(({}, [], "x"))
    for _ in range(random.choice((2, 50))):
        nested = [nested] if random.random() < 0.5 else {"a": nested}
    return nested


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside a tree of dicts and lists."""
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [found for key, child in inside for found in ((*path, key), *places(child, (*path, key)))]


def treewise(random: Random, tree: Any) -> Any:
    """A copy in which a few values are replaced, dropped, doubled, renamed, or exchanged for others of its own."""
    tree = copy.deepcopy(tree)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        ways = places(tree)
        if not ways or random.random() < 0.01:
            return value(random)
        *way, last = random.choice(ways)
        home = tree
        for step in way:
            home = home[step]
        match random.randrange(8):
            case 0:
                del home[last]
            case 1:
                other = tree
                for step in random.choice(ways):
                    other = other[step]
                home[last] = copy.deepcopy(other)
            case 2 if isinstance(home, list):
                home.insert(last, copy.deepcopy(home[last]))
            case 2:
                home[str(value(random))[:90]] = home.pop(last)
            case 3 if isinstance(home[last], str):
                home[last] = random.choice(
                    (home[last] + "x", home[last][1:], home[last].upper(), home[last] * 2, [home[last]])
                )
            case 3 if isinstance(home[last], int | float):
                home[last] = random.choice(
                    (-home[last], home[last] + 1, home[last] * 1000, str(home[last]), home[last] // 3)
                )
            case _:
                home[last] = value(random)
    return tree


def as_json(tree: Any) -> bytes:
    return json.dumps(tree).encode("ascii")


def jsonwise(random: Random, content: bytes) -> bytes:
    try:
        changed = as_json(treewise(random, json.loads(content)))
    except RecursionError:  # an earlier change has made it too deep for us, too
        return bytewise(random, content)
    if random.random() < 0.03:
        depth = random.choice((500, 5000, 100_000))
        changed = changed.replace(b'""', random.choice((b"[" * depth + b"]" * depth, b"9" * depth)), 1)
    return changed


def lineswise(random: Random, content: bytes) -> bytes:
    """One to three lines of JSON Lines changed, doubled or exchanged."""
    lines = content.splitlines()
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(lines))
        match random.randrange(6):
            case 0:
                lines.insert(at, lines[random.randrange(len(lines))])
            case 1:
                lines[at] = bytewise(random, lines[at])
            case _:
                lines[at] = jsonwise(random, json.dumps(_parsed(lines[at])).encode())
    return b"\n".join(lines) + random.choice((b"\n", b"\n", b"", b"\n\n\xff\n"))


def _parsed(line: bytes) -> Any:
    """The line's value, or its text once it is no JSON any more."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return {"line": line.decode("latin-1")[:500]}


def yamlwise(random: Random, content: bytes) -> bytes:
    """The tree changed and written anew, or one value of the text exchanged for YAML that parsers stumble over."""
    if random.random() < 0.5:
        tree = treewise(random, yaml.safe_load(content.replace(b"!function ", b"")))
        return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")
    lines = content.decode().splitlines()
    at = random.randrange(len(lines))
    key, colon, _ = lines[at].partition(":")
    lines[at] = f"{key}{colon} {random.choice(YAML_TEXTS)}" if random.random() < 0.8 else random.choice(YAML_TEXTS)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def tablewise(random: Random, content: bytes) -> bytes:
    """A cell, a row or a column of a table in CSV or TSV."""
    lines = content.decode().split("\n")
    sign = "\t" if "\t" in lines[0] else ","
    at = random.randrange(len(lines)) if random.random() < 0.8 else 0
    cells = lines[at].split(sign)
    place = random.randrange(len(cells))
    match random.randrange(7):
        case 0:
            del cells[place]
        case 1:
            cells.insert(place, cells[place])
        case 2:
            cells[place] = '"' + cells[place]
        case 3:
            lines.insert(at, lines[at])
        case _:
            cells[place] = random.choice((str(value(random))[:99_000], *TEXTS))
    lines[at] = sign.join(cells)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def parquetwise(random: Random, content: bytes) -> bytes:
    """Rows with other values and types, written as a sound file."""
    rows = pq.read_table(io.BytesIO(content)).to_pylist()
    try:
        return _parquet(treewise(random, rows))
    except (pa.ArrowException, OverflowError, TypeError, ValueError, AttributeError, LookupError):
        name = random.choice(list(rows[0]))  # not a table: one column of another type instead
        other = random.choice((7, "x", None, 0.5, [1], True))
        return _parquet([{**row, name: other} for row in rows])


def _parquet(rows: Any) -> bytes:
    written = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), written)
    return written.getvalue()


def zipwise(random: Random, content: bytes) -> bytes:
    """One member of an archive changed by what fits its name; the archive is sound."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    name = random.choice(list(members))
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, inside in members.items():
            archive.writestr(member, mutate(random, member, inside) if member == name else inside)
    return written.getvalue()


def safetensorswise(random: Random, content: bytes) -> bytes:
    """The header's tree, or the length that it is said to have."""
    (length,) = struct.unpack("<Q", content[:8])
    header, tensors = content[8 : 8 + length], content[8 + length :]
    if random.random() < 0.3:
        told = random.choice((0, 1, length - 1, length + 1, 2**31, 2**63, 2**64 - 1, 100_000_001))
        return struct.pack("<Q", told) + header + tensors
    changed = jsonwise(random, header)
    return struct.pack("<Q", len(changed)) + changed + tensors


def boxwise(random: Random, content: bytes) -> bytes:
    """Fields of 32 bits and boxes inside `moov`, where an MP4 file says what it holds; else any bytes."""
    start = content.find(b"moov")
    if start < 0 or random.random() < 0.3:
        return bytewise(random, content)
    changed = bytearray(content)
    end = start - 4 + int.from_bytes(content[start - 4 : start], "big")
    for _ in range(random.choice((1, 1, 2, 6))):
        at = start + 4 * random.randrange(max(1, (min(end, len(changed)) - start) // 4))
        match random.randrange(3):
            case 0:
                number = random.choice((0, 1, 2, 2**31 - 1, 2**31, 2**32 - 1, random.getrandbits(32), 65536))
                changed[at : at + 4] = struct.pack(">I", number)
            case 1:
                changed[at : at + 4] = random.choice(
                    (b"moov", b"trak", b"stts", b"elst", b"stsd", b"avc1", b"free", b"ctts")
                )
            case _:
                changed[at] ^= 1 << random.randrange(8)
    return bytes(changed)


def gzipwise(random: Random, content: bytes) -> bytes:
    """What is inside, changed and packed again; else its bytes."""
    inside = zlib.decompress(content, 31)
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(bytewise(random, inside)) + packer.flush()


def textwise(random: Random, content: bytes) -> bytes:
    """Pieces of a text repeated, exchanged, and joined with what confuses readers."""
    words = content.decode().split(" ")
    for _ in range(random.choice((1, 2, 5))):
        at = random.randrange(len(words))
        match random.randrange(4):
            case 0:
                words[at : at + 1] = [words[at]] * random.choice((2, 50, 400))
            case 1:
                words[at] = random.choice(TEXTS)
            case 2:
                words[at] = random.choice(
                    ("(", "A", "B.", "**", "\\boxed{", "<think>", "answer:", "not", "\n", "</answer>", "I'd")
                )
            case _:
                random.shuffle(words)
    return " ".join(words).encode("utf-8", "surrogatepass")


BY_SUFFIX: dict[str, Mutation] = {
    "json": jsonwise,
    "jsonl": lineswise,
    "yaml": yamlwise,
    "csv": tablewise,
    "tsv": tablewise,
    "parquet": parquetwise,
    "zip": zipwise,
    "xlsx": zipwise,
    "eval": zipwise,
    "safetensors": safetensorswise,
    "mp4": boxwise,
    "gz": gzipwise,
    "txt": textwise,
}


def mutate(random: Random, name: str, content: bytes) -> bytes:
    """A hostile variant of the file `name`: three in four by its format, the others by bytes."""
    known = BY_SUFFIX.get(name.rpartition(".")[2], bytewise)
    return (known if random.random() < 0.75 else bytewise)(random, content)

"""Logs as Inspect writes them: .eval archives (also by Zstandard) and .json."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from apollobench.errors import InputError
from apollobench.imports.archive import ZSTANDARD
from apollobench.types import Item, Status

from .conftest import Import

HEADER = {"version": 2, "status": "success", "eval": {"task": "videomme", "model": "openai/gpt-4o", "dataset": {}}}


def sample(number: int, item: Item, reply: str | None, epoch: int = 1, **more: Any) -> dict[str, Any]:
    letter = "ABCD"[item.answer]
    content = [{"type": "text", "text": item.question}, {"type": "video", "video": "data:video/mp4;base64,AAAA"}]
    done: dict[str, Any] = {
        "id": number,
        "epoch": epoch,
        "input": [{"role": "user", "content": content}],
        "choices": list(item.options),
        "target": letter,
        "metadata": {"video_id": item.video.path.stem},
        "output": {"model": "gpt-4o", "choices": [{"message": {"role": "assistant", "content": reply}}]},
        "scores": {"choice": {"value": "C" if reply == f"ANSWER: {letter}" else "I", "answer": (reply or "")[-1:]}},
        "events": [],
    }
    return done | more


def eval_file(path: Path, samples: list[dict[str, Any]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("_journal/start.json", json.dumps({"version": 2, "eval": HEADER["eval"]}))
        for one in samples:
            archive.writestr(f"samples/{one['id']}_epoch_{one['epoch']}.json", json.dumps(one))
        archive.writestr("header.json", json.dumps(HEADER))
    return path


def json_file(path: Path, samples: list[dict[str, Any]]) -> Path:
    path.write_text(json.dumps({**HEADER, "samples": samples}, indent=2))
    return path


def zstandard_file(path: Path, samples: list[dict[str, Any]]) -> Path:
    """The same archive with members of method 93, which zipfile cannot write before Python 3.14."""
    with zipfile.ZipFile(path, "w") as archive:
        names = {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in samples}
        for name, value in {"header.json": HEADER, **names}.items():
            content = json.dumps(value).encode()
            sink = pa.BufferOutputStream()
            with pa.CompressedOutputStream(sink, "zstd") as stream:
                stream.write(content)
            archive.writestr(name, sink.getvalue().to_pybytes())
            member = archive.getinfo(name)
            member.compress_type, member.file_size, member.CRC = ZSTANDARD, len(content), zlib.crc32(content)
    return path


@pytest.mark.parametrize("write", [eval_file, json_file, zstandard_file])
def test_samples_are_read(items: list[Item], run: Import, tmp_path: Path, write: Any) -> None:
    replies = ["ANSWER: B", "ANSWER: A", "I do not know.", "ANSWER: A", "ANSWER: A"]
    path = write(tmp_path / "log", [sample(n, i, r) for n, (i, r) in enumerate(zip(items, replies, strict=True))])
    made, tally = run(path, model=None)
    assert tally.origin.tool == "inspect"
    assert (tally.rows, tally.matched, tally.lost, tally.rescored) == (5, 5, 0, 0)
    assert made["001-1"].model == "openai/gpt-4o@inspect"
    assert [made[name].choice for name in ("001-1", "001-2", "002-1", "003-1", "003-2")] == [1, 0, None, 0, 0]


def test_the_first_epoch_counts(items: list[Item], run: Import, tmp_path: Path) -> None:
    samples = [sample(10, items[0], f"ANSWER: {letter}", epoch) for epoch, letter in ((2, "A"), (10, "C"), (1, "B"))]
    made, tally = run(eval_file(tmp_path / "log.eval", samples))
    assert made["001-1"].choice == 1
    assert (tally.matched, tally.repeated, tally.conflicting) == (1, 2, 2)


def test_a_sample_that_failed_is_an_error(items: list[Item], run: Import, tmp_path: Path) -> None:
    failed = sample(0, items[0], None, error={"message": "rate limit", "traceback": "..."}, scores=None)
    made, _ = run(eval_file(tmp_path / "log.eval", [failed]))
    assert (made["001-1"].status, made["001-1"].error) == (Status.ERROR, "rate limit")


def test_a_numeric_id_is_a_position(items: list[Item], run: Import, tmp_path: Path) -> None:
    numbered = [Item("s/0", "Another question?", ("x", "y"), 0, items[0].video)]
    _, tally = run(eval_file(tmp_path / "log.eval", [sample(0, items[0], "ANSWER: B")]), pool=numbered)
    assert tally.matched == 0


def test_a_member_that_is_no_sample_is_named(items: list[Item], run: Import, tmp_path: Path) -> None:
    path = eval_file(tmp_path / "log.eval", [sample(0, items[0], "ANSWER: B")])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("samples/1_epoch_1.json", "[" * 100_000)
    with pytest.raises(InputError, match=r"samples/1_epoch_1\.json: JSON that is nested too deeply"):
        run(path)


def test_a_bomb_is_refused(items: list[Item], run: Import, tmp_path: Path) -> None:
    path = eval_file(tmp_path / "log.eval", [sample(0, items[0], "ANSWER: B")])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("samples/1_epoch_1.json", b"0" * (64 << 20))
    with pytest.raises(InputError, match=r"samples/1_epoch_1\.json would swell from"):
        run(path)


def test_a_zstandard_member_that_swells_beyond_its_word_is_refused(
    items: list[Item], run: Import, tmp_path: Path
) -> None:
    path = zstandard_file(tmp_path / "log.eval", [sample(0, items[0], "ANSWER: B")])
    packed = path.read_bytes()
    size = len(json.dumps(HEADER)).to_bytes(4, "little")
    where = packed.index(b"PK\x01\x02")
    assert packed[where + 24 : where + 28] == size
    path.write_bytes(packed[: where + 24] + (10).to_bytes(4, "little") + packed[where + 28 :])
    with pytest.raises(InputError, match=r"damaged ZIP file \(header.json: 11 bytes or more, its directory says 10\)"):
        run(path)


def test_a_truncated_archive_is_bad_input(items: list[Item], run: Import, tmp_path: Path) -> None:
    path = eval_file(tmp_path / "log.eval", [sample(0, items[0], "ANSWER: B")])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match="damaged ZIP file"):
        run(path)


def test_a_header_alone_is_told(run: Import, tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(json.dumps(HEADER))
    with pytest.raises(InputError, match="has no list of samples"):
        run(tmp_path / "log.json")

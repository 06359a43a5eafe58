"""Which format a file is in, and what is said of one that is in none."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from apollobench import jsonfile
from apollobench.errors import InputError
from apollobench.imports.formats import FORMATS, find_format

from .conftest import Import


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('{"doc_id": 0, "filtered_resps": "A", "target": "B"}\n{"doc_id": 1}\n', "lmms-eval"),
        ('{"video_path": "a.mp4", "prompt": "?", "pred": "B"}\n', "json"),
        ('[\n  {"question_id": "1", "option": "A"}\n]', "json"),
        ('{\n  "version": 2,\n  "status": "success",\n  "eval": {"model": "m"},\n  "samples": []}', "inspect"),
        ("model,item,correct\n", "csv"),
        ("question_id,model,answer\n", "csv"),
        ("item_id,a,b\n", "matrix"),
        ("index\tquestion\tA\tB\tanswer\tprediction\n", "vlmevalkit"),
        ("index,question,answer,prediction\n", "vlmevalkit"),
    ],
)
def test_told_by_content_and_not_by_name(tmp_path: Path, text: str, name: str) -> None:
    (tmp_path / "file.dat").write_text(text)
    assert find_format(tmp_path / "file.dat", None) == name


def test_a_name_forces_a_format(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("item_id,a,b\n")
    assert find_format(tmp_path / "a.csv", "csv") == "csv"
    with pytest.raises(InputError, match=f"unknown format 'excel'; valid: {', '.join(FORMATS)}"):
        find_format(tmp_path / "a.csv", "excel")


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_a_forced_format_that_is_wrong_is_bad_input(tmp_path: Path, run: Import, form: str) -> None:
    (tmp_path / "a.txt").write_text("one,two\n1,2\n")
    with pytest.raises(InputError, match=r"a\.txt"):
        run(tmp_path / "a.txt", form=form)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02", "not text"),
        (b"one,two\n1,2\n", r"fits no format \(columns one, two\)\. lmms-eval: samples JSONL"),
        (b"PK\x03\x04garbage", "damaged ZIP file"),
    ],
)
def test_what_fits_no_format_is_told_all_of_them(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(InputError, match=why):
        find_format(tmp_path / "a", None)
    with pytest.raises(InputError, match="no such file"):
        find_format(tmp_path / "b", None)


@pytest.mark.parametrize("depth", [900, 980, 100_000])
@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("lmms-eval", '{"doc_id": 0, "filtered_resps": %s}'),
        ("json", '{"question_id": "001-1", "response": "B", "options": %s, "mode": %s}'),
        ("inspect", '{"version": 2, "eval": {"model": "m"}, "samples": [{"input": %s, "choices": %s, "output": {}}]}'),
    ],
)
def test_deep_nesting_is_survived(tmp_path: Path, run: Import, form: str, text: str, depth: int) -> None:
    """Whatever the parser still takes must not overflow what reads its values."""
    for opening, closing in (('{"a":', "}"), ("[", "]")):
        (tmp_path / "a").write_text(text.replace("%s", opening * depth + "1" + closing * depth))
        made: object = None
        with contextlib.suppress(InputError):
            made, _ = run(tmp_path / "a", form=form)
        assert not made


def test_sizes_are_bounded(tmp_path: Path, run: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonfile, "LINE_LIMIT", 1000)
    (tmp_path / "a.jsonl").write_text('{"question_id": "001-1", "response": "B"}\n{"response": "' + "B" * 1000 + '"}\n')
    with pytest.raises(InputError, match=r"line 2: longer than 1,000 bytes"):
        run(tmp_path / "a.jsonl")
    monkeypatch.setattr(jsonfile, "DOCUMENT_LIMIT", 100)
    (tmp_path / "a.json").write_text('[\n{"question_id": "001-1", "response": "' + "B" * 100 + '"}]')
    with pytest.raises(InputError, match=r"one JSON value of 143 bytes, more than 100"):
        run(tmp_path / "a.json")

"""Every kind of malformed row is named with its file, its row and what is wrong; nothing else is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.sources import load_items

from .. import made

GOOD = {
    "video": "v.mp4",
    "duration": 9.5,
    "question": "How many?",
    "candidates": ["1", "2", "3"],
    "answer": "2",
    "question_type": "count",
}


def load(path: Path, **options: Any) -> list[str]:
    return [item.id for item in load_items("mlvu", {"data": str(path), **options}, path.parent)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"question": " "}, "the question is empty"),
        ({"question": None}, "question is None, expected text"),
        ({"candidates": ["2"]}, "1 option, expected 2 to 10"),
        ({"candidates": [str(n) for n in range(11)]}, "11 options, expected 2 to 10"),
        ({"candidates": ["1", "2", ""]}, "option C is empty"),
        ({"candidates": ["1", "2", " 1 "]}, "options A and C are both '1'"),
        ({"candidates": "1, 2"}, "candidates is '1, 2', expected a list of texts"),
        ({"candidates": ["1", "2", None]}, "expected a list of texts"),
        ({"answer": ""}, "the answer is empty"),
        ({"answer": "4"}, "the answer '4' is not among the options '1', '2', '3'"),
        ({"answer": 2.5}, "answer is 2.5, expected text"),
        ({"video": ""}, "video is '', expected text"),
        ({"question_type": 1.5}, "question_type is 1.5, expected text"),
    ],
)
def test_a_defect_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    path = made.write(tmp_path / "4_count.json", [{**GOOD, "question": "Before?"}, {**GOOD, **change}])
    with pytest.raises(InputError) as caught:
        load(path)
    assert "mlvu: 1 of 2 rows are malformed:\n  4_count.json row 1: " in str(caught.value)
    assert expected in str(caught.value)
    assert load(path, skip_malformed=True) == ["mlvu/4_count:0"]


def test_all_are_told_together_and_left_out_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    again = {**GOOD, "candidates": ["3", "2", "1"]}
    rows = [GOOD, {**GOOD, "answer": "9"}, again, {**GOOD, "video": "w.mp4"}, {"video": "v.mp4"}]
    path = made.write(tmp_path / "4_count.json", rows)
    with pytest.raises(InputError) as caught:
        load(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == "mlvu: 3 of 5 rows are malformed:"
    assert lines[1].startswith("  4_count.json row 1: the answer '9' is not among")
    assert lines[2] == "  4_count.json row 2: repeats 4_count.json row 0 (same video, question and options)"
    assert lines[3].startswith("  4_count.json row 4: lacks answer, candidates, duration")
    assert "skip_malformed: true" in lines[4]
    assert capsys.readouterr().err == ""
    assert load(path, skip_malformed=True) == ["mlvu/4_count:0", "mlvu/4_count:3"]
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "note: mlvu: left out 3 of 5 rows as malformed:"
    assert told[1:] == lines[1:4]


def test_the_same_id_twice_is_a_defect(tmp_path: Path) -> None:
    rows = [{**GOOD, "question_id": "Q1"}, {**GOOD, "question_id": "Q1", "question": "And now?"}]
    path = made.write(tmp_path / "test_mcq_gt.json", rows)
    with pytest.raises(InputError, match=r"row 1: its id Q1 is also that of test_mcq_gt.json row 0"):
        load(path, split="test")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"answer": 5}, "the answer is number 5, counted from 0, of 5 options"),
        ({"answer": -1}, "answer is '-1', expected a whole number"),
        ({"answer": "b"}, "answer is 'b', expected a whole number"),
        ({"answer": "9" * 5000}, "answer is '9+', expected a whole number"),
    ],
)
def test_an_answer_that_is_no_place_is_named(tmp_path: Path, change: dict[str, Any], expected: str) -> None:
    path = made.write(tmp_path / "val.csv", [{**made.NEXTQA, **change}])
    with pytest.raises(InputError, match=expected):
        load_items("nextqa", {"data": str(path)}, tmp_path)


@pytest.mark.parametrize("answer", ["E", "c", "CD", "3"])
def test_an_answer_that_is_no_letter_of_an_option_is_named(tmp_path: Path, answer: str) -> None:
    path = made.write(tmp_path / "v.json", [{**made.VIDEOMME, "answer": answer}])
    with pytest.raises(InputError, match=r"v.json row 0: .*answer is"):
        load_items("videomme", {"data": str(path)}, tmp_path)


def test_a_csv_row_of_another_length_is_malformed(tmp_path: Path) -> None:
    path = made.write(tmp_path / "val.csv", [made.NEXTQA])
    with path.open("a") as file:
        file.write("1,2,3\n")
    with pytest.raises(InputError, match=r"val.csv row 1: 3 fields, but the header names 13"):
        load_items("nextqa", {"data": str(path)}, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("v.json", b"[{]", "not JSON"),
        ("v.json", b"{}", "found a dict at the top, expected a list"),
        ("v.json", b'[{"a": 1}]', "no row has the columns of this source; found: a; expected: "),
        ("v.json", b"[]", "no row has the columns of this source; found: none"),
        ("v.json", b"[1]", "no row has the columns"),
        ("v.csv", b"\xff\xfe", "not a CSV file in UTF-8"),
        ("v.csv", b"", "not a CSV file in UTF-8 with a header"),
        ("v.parquet", b"PAR1", "cannot be read as Parquet"),
        ("v.xml", b"<a/>", "a table's name must end in one of .parquet, .json, .jsonl, .csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert expected in str(caught.value)


def test_lines_that_are_no_json_are_rows_that_cannot_be_read(tmp_path: Path) -> None:
    path = made.write(tmp_path / "4_count.jsonl", [GOOD])
    with path.open("a") as file:
        file.write("{\n\n7\n")
    with pytest.raises(InputError) as caught:
        load(path)
    assert "row 1: not JSON" in str(caught.value)
    assert "row 2: found '7', expected names and values" in str(caught.value)

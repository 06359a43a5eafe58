"""Conversation files: both forms are indexed by bytes, and whatever is wrong is told with file and record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.training.recipe import DataFile, Kind
from apollobench.training.records import open_records

from . import lab

ONE = lab.conversation("a", "<image>\nWas ist das? — 東京", "ein Bär", image="a.png")
TWO = lab.conversation("b", "Und das?", "«zwei»", image=["b.png"])


def data(path: Path, kind: Kind = "image") -> DataFile:
    return DataFile(name="pictures", file=str(path), root="/media", kind=kind)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lines.jsonl", f"{json.dumps(ONE, ensure_ascii=False)}\n\n{json.dumps(TWO)}"),
        ("windows.jsonl", f"{json.dumps(ONE, ensure_ascii=False)}\r\n{json.dumps(TWO, ensure_ascii=False)}\r\n"),
        ("array.json", json.dumps([ONE, TWO], ensure_ascii=False)),
        ("indented.json", "\n" + json.dumps([ONE, TWO], indent=2, ensure_ascii=False) + "\n"),
    ],
)
def test_records_are_found_again_byte_by_byte(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    records = open_records(data(tmp_path / name))
    assert len(records) == 2
    second, first = records[1], records[0]
    assert (first.name, second.name) == ("pictures/a", "pictures/b")
    assert first.turns == (("user", "<image>\nWas ist das? — 東京"), ("assistant", "ein Bär"))
    assert second.turns[1] == ("assistant", "«zwei»")
    assert second.media == (Path("/media/b.png"),)
    assert not second.is_video


@pytest.mark.parametrize("key", ["video", "videos"])
def test_videos_may_be_marked_as_images(tmp_path: Path, key: str) -> None:
    lab.write_lines(tmp_path / "v.jsonl", [lab.conversation("v", "<image>\nWhat?", "That.", **{key: "v.mp4"})])
    sample = open_records(data(tmp_path / "v.jsonl", "video"))[0]
    assert sample.is_video
    assert sample.media == (Path("/media/v.mp4"),)


def turn(who: str, value: Any = "x") -> dict[str, Any]:
    return {"from": who, "value": value}


@pytest.mark.parametrize(
    ("record", "kind", "message"),
    [
        ([], "text", r"record 1: expected an object, found list"),
        ({"id": "a"}, "text", r"record 1 \(pictures/a\): conversations must be a list"),
        ({"conversations": [turn("human")]}, "text", "human and gpt in turn"),
        ({"conversations": [turn("gpt"), turn("human")]}, "text", "turn 1 must be {from: human, value: TEXT}"),
        ({"conversations": [turn("human"), turn("gpt", 7)]}, "text", "turn 2 must be {from: gpt, value: TEXT}"),
        (ONE, "text", "has 1 images, which a sample of kind text cannot have"),
        (ONE, "multi_image", "has 1 images"),
        ({**ONE, "image": None}, "image", "has 0 images"),
        ({**ONE, "video": "v.mp4"}, "image", "has 1 videos"),
        ({**ONE, "image": ["a.png", 3]}, "image", "image and images must be a path or a list of paths"),
        (lab.conversation("m", "<image><image>?", "x", image="a.png"), "image", "its text marks 2 .* but it has 1"),
    ],
)
def test_what_is_wrong_in_a_record_is_told(tmp_path: Path, record: Any, kind: Kind, message: str) -> None:
    lab.write_lines(tmp_path / "bad.jsonl", [record])
    with pytest.raises(InputError, match=message) as caught:
        open_records(data(tmp_path / "bad.jsonl", kind))
    assert str(tmp_path / "bad.jsonl") in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("torn.jsonl", json.dumps(ONE) + '\n{"id": ', "line 2"),
        ("torn.json", json.dumps([ONE, TWO])[:-3], "Expecting"),
        ("open.json", json.dumps([ONE, TWO])[:-1], "expected ','"),
        ("object.json", json.dumps(ONE), "it must be a JSON array, or end in .jsonl"),
        ("empty.json", "[]", "no conversations"),
        ("empty.jsonl", "\n", "no conversations"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        open_records(data(tmp_path / name))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.json: cannot be read .* the file of data pictures"):
        open_records(data(tmp_path / "none.json"))

"""Subtitles become the item's context: one format for all, cut to what the video shows, and part of the prompt."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.evaluate.prompt import build_prompt
from apollobench.sources import load_items
from apollobench.types import Item, Video, digest

from .. import made

SRT = """\ufeff1
00:00:05,500 --> 00:00:07,000
<font color="white" size=".72c">Two candles</font>

2
00:01:02,000 --> 01:00:00,000
are burning,
now.

3
01:00:01,000 --> 01:00:02,000

"""
HEADER = "Subtitles of the video, each with the time at which it begins:"


def videomme(tmp_path: Path, *rows: dict[str, Any]) -> list[Item]:
    made.write(tmp_path / "videomme" / "videomme.json", rows or [made.VIDEOMME])
    return load_items("videomme", {"subtitles": True}, tmp_path)


def subtitle(tmp_path: Path, folder: str, name: str, text: str) -> None:
    path = tmp_path / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_videomme_reads_srt(tmp_path: Path) -> None:
    subtitle(tmp_path, "videomme/subtitle", f"{made.VIDEOMME['videoID']}.srt", SRT)
    silent = {**made.VIDEOMME, "videoID": "silent", "question_id": "2"}
    item, other = videomme(tmp_path, made.VIDEOMME, silent)
    assert item.context == f"{HEADER}\n[0:05] Two candles\n[1:02] are burning, now."
    assert other.context == ""
    assert build_prompt(item).startswith(f"{item.context}\n\nHow many candles burn?\nA. One.\n")
    plain = load_items("videomme", {}, tmp_path)
    assert [each.context for each in plain] == ["", ""]
    assert build_prompt(plain[0]) == build_prompt(item).removeprefix(f"{item.context}\n\n")


def test_without_any_file_they_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1 of 1 files of subtitles are not in .*videomme/subtitle, such as fFj.*srt"):
        videomme(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"), [("1\nno time\ntext", "block 1: found '1'"), ("1\nsoon --> later\ntext", "the time 'soon '")]
)
def test_a_file_that_is_no_srt_is_named(tmp_path: Path, text: str, expected: str) -> None:
    subtitle(tmp_path, "videomme/subtitle", f"{made.VIDEOMME['videoID']}.srt", text)
    with pytest.raises(InputError, match=expected):
        videomme(tmp_path)


@pytest.mark.parametrize(
    "cues",
    [
        [{"start": f"00:0{m}:10", "end": f"00:0{m}:11.5", "line": f"minute {m}"} for m in range(3)],
        [{"timestamp": [60 * m + 10.0, None], "text": f"minute {m}"} for m in range(3)],
    ],
)
def test_longvideobench_cuts_them_to_the_video(tmp_path: Path, cues: list[dict[str, Any]]) -> None:
    made.write(tmp_path / "longvideobench" / "validation-00000-of-00001.parquet", [made.LONGVIDEOBENCH])
    with pytest.raises(InputError, match=r"such as 86CxyhFV9MI_en.json; unpack them there"):
        load_items("longvideobench", {"subtitles": True}, tmp_path)
    subtitle(tmp_path, "datasets/longvideobench/subtitles", "86CxyhFV9MI_en.json", json.dumps(cues))
    (item,) = load_items("longvideobench", {"subtitles": True}, tmp_path)
    assert item.context == f"{HEADER}\n[0:10] minute 1"
    subtitle(tmp_path, "datasets/longvideobench/subtitles", "86CxyhFV9MI_en.json", '[{"begin": 1}]')
    with pytest.raises(InputError, match=r"cue 0: found \{'begin': 1\}, expected start and line"):
        load_items("longvideobench", {"subtitles": True}, tmp_path)


def test_they_change_an_items_fingerprint_and_their_absence_does_not() -> None:
    item = Item("s/1", "What?", ("a", "b"), 0, Video("v", Path("/v.mp4")))
    assert item.fingerprint == digest(["s/1", "What?", ["a", "b"], "v"])
    spoken = replace(item, context="Subtitles")
    assert spoken.fingerprint not in (item.fingerprint, replace(item, context="Others").fingerprint)

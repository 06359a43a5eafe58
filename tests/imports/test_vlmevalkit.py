"""Tables as VLMEvalKit writes them, in xlsx and tsv."""

from __future__ import annotations

import csv
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.types import Item, Status

from .conftest import Import

VIDEO_COLUMNS = ["index", "video", "video_path", "duration", "candidates", "question", "answer", "prediction", "score"]
IMAGE_COLUMNS = ["index", "question", "A", "B", "C", "D", "answer", "prediction", "hit"]


def video_rows(items: list[Item], replies: list[Any]) -> list[list[Any]]:
    """As for Video-MME: candidates in one cell, with their letters; index counts the rows."""
    rows: list[list[Any]] = [VIDEO_COLUMNS]
    for index, (item, reply) in enumerate(zip(items, replies, strict=True)):
        stem, answer = item.video.path.stem, "ABCD"[item.answer]
        options = str([f"{letter}. {option}" for letter, option in zip("ABCD", item.options, strict=False)])
        score = int(str(reply).startswith(answer))
        rows.append([index, stem, f"./video/{stem}.mp4", "short", options, item.question, answer, reply, score])
    return rows


def image_rows(items: list[Item], replies: list[Any]) -> list[list[Any]]:
    rows: list[list[Any]] = [IMAGE_COLUMNS]
    for index, (item, reply) in enumerate(zip(items, replies, strict=True)):
        options = [*item.options, None, None][:4]
        rows.append([index, item.question, *options, "ABCD"[item.answer], reply, None])
    return rows


def xlsx(path: Path, rows: list[list[Any]]) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def tsv(path: Path, rows: list[list[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows(rows)
    return path


@pytest.mark.parametrize("write", [xlsx, tsv])
def test_video_tables(items: list[Item], run: Import, tmp_path: Path, write: Any) -> None:
    replies = ["B", "C.", None, "A. Left to right.", "Right to left"]
    made, tally = run(write(tmp_path / "m_Video-MME", video_rows(items, replies)))
    assert tally.origin.tool == "vlmevalkit"
    assert (tally.rows, tally.matched, tally.blank, tally.lost) == (5, 4, 1, 0)
    assert {name: response.choice for name, response in made.items()} == {
        "001-1": 1,
        "001-2": 2,
        "003-1": 0,
        "003-2": 1,
    }


def test_option_columns_and_numbers_in_cells(items: list[Item], run: Import, tmp_path: Path) -> None:
    rows = image_rows(items[:3], ["B", 3, "Failed to obtain answer via API. "])
    made, tally = run(xlsx(tmp_path / "m.xlsx", rows))
    assert tally.matched == 3
    assert made["001-2"].choice == 2  # the number 3 is the third option's text, not its index
    assert made["002-1"].status is Status.ERROR


def test_permuted_columns_keep_the_choice_and_not_the_letter(items: list[Item], run: Import, tmp_path: Path) -> None:
    rows = [IMAGE_COLUMNS, [0, items[0].question, "Black", "Green", "Blue", "Red", "C", "C", 1]]
    made, tally = run(tsv(tmp_path / "m.tsv", rows))
    assert (made["001-1"].choice, made["001-1"].text) == (1, None)
    assert (tally.rescored, tally.key_differs) == (0, 0)


def test_the_index_is_no_id(items: list[Item], run: Import, tmp_path: Path) -> None:
    numbered = [Item("s/0", "Another question?", ("x", "y"), 0, items[0].video)]
    _, tally = run(tsv(tmp_path / "m.tsv", image_rows(items[:1], ["B"])), pool=numbered)
    assert tally.unmatched.keys() == {"no item has its id or its question"}


def test_rows_of_the_wrong_length_are_named(items: list[Item], run: Import, tmp_path: Path) -> None:
    path = tsv(tmp_path / "m.tsv", [*image_rows(items[:2], ["A", "B"]), ["9", "short row"]])
    with pytest.raises(InputError, match=r"m\.tsv, line 4: 2 cells, the header has 9"):
        run(path)


def test_without_openpyxl_it_says_what_to_install(
    items: list[Item], run: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = xlsx(tmp_path / "m.xlsx", image_rows(items[:1], ["A"]))
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(InputError, match=r"pip install 'apollobench\[xlsx\]'"):
        run(path)


def test_a_broken_workbook_is_bad_input(run: Import, tmp_path: Path) -> None:
    pytest.importorskip("openpyxl")
    with zipfile.ZipFile(tmp_path / "m.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook>")
    with pytest.raises(InputError, match="not a workbook that can be read"):
        run(tmp_path / "m.xlsx")


def test_a_workbook_that_swells_is_refused(run: Import, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/sharedStrings.xml", b" " * (64 << 20))
    with pytest.raises(InputError, match=r"sharedStrings\.xml would swell"):
        run(tmp_path / "m.xlsx")

"""Plain CSV, one answer a row, and matrices of scores, one model a column."""

from __future__ import annotations

from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.imports.collect import collect
from apollobench.imports.match import Matcher
from apollobench.types import Item, Mode, Status

from .conftest import Import


def test_answers_choices_and_scores(items: list[Item], run: Import, tmp_path: Path) -> None:
    for name, cells in {"answer": ("blue", "4"), "choice": ("1", "3"), "correct": ("1", "0")}.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(f"\ufeffmodel,item,{name}\nfirst,001-1,{cells[0]}\nfirst,videomme/001-2,{cells[1]}\nx,001-2,\n")
        made, tally = run(path)
        assert (tally.origin.tool, tally.rows, tally.matched, tally.blank) == ("csv", 3, 2, 1)
        assert made["001-1"].model == "first@csv"
        assert made["001-1"].choice == 1
        assert made["001-2"].choice == (None if name == "correct" else 3)
    assert made["001-2"].status is Status.WRONG
    assert made["001-2"].text is None


def test_modes_and_models_stand_in_rows(items: list[Item], tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("model,item,answer,mode\na,001-1,B,text\na,001-1,A,video\nb,001-1,B,\na,001-1,A,video\n")
    made, (tally,) = collect([path], Matcher(items), form=None, model=None, mode=Mode.FRAME)
    assert [(r.model, r.mode, r.choice) for r in made] == [
        ("a@csv", Mode.TEXT, 1),
        ("a@csv", Mode.VIDEO, 0),
        ("b@csv", Mode.FRAME, 1),
    ]
    assert (tally.repeated, tally.conflicting) == (1, 0)
    assert tally.modes == {Mode.TEXT: 1, Mode.VIDEO: 1, Mode.FRAME: 1}


def test_malformed_rows_are_all_named(run: Import, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(
        "model,item,correct,mode\na,001-1,1,video\na,001-1,maybe,video\na,001-2,1,smell\na,001-2\n"
        + "a,001-1,x,text\n" * 30
    )
    with pytest.raises(InputError) as raised:
        run(path)
    text = str(raised.value)
    assert "33 malformed rows" in text
    assert f"{path}, line 3: correct is 'maybe', expected 0 or 1" in text
    assert f"{path}, line 4: mode is 'smell', expected one of text, frame, video, shuffled" in text
    assert f"{path}, line 5: 2 cells, the header has 4" in text
    assert "and 13 more" in text
    (tmp_path / "index.csv").write_text("model,item,choice\na,001-1,B\na,001-1,-1\n")
    with pytest.raises(InputError, match=r"line 2: choice is 'B', expected the index of an option, from 0"):
        run(tmp_path / "index.csv")


def test_lines_are_counted_through_cells_of_several_lines(run: Import, tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text('model,item,answer,note\na,001-1,B,"two\nlines"\na,001-2\n')
    with pytest.raises(InputError, match=r"m\.csv, line 4: 2 cells"):
        run(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"model,item,answer\na,001-1,\xff\xfe\n", "not UTF-8 at byte"),
        (b"model,item,answer,answer\na,001-1,B,B\n", "column 'answer' occurs more than once"),
        (b'model,item,answer\na,001-1,"B\n', "line 2: not a row of a table"),
    ],
)
def test_what_is_no_table_is_bad_input(run: Import, tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "m.csv").write_bytes(content)
    with pytest.raises(InputError, match=why):
        run(tmp_path / "m.csv")


def test_a_matrix_gives_every_model_its_scores(items: list[Item], tmp_path: Path) -> None:
    path = tmp_path / "correct.csv"
    path.write_text("item_id,a@8f,b\n001-1,1,0\n001-2,0,\n999-9,1,1\n")
    made, (tally,) = collect([path], Matcher(items), form=None, model=None, mode=Mode.VIDEO)
    assert tally.origin.tool == "matrix"
    assert [(r.item, r.model, r.status, r.choice) for r in made] == [
        ("videomme/001-1", "a@8f@matrix", Status.OK, 1),
        ("videomme/001-1", "b@matrix", Status.WRONG, None),
        ("videomme/001-2", "a@8f@matrix", Status.WRONG, None),
    ]
    assert (tally.rows, tally.matched, tally.blank, tally.lost) == (6, 3, 1, 2)


def test_a_matrix_holds_nothing_but_scores(run: Import, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("item_id,a,b\n001-1,1,B\n001-2,0,2\n")
    with pytest.raises(InputError, match=r"(?s)line 2: b has 'B', expected 0, 1 or nothing.*line 3: b has '2'"):
        run(tmp_path / "m.csv")

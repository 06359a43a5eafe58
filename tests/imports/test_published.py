"""Tables as people publish them: what is read, what is told, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from apollobench.errors import InputError
from apollobench.imports.published import read_accuracies, read_scores, read_variants

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        (tmp_path / "table.csv").write_text(text)
        return tmp_path / "table.csv"

    return to_file


def test_accuracies_in_percent_with_gaps(write: Write) -> None:
    read = read_accuracies(write("model,benchmark,mode,accuracy\na,x,video,61.5\na,x,image,40\nb,x,video,-\n"))
    assert read.table[["model", "group", "mode", "accuracy"]].to_numpy().tolist() == [
        ["a", "x", "video", 0.615],
        ["a", "x", "frame", 0.4],
    ]
    assert read.notes[0] == "accuracies read as percent: the highest is 61.5"
    assert read.notes[1] == "b has no accuracy in x, video mode"
    assert "no chance or no number of items for x" in read.notes[2]


def test_shares_and_own_chance(write: Write) -> None:
    read = read_accuracies(write("model,group,mode,accuracy,n,chance\na,MLVU,text,0.5,100,0.2\n"))
    assert read.table.iloc[0].tolist() == ["a", "MLVU", "text", 0.5, 100, 0.2]
    assert read.notes == ("accuracies read as shares of 1: the highest is 0.5",)


def test_known_benchmarks_have_their_chance(write: Write) -> None:
    read = read_accuracies(write("model,benchmark,mode,accuracy\na,MLVU,text,30\n"))
    assert read.table[["n", "chance"]].to_numpy().tolist() == [[2175, 0.25]]
    assert "chance and number of items of MLVU" in read.notes[1]


def test_unit_can_be_said(write: Write) -> None:
    path = write("model,group,mode,accuracy\na,x,video,0.4\na,x,text,38\n")
    with pytest.raises(InputError, match=r"0\.4 and 38: percent or share\? Say so with --unit"):
        read_accuracies(path)
    assert read_accuracies(path, "percent").table["accuracy"].tolist() == [0.004, 0.38]
    with pytest.raises(InputError, match="accuracy is 38, expected 0 to 1"):
        read_accuracies(path, "share")
    with pytest.raises(InputError, match="unknown unit 'points'"):
        read_accuracies(path, "points")


def test_equal_rows_count_once_and_unequal_ones_are_refused(write: Write) -> None:
    head = "model,group,mode,accuracy\na,x,video,60\n"
    read = read_accuracies(write(head + "a,x,video,60\n"))
    assert len(read.table) == 1
    assert "a has a row twice with the same figures" in read.notes[0]
    with pytest.raises(InputError, match=r"table\.csv, line 3: a second row for a, x, video: 61, before 60"):
        read_accuracies(write(head + "a,x,video,61\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "model,group,mode,accuracy\na,x,audio,60\n",
            "unknown mode 'audio'; valid: text, frame, video, shuffled, image",
        ),
        ("model,group,mode,accuracy\na,x,video,high\n", "csv, line 2: accuracy is 'high', expected a number"),
        ("model,group,mode,accuracy\na,x,video,inf\n", "accuracy is 'inf'"),
        ("model,group,mode,accuracy\na,x,video,130\n", "accuracy is 1.3, expected 0 to 1"),
        ("model,group,mode,accuracy\n,x,video,60\n", "model is empty"),
        ("model,group,mode,accuracy\na,x,video,-\n", "holds no accuracy"),
        ("model,group,accuracy\na,x,60\n", "no column mode; there are model, group, accuracy"),
        ("model,group,mode,accuracy\na,x,video\n", "3 cells, the header has 4"),
    ],
)
def test_bad_accuracies_name_their_line(write: Write, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_accuracies(write(text))


def test_wide_scores(write: Write) -> None:
    path = write("name,family,x,y,z\na,f,1,2,\nb,,3,-,5\n")
    read = read_scores(path)
    assert read.table.columns.tolist() == ["x", "y", "z"]
    assert read.table.index.tolist() == ["a", "b"]
    np.testing.assert_equal(read.table.to_numpy(), [[1, 2, np.nan], [3, np.nan, 5]])
    assert read.families == ("f", "b")
    assert read_scores(path, columns=["z", "x"]).table.columns.tolist() == ["z", "x"]
    with pytest.raises(InputError, match="no column 'w'; there are x, y"):
        read_scores(path, columns=["x", "y", "w"])


def test_long_scores_of_one_mode(write: Write) -> None:
    path = write("model,benchmark,mode,accuracy\na,x,video,60\na,x,text,30\nb,x,video,50\nb,y,video,40\n")
    np.testing.assert_equal(read_scores(path).table.to_numpy(), [[60, np.nan], [50, 40]])
    assert read_scores(path, "text").table.to_numpy().tolist() == [[30]]
    with pytest.raises(InputError, match="no score of frame mode"):
        read_scores(path, "frame")


def test_a_row_given_twice_is_told_once(write: Write) -> None:
    read = read_scores(write("model,x,y\na,1,2\na,1,2\n"))
    assert read.table.to_numpy().tolist() == [[1, 2]]
    assert read.notes == ("a has a row twice with the same figures; it counts once",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("model,x\na,1\na,2\n", "csv, line 3: a second row for a, x: 2, before 1"),
        ("model,x\na,A+\n", "csv, line 2: x is 'A\\+', expected a number"),
        ("model,x\n,1\n", "csv, line 2: model is empty"),
        ("model,x,x\na,1,2\n", "column 'x' occurs more than once"),
        ("model,x\n", "holds no score"),
    ],
)
def test_bad_scores_name_their_line(write: Write, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_scores(write(text))


def test_variants(write: Write) -> None:
    read = read_variants(write("llm,design_id,data_mixture,average,samples\ns,1,A,40,1000\ns,2,A,,1000\n"))
    assert read.table["samples"].tolist() == [1000]
    assert read.notes == ("s has no average for design 2 A",)
    for text, told in (
        ("llm,design_id,data_mixture\ns,1,A\n", "no column average"),
        ("llm,design_id,average\ns,1,40\ns,1,41\n", "a second row for s, 1: 41, before 40"),
        ("llm,design_id,average,samples\ns,1,40,\n", "samples is empty"),
        ("llm,design_id,average\n", "holds no variant"),
    ):
        with pytest.raises(InputError, match=told):
            read_variants(write(text))


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(InputError, match="no such table"):
        read_scores(Path("nowhere.csv"))

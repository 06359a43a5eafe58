"""The leaderboard ships the paper's figures as they are printed, and lets in only complete results."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.report.leaderboard import COLUMNS, Row, export, measured_row, read_leaderboard
from apollobench.types import CATEGORIES, Answer, Item, Mode, Response, Sampling, Status, Video, digest

SAMPLING = Sampling("uniform", frames=8)
PAPER = "arXiv 2412.10360 Table 4"
OTHER_COLUMNS = {
    "TempCompass_mc": "TempCompass (MC)",
    "MLVU_mavg": "MLVU (M-avg)",
    "PerceptionTest_val": "PerceptionTest (val)",
    "VideoMME_wo_sub": "Video-MME (without subtitles)",
    "VideoMME_w_sub": "Video-MME (with subtitles)",
    "LongVideoBench_val": "LongVideoBench (val)",
}


@dataclass(frozen=True)
class Identity:
    """A model that is only asked who it is."""

    name: str = "apollo-toy"
    revision: str = "0123456789abcdef"
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    modes: frozenset[Mode] = frozenset(Mode)
    sampling: Sampling = SAMPLING

    def answer(self, requests: object) -> list[Answer]:
        raise AssertionError(f"not to be asked {requests}")


@pytest.fixture(scope="module")
def shipped() -> list[Row]:
    return read_leaderboard(content_path("leaderboard", "results.csv"))


@pytest.fixture
def evaluate(tmp_path: Path) -> Callable[..., Path]:
    """Writes a result: 20 items, four per category; `marks`: `1` right, `0` wrong, `e` error, `-` no response."""

    def write(marks: str, size: int = 20, mode: Mode = Mode.VIDEO, name: str = "result") -> Path:
        items, responses = [], []
        for i, mark in enumerate(marks):
            video = Video(f"v{i // 2}", tmp_path / f"v{i // 2}.mp4")
            item = Item(f"toy/{i}", f"question {i}", ("yes", "no"), 0, video, category=CATEGORIES[i % 5])
            items.append(item)
            if mark != "-":
                status = Status.ERROR if mark == "e" else Status.OK
                choice = {"1": 0, "0": 1}.get(mark)
                key = digest([item.id, mode])
                responses.append(Response(key, item.id, "apollo-toy", mode, status, "A", choice, None, None))
        write_results(tmp_path / name, Identity(), items, responses, About("toy", "feedbeef", size))
        return tmp_path / name

    return write


def test_the_paper_s_table_is_shipped_as_printed(shared: Path, shipped: list[Row]) -> None:
    with (shared / "data" / "paper" / "apollo_table4.csv").open() as file:
        printed = list(csv.DictReader(file))
    found = {(row["model"], row["benchmark"]): row for row in shipped if row["source"] == PAPER}
    expected = 0
    for row in printed:
        if row["AB_Overall"] != "-":
            mine = found[row["model"], "ApolloBench"]
            assert mine["overall"] == row["AB_Overall"]
            assert [mine[c] for c in CATEGORIES] == [row[f"AB_{c}"] for c in CATEGORIES]
            expected += 1
        for column, benchmark in OTHER_COLUMNS.items():
            if row[column] != "-":
                assert found[row["model"], benchmark]["overall"] == row[column]
                expected += 1
    assert len(found) == expected


def test_every_shipped_row_is_reported_with_its_source(shipped: list[Row]) -> None:
    assert {row["kind"] for row in shipped} == {"reported"}
    assert all(row["source"].startswith("arXiv 2412.10360") for row in shipped)
    assert sum(row["benchmark"] == "ApolloBench" for row in shipped) == 15


@pytest.mark.parametrize(
    ("model", "benchmark", "figures"),
    [
        ("VILA1.5-3B", "MLVU (M-avg)", {"44.4", "23.3"}),
        ("Apollo-7B", "Video-MME (without subtitles)", {"61.3", "61.2"}),
        ("XComposer-8B", "PerceptionTest (val)", {"34.4", "55.9"}),
    ],
)
def test_contradictions_keep_both_sides(shipped: list[Row], model: str, benchmark: str, figures: set[str]) -> None:
    rows = [row for row in shipped if (row["model"], row["benchmark"]) == (model, benchmark)]
    assert {row["overall"] for row in rows} == figures
    assert len({row["source"] for row in rows}) == 2


def test_a_complete_result_becomes_a_measured_row(evaluate: Callable[..., Path]) -> None:
    row = measured_row(evaluate("1" * 10 + "0" * 5 + "1" * 5))
    assert tuple(row) == COLUMNS
    assert (row["model"], row["kind"], row["benchmark"], row["manifest"]) == (
        "apollo-toy", "measured", "toy", "feedbeef",
    )  # fmt: skip
    assert (row["overall"], row["OCR"], row["n"]) == ("75.0", "75.0", "20")
    assert float(row["ci_low"]) < 75 < float(row["ci_high"])
    assert "weights 0123456789ab" in row["source"]


@pytest.mark.parametrize(
    ("marks", "options", "expected"),
    [
        ("1" * 10, {}, "a partial result, 10 of 20 items"),
        ("1" * 19 + "-", {}, "1 answers missing; it cannot enter"),
        ("1" * 19 + "e", {}, "1 error answers in video mode"),
        ("1" * 20, {"mode": Mode.TEXT}, "no score in video mode"),
    ],
)
def test_an_incomplete_result_is_refused(
    evaluate: Callable[..., Path], marks: str, options: dict[str, Mode], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        export("csv", [evaluate(marks, **options)])


def test_a_folder_without_a_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        export("csv", [tmp_path])


def test_csv_comes_back_as_it_went(evaluate: Callable[..., Path], tmp_path: Path, shipped: list[Row]) -> None:
    text = export("csv", [evaluate("1" * 20)])
    path = tmp_path / "board.csv"
    path.write_text(text)
    rows = read_leaderboard(path)
    assert rows[:-1] == shipped
    assert rows[-1]["kind"] == "measured"
    assert export("csv", []) == content_path("leaderboard", "results.csv").read_text()


def test_markdown_has_a_table_per_benchmark_best_first(evaluate: Callable[..., Path]) -> None:
    text = export("md", [evaluate("1" * 20, name="a"), evaluate("1" * 15 + "0" * 5, name="b")])
    assert "## ApolloBench\n" in text
    board = text.split("## toy (manifest feedbeef)")[1]
    figures = [line.split("|")[8].strip() for line in board.strip().splitlines()[2:]]
    assert figures == ["100.0", "75.0"]
    apollo = text.split("## ApolloBench\n")[1].split("##")[0]
    assert apollo.index("Gemini-1.5-Pro") < apollo.index("GPT-4o") < apollo.index("Apollo-7B")
    assert "ci_low" not in apollo


def test_an_unknown_format_lists_the_valid_ones() -> None:
    with pytest.raises(InputError, match="unknown format 'xlsx'; valid: csv, md"):
        export("xlsx", [])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"kind": "guessed"}, "kind is 'guessed', expected reported or measured"),
        ({"overall": "101"}, "overall is '101', expected a number from 0 to 100"),
        ({"OCR": "n/a"}, "OCR is 'n/a'"),
        ({"ci_low": "nan"}, "ci_low is 'nan'"),
        ({"source": ""}, "source is empty; a reported row needs it"),
        ({"kind": "measured"}, "manifest is empty; a measured row needs it"),
        ({"model": ""}, "model is empty"),
    ],
)
def test_a_mistake_in_the_file_is_named(
    tmp_path: Path, shipped: list[Row], change: dict[str, str], expected: str
) -> None:
    path = tmp_path / "board.csv"
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([shipped[0], {**shipped[1], **change}])
    path.write_text(text.getvalue())
    with pytest.raises(InputError) as caught:
        read_leaderboard(path)
    assert f"{path}:3: {expected}" in str(caught.value)


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    path.write_text("model,score\na,1\n")
    with pytest.raises(InputError, match="the columns must be model, kind, OCR"):
        read_leaderboard(path)
    path.write_text(",".join(COLUMNS) + "\na,reported\n")
    with pytest.raises(InputError, match="16 cells expected"):
        read_leaderboard(path)

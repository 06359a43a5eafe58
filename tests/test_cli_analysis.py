"""audit, redundancy and scaling as a user calls them, on the paper's tables, on items, and on real matrices."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from apollobench.benchmark import Entry, write_benchmark
from apollobench.cli import app
from apollobench.evaluate.store import Store
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, Item, Mode, Response, Status, digest

KNOWN = {Mode.TEXT: 3, Mode.FRAME: 5, Mode.VIDEO: 7}  # tenths of the questions that a model gets right


def run(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 2, done.output
    return done.stderr


@pytest.fixture
def paper(root: Path) -> Path:
    return root / "curation" / "paper"


def test_audit_of_the_paper(paper: Path, tmp_path: Path) -> None:
    report = run("audit", paper / "modes.csv", "--output_path", tmp_path)
    assert "| VMME-L          | video - text  |     10 |    6.3 (3.5 to 9.1) |" in report
    assert "| video = frame | VILA-1.5-3B   | MLVU            | both 23.3%" in report
    assert (tmp_path / "audit.md").read_text().startswith(report)
    summary = {row["group"]: row for row in csv.DictReader(io.StringIO((tmp_path / "summary.csv").read_text()))}
    assert round(100 * float(summary["NExT-QA"]["V-T"]), 2) == 26.02
    assert round(100 * float(summary["VMME-S"]["V-F"]), 2) == 20.70
    assert round(100 * float(summary["TC-YN"]["blind"]), 1) == 2.8
    assert run("audit", paper / "modes.csv", "--format", "csv") == (tmp_path / "summary.csv").read_text()
    findings = list(csv.DictReader(io.StringIO((tmp_path / "findings.csv").read_text())))
    assert len([f for f in findings if (f["rule"], f["model"]) == ("video = frame", "VILA-1.5-8B")]) == 7
    figure = (tmp_path / "audit.svg").read_text()
    order = [figure.index(f">{name}<") for name in ("VMME-L", "LongVideoBench", "TC-YN", "VMME-M", "NExT-QA")]
    assert order == sorted(order)
    again = tmp_path / "again"
    run("audit", paper / "modes.csv", "--output_path", again)
    assert (again / "audit.svg").read_text() == figure


def test_redundancy_of_the_paper(paper: Path, tmp_path: Path) -> None:
    report = run("redundancy", paper / "modes.csv", "--output_path", tmp_path)
    assert "| VMME-L, VMME-M, VMME-S | VMME-S" in report
    pairs = list(csv.DictReader(io.StringIO((tmp_path / "pairs.csv").read_text())))
    assert len(pairs) == 45
    square = list(csv.reader(io.StringIO((tmp_path / "kendall.csv").read_text())))
    assert [len(row) for row in square] == [11] * 11
    assert (tmp_path / "redundancy.svg").read_text().count("<svg") == 1
    assert "45 of 45 pairs" in run("redundancy", paper / "modes.csv", "--mode", "text", "--coefficient", "kendall")
    assert "unknown format" in refused("redundancy", paper / "modes.csv", "--format", "xml")


def test_scaling_of_the_paper(paper: Path, tmp_path: Path) -> None:
    report = run("scaling", paper / "variants.csv", "--items", "988", "--output_path", tmp_path)
    assert "0.938 (" in report
    assert "a = 0.1178 (" in report
    assert "Say how much with --item_correlation" in report
    rows = list(csv.DictReader(io.StringIO((tmp_path / "scaling.csv").read_text())))
    assert [round(float(row["within_agreement"]), 3) for row in rows if "7B" in row["large"]] == [0.540, 0.571, 0.714]
    assert (tmp_path / "scaling.svg").read_text().count("<svg") == 1


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark with recorded answers of six models in three modes: each knows more when there is more to see."""
    place = tmp_path_factory.mktemp("analysis")
    make_world(place / "data", 6, 2_000_000, workers=1, progress=False)
    items = [replace(item, category=CATEGORIES[n % 2]) for n, item in enumerate(read_world(place / "data"))]
    folder = place / "benchmark"
    write_benchmark(folder, [Entry(item) for item in items], [], {"name": "toy"}, "# toy\n")
    with Store(folder / "responses") as store:
        store.append(
            [answer(f"m{m}", 3 * m, mode, n, item) for m in range(5) for mode in KNOWN for n, item in enumerate(items)]
        )
    with Store(place / "imported" / "responses") as store:
        store.append([answer("late@csv", 1, mode, n, item) for mode in KNOWN for n, item in enumerate(items)])
    return folder


def answer(model: str, shift: int, mode: Mode, number: int, item: Item) -> Response:
    right = (7 * number + shift) % 10 < KNOWN[mode] + shift % 2
    choice = item.answer if right else (item.answer + 1) % len(item.options)
    return Response(digest([item.id, model, mode]), item.id, model, mode, Status.OK, "", choice, None, None)


def test_audit_of_recorded_answers(benchmark: Path) -> None:
    report = run("audit", benchmark)
    gaps = [line.split("|")[1:4] for line in report.splitlines() if "video - text" in line]
    assert [[cell.strip() for cell in row] for row in gaps] == [
        [name, "video - text", "5"] for name in ("all", *CATEGORIES[:2])
    ]
    assert "over videos" in report
    more = run("audit", benchmark, benchmark.parent / "imported", "--group", "source", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(more)))
    assert [(row["group"], row["video_models"]) for row in rows] == [("synthetic", "6")]
    assert float(rows[0]["V-T"]) == pytest.approx(0.4, abs=0.05)
    assert "no item has the label 'length'; valid groups: source, category" in refused(
        "audit", benchmark, "--group", "length"
    )


def test_redundancy_of_recorded_answers(benchmark: Path) -> None:
    report = run("redundancy", benchmark, benchmark.parent / "imported", "--min_models", "3")
    assert report.startswith("# Redundancy\n\n6 models, 3 benchmarks")
    assert "2 pairs share items" in report
    assert "no scores in shuffled mode; there are text, frame, video" in refused(
        "redundancy", benchmark, "--mode", "shuffled"
    )


def test_what_is_no_table_is_refused(tmp_path: Path, paper: Path) -> None:
    assert "no such table" in refused("audit", tmp_path / "none.csv")
    assert "one table at a time" in refused("audit", paper / "modes.csv", paper / "modes.csv")
    assert "no column llm" in refused("scaling", paper / "modes.csv")


def test_leaderboards_with_many_gaps(shared: Path) -> None:
    report = run("redundancy", shared / "data" / "scores" / "video_scores_wide.csv")
    assert "120 models, 20 benchmarks, 91 of 190 pairs judged" in report
    assert "99 pairs: fewer than 5 models in common" in report
    assert "Video-MME-long of Video-MME" in report


def test_groups_of_a_real_matrix(shared: Path) -> None:
    blink = shared / "data" / "responses" / "blink_val"
    report = run("redundancy", blink, "--group", "task", "--format", "csv")
    rows = {(row["first"], row["second"]): row for row in csv.DictReader(io.StringIO(report))}
    assert int(rows["all", "Counting"]["shared_items"]) == 120
    correct = pd.read_csv(blink / "correct.csv", index_col=0)
    about = pd.read_csv(blink / "models.csv", index_col=0)
    correct = correct.loc[:, about["clone_of"].isna()[correct.columns].to_numpy()]
    task = pd.read_csv(blink / "items.csv", index_col=0)["task"][correct.index].to_numpy()
    rest, part = correct[task != "Counting"].mean(), correct[task == "Counting"].mean()
    assert float(rows["all", "Counting"]["pearson"]) == pytest.approx(rest.corr(part))
    assert "no column 'topic' to group the items by; its columns: " in refused("redundancy", blink, "--group", "topic")

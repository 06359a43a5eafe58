"""The leaderboard's folder: what is in it, what the records say, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml
from huggingface_hub import parse_eval_result_entries

from apollobench.benchmark import Entry, write_benchmark
from apollobench.board.lines import boards, size_text
from apollobench.board.site import build
from apollobench.errors import InputError
from apollobench.report.leaderboard import COLUMNS

from ..made import answered, world


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("results")
    return [
        answered(root, "apollo-7b", lambda n: n % 4 != 0),
        answered(root, "<script>alert(1)</script>", lambda n: n % 4 == 1),
    ]


def test_shipped_rows_make_boards_by_benchmark() -> None:
    found = {board.benchmark: board for board in boards([])}
    paper = found["ApolloBench"]
    assert [line.row["model"] for line in paper.lines[:3]] == ["Gemini-1.5-Pro", "GPT-4o", "Apollo-7B"]
    assert [line.billions for line in paper.lines[:3]] == [None, None, 7.0]
    assert all(line.standing is None for board in found.values() for line in board.lines)
    assert "Video-MME (without subtitles)" in found


def test_results_of_one_manifest_are_ranked(results: list[Path]) -> None:
    board = boards(results)[-1]
    assert (board.benchmark, board.manifest, board.shared) == ("world", "b" * 32, 200)
    first, second = board.lines
    assert (first.row["model"], first.billions, first.licence) == ("apollo-7b", 7.0, "see the model card")
    assert first.standing is not None
    assert second.standing is not None
    assert first.standing.rank is not None
    assert (first.standing.rank.rank, first.standing.group) == (1.0, "a")
    assert second.standing.group == "b"
    assert {first.row["text"], first.row["frame"]} == {"25.0", "50.0"}


def test_the_folder(results: list[Path], tmp_path: Path) -> None:
    site = tmp_path / "site"
    page = build(site, results, dataset="me/world").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for file in ("style.css", "board.css", "board.js", "results.csv"):
        assert f'"./{file}"' in page or f'"{file}"' in page
        assert (site / file).is_file()
    with (site / "results.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 159 + 2
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}
    build(site, results, dataset="me/world")
    assert {path: path.read_bytes() for path in site.rglob("*") if path.is_file()} == before


def test_entries_for_the_hub(results: list[Path], tmp_path: Path) -> None:
    build(tmp_path / "site", results, dataset="me/world")
    file = tmp_path / "site" / "eval_results" / "apollo-7b" / "world.yaml"
    (entry,) = parse_eval_result_entries(yaml.safe_load(file.read_text(encoding="utf-8")))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("me/world", "world", 75.0)
    assert entry.notes is not None
    assert "95% interval" in entry.notes


def test_records_for_every_eval_ever(results: list[Path], tmp_path: Path) -> None:
    build(tmp_path / "site", results)
    (file,) = (tmp_path / "site" / "every_eval_ever" / "data" / "world" / "Apollo-LMMs").rglob("*.json")
    record = json.loads(file.read_text(encoding="utf-8"))
    # What version 0.2.1 of its schema requires.
    assert record.keys() >= {
        "schema_version",
        "evaluation_id",
        "retrieved_timestamp",
        "source_metadata",
        "model_info",
        "eval_library",
        "evaluation_results",
    }
    assert record["model_info"] == {"name": "apollo-7b", "id": "Apollo-LMMs/Apollo-7B-t32"}
    scores = {each["evaluation_name"]: each for each in record["evaluation_results"]}
    overall = scores["world overall (video mode)"]
    assert overall["score_details"]["score"] == pytest.approx(0.75)
    interval = overall["score_details"]["uncertainty"]["confidence_interval"]
    assert interval["lower"] < 0.75 < interval["upper"]
    assert overall["metric_config"]["score_type"] == "continuous"
    assert {"min_score", "max_score", "lower_is_better"} <= overall["metric_config"].keys()
    assert overall["source_data"]["source_type"] == "other"
    assert set(scores) == {
        f"world {part} ({mode} mode)" for part in ("overall", "OCR", "Spatial") for mode in ("text", "frame", "video")
    }


def test_manifests_are_linked(tmp_path: Path) -> None:
    items = world(8)
    benchmark = write_benchmark(
        tmp_path / "benchmark", [Entry(item) for item in items], [], {"name": "world"}, "# world\n", needs_videos=False
    )
    result = answered(tmp_path, "m", lambda n: True, items, benchmark=benchmark.manifest_hash)
    page = build(tmp_path / "site", [result], [tmp_path / "benchmark"]).read_text(encoding="utf-8")
    link = f"manifests/{benchmark.manifest_hash}.json"
    assert f'href="{link}"' in page
    assert json.loads((tmp_path / "site" / link).read_text())["name"] == "world"


def test_what_is_refused(results: list[Path], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="holds something else"):
        build(tmp_path, [])
    with pytest.raises(InputError, match="expected OWNER/NAME"):
        build(tmp_path / "site", results, dataset="world")
    with pytest.raises(InputError, match="partial"):
        build(tmp_path / "site", [answered(tmp_path, "few", lambda n: True, size=400)])
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("billions", "text"), [(None, ""), (7.0, "7B"), (1.5, "1.5B"), (0.5, "0.5B"), (0.0015, "1.5M"), (72, "72B")]
)
def test_sizes(billions: float | None, text: str) -> None:
    assert size_text(billions) == text

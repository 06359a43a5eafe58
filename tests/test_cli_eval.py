"""eval, leaderboard and gate as typed by a person: real files, a real (untrained) model, processes of their own."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apollobench.apollo.checkpoint import save_apollo
from apollobench.benchmark import Entry, write_benchmark
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES

from . import tiny

PER_VIDEO = 3


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "apollobench", *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four rendered videos and a benchmark of a few questions on each."""
    root = tmp_path_factory.mktemp("world")
    make_world(root / "data", 4, 2_000_000, workers=1, progress=False)
    items = read_world(root / "data")
    videos = dict.fromkeys(item.video.id for item in items)
    some = [item for video in videos for item in [i for i in items if i.video.id == video][:PER_VIDEO]]
    entries = [Entry(replace(item, category=CATEGORIES[n % len(CATEGORIES)])) for n, item in enumerate(some)]
    write_benchmark(root / "benchmark", entries, [], {"name": "toy"}, "# toy\n")
    return root


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    save_apollo(tiny.model(), tiny.tokenizer(), folder)
    return folder


@pytest.fixture(scope="module")
def whole(world: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete result, and what the command printed, in `printed.txt`."""
    out = tmp_path_factory.mktemp("result")
    done = run(*eval_words(world, weights, out))
    assert done.returncode == 0, done.stderr
    (out / "printed.txt").write_text(done.stdout)
    return out


def eval_words(world: Path, weights: Path, out: Path, *more: str) -> list[str | Path]:
    arguments = f"pretrained={weights},max_new_tokens=2"
    words: list[str | Path] = ["eval", "--model", "apollo-7b", "--model-args", arguments]
    return [*words, "--benchmark", world / "benchmark", "--output_path", out, *more]


def ours(result: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((result / "results.json").read_text())["apollobench"]
    return loaded


def test_eval_shows_every_mode_side_by_side_and_writes_both_files(whole: Path) -> None:
    printed = (whole / "printed.txt").read_text()
    header = next(line for line in printed.splitlines() if line.startswith("| category"))
    columns = [cell.strip() for cell in header.split("|")[1:-1]]
    assert columns[:5] == ["category", "chance", "video", "center frame", "text only"]
    assert "| macro" in printed
    assert "| overall" in printed
    assert f"{3 * 4 * PER_VIDEO} asked now, 0 stored before" in printed
    assert f"result: {whole}" in printed
    assert ours(whole)["partial"] is False
    assert len((whole / "samples.jsonl").read_text().splitlines()) == 3 * 4 * PER_VIDEO


def test_shards_answer_and_the_whole_scores(world: Path, weights: Path, whole: Path, tmp_path: Path) -> None:
    for part in ("0/2", "1/2"):
        done = run(*eval_words(world, weights, tmp_path, "--shard", part))
        assert done.returncode == 0, done.stderr
        assert not (tmp_path / "results.json").exists()
    done = run(*eval_words(world, weights, tmp_path))
    assert "0 asked now" in done.stdout
    assert (tmp_path / "samples.jsonl").read_bytes() == (whole / "samples.jsonl").read_bytes()


def test_a_limited_result_is_partial_and_not_for_the_leaderboard(world: Path, weights: Path, tmp_path: Path) -> None:
    done = run(*eval_words(world, weights, tmp_path, "--limit", "4", "--mode", "text"))
    assert done.returncode == 0, done.stderr
    assert (ours(tmp_path)["partial"], ours(tmp_path)["items"]) == (True, 4)
    refused = run("leaderboard", "export", tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "partial" in refused.stderr


def test_a_broken_video_is_counted_and_exits_2_unless_allowed(world: Path, weights: Path, tmp_path: Path) -> None:
    shutil.copytree(world, tmp_path / "world")
    broken = sorted((tmp_path / "world" / "data" / "videos").glob("*.mp4"))[0]
    broken.write_bytes(broken.read_bytes()[:200])
    words = eval_words(tmp_path / "world", weights, tmp_path / "out", "--mode", "video")
    done = run(*words)
    assert done.returncode == 2
    assert f"{PER_VIDEO} questions ended with an error" in done.stderr
    assert "Traceback" not in done.stderr
    assert ours(tmp_path / "out")["statuses"]["error"] == PER_VIDEO
    allowed = run(*words, "--allow-errors")
    assert allowed.returncode == 0


def test_gate_passes_on_itself_fails_on_a_loss_and_refuses_the_rest(whole: Path, tmp_path: Path) -> None:
    same = run("gate", "--baseline", whole, "--candidate", whole)
    assert same.returncode == 0
    assert "no regression" in same.stdout
    good, bad = (doctored(whole, tmp_path / name, right) for name, right in (("good", 1.0), ("bad", 0.0)))
    worse = run("gate", "--baseline", good, "--candidate", bad)
    assert worse.returncode == 1
    assert "Gate: regression" in worse.stdout
    assert run("gate", "--baseline", bad, "--candidate", good).returncode == 0
    unusable = run("gate", "--baseline", whole, "--candidate", tmp_path / "none")
    assert unusable.returncode == 2
    assert "error: " in unusable.stderr


def doctored(result: Path, folder: Path, right: float) -> Path:
    """The result as if every answer were right or wrong and every question had a video of its own, its hash mended."""
    folder.mkdir()
    lines = [json.loads(line) for line in (result / "samples.jsonl").open()]
    changed = [line | {"acc": right, "status": "ok", "video": line["item"]} for line in lines]
    samples = "".join(json.dumps(line) + "\n" for line in changed).encode()
    (folder / "samples.jsonl").write_bytes(samples)
    document = json.loads((result / "results.json").read_text())
    document["apollobench"]["samples_sha256"] = hashlib.sha256(samples).hexdigest()
    (folder / "results.json").write_text(json.dumps(document))
    return folder


def test_export_puts_a_measured_row_beside_the_reported_ones(whole: Path, tmp_path: Path) -> None:
    shown = run("leaderboard", "export", "--format", "csv", whole)
    rows = shown.stdout.splitlines()
    assert rows[-1].startswith("apollo-7b,measured,")
    assert all(row.split(",")[1] == "reported" for row in rows[1:-1])
    written = run("leaderboard", "export", "--format", "md", "--output_path", tmp_path / "board.md")
    assert written.returncode == 0
    assert "Apollo-7B" in (tmp_path / "board.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(["eval", "--model", "apollo-7b"], "hf download", id="weights not at hand"),
        pytest.param(["eval", "--model", "apolo-7b"], "did you mean apollo-7b", id="unknown model"),
        pytest.param(["eval", "--model", "apollo-7b", "--model_args", "x"], "expected name=value", id="bad model_args"),
        pytest.param(["curate", "--output_path", "o"], "--sources", id="nothing to curate"),
        pytest.param(["curate", "--output_path", "o", "--sources", "x"], "there are csv:PATH", id="unknown source"),
        pytest.param(["curate", "--output_path", "o", "--recipe", "x"], "shipped: ", id="unknown recipe"),
        pytest.param(["leaderboard", "export", "--format", "xlsx"], "valid: csv, md", id="unknown format"),
        pytest.param(["gate", "--baseline", "a", "--candidate", "b", "--mode", "x"], "valid: text", id="unknown mode"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())

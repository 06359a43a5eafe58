"""Stock lmms-eval scores a benchmark by our task pack: its own command, offline, with a real tiny model."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from apollobench.benchmark import ITEMS, MANIFEST, Entry, write_benchmark
from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.evaluate.prompt import build_prompt
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, LETTERS, Item, Mode

from .stock import stock_command

MODES = (Mode.TEXT, Mode.FRAME, Mode.VIDEO)


@dataclass(frozen=True)
class Run:
    """What a run of lmms-eval wrote, and what it printed."""

    results: Mapping[str, Any]
    samples: Mapping[Mode, Path]
    printed: str

    def lines(self, mode: Mode) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.samples[mode].read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pack")


@pytest.fixture(scope="module")
def items(place: Path) -> list[Item]:
    """Questions on four rendered videos, three to five on each."""
    make_world(place / "data", 4, 2_000_000, workers=1, progress=False)
    asked: dict[str, list[Item]] = {}
    for item in read_world(place / "data"):
        asked.setdefault(item.video.id, []).append(item)
    some = [item for number, group in enumerate(asked.values()) for item in group[: 3 + number % 3]]
    return [replace(item, category=CATEGORIES[number % 5]) for number, item in enumerate(some)]


@pytest.fixture(scope="module")
def benchmark(place: Path, items: list[Item]) -> Path:
    write_benchmark(place / "benchmark", [Entry(item) for item in items], [], {"name": "toy"}, "# toy\n")
    return place / "benchmark"


@pytest.fixture(scope="module")
def stock(place: Path, benchmark: Path) -> Run:
    """The whole group by the simple class, in a process that a person could have started."""
    command = stock_command(place, benchmark, "apollobench", place / "logs")
    done = subprocess.run(command.words, cwd=place, env=command.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = list((place / "logs").rglob("*_results.json"))
    assert len(found) == 1, done.stdout + done.stderr
    samples = {mode: next(found[0].parent.glob(f"*_samples_apollobench_{mode}.jsonl")) for mode in MODES}
    return Run(json.loads(found[0].read_text()), samples, done.stdout)


@pytest.fixture(scope="module")
def own(place: Path, benchmark: Path) -> Path:
    """The result of our own evaluation of the same model."""
    apollobench("eval", "--model", "apollo-tiny", "--benchmark", benchmark, "--output_path", place / "own")
    return place / "own"


def apollobench(*words: str | Path) -> None:
    done = subprocess.run([sys.executable, "-m", "apollobench", *map(str, words)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def scores(folder: Path) -> dict[str, Any]:
    """The modes of a result of ours."""
    modes: dict[str, Any] = json.loads((folder / "results.json").read_text())["apollobench"]["modes"]
    return modes


def choices(folder: Path, mode: Mode) -> dict[str, int | None]:
    lines = map(json.loads, (folder / "samples.jsonl").read_text().splitlines())
    return {line["item"]: line["choice"] for line in lines if line["mode"] == mode}


@pytest.mark.parametrize("mode", MODES)
def test_every_item_is_answered_as_in_our_own_evaluation(mode: Mode, stock: Run, own: Path, items: list[Item]) -> None:
    told = {line["apollobench_score"]["item"]: line["apollobench_score"] for line in stock.lines(mode)}
    ours = choices(own, mode)
    assert told.keys() == ours.keys() == {item.id for item in items}
    assert {name: LETTERS.index(one["pred_answer"]) for name, one in told.items()} == ours
    assert {one["mode"] for one in told.values()} == {mode.value}
    assert len({one["score"] for one in told.values()}) == 2, "all right or all wrong shows nothing"


@pytest.mark.parametrize("mode", MODES)
def test_accuracy_and_its_clustered_error_are_ours(mode: Mode, stock: Run, own: Path) -> None:
    """Its squared error of a mean of n scores divides their own variance by n (n - 1), ours by n n; the rest is one."""
    ours, theirs = scores(own)[mode], stock.results["results"][f"apollobench_{mode}"]
    pairs = [("apollobench_score", ours["overall"])]
    pairs += [(f"apollobench_{name.lower()}_score", estimate) for name, estimate in ours["categories"].items()]
    assert len(pairs) == 1 + len(CATEGORIES)
    for metric, estimate in pairs:
        p, n = estimate["value"], estimate["n"]
        assert theirs[f"{metric},none"] == pytest.approx(p)
        expected = math.sqrt(estimate["se"] ** 2 + p * (1 - p) / (n * (n - 1)))
        assert theirs[f"{metric}_stderr_clustered,none"] == pytest.approx(expected)
    assert theirs["apollobench_answered,none"] == 1.0


def test_results_say_what_was_scored_and_are_printed(stock: Run, benchmark: Path) -> None:
    stated = json.loads((benchmark / MANIFEST).read_text())["name"]
    metadata = stock.results["configs"]["apollobench_video"]["metadata"]
    assert metadata["benchmark"].startswith(f"{stated}@")
    assert stock.results["versions"]["apollobench_video"] == metadata["version"]
    assert "| - apollobench_video|none  |     0|apollobench_score" in stock.printed
    assert "Stderr_Clustered" in stock.printed


def test_its_logs_come_back_by_import(stock: Run, own: Path, benchmark: Path, tmp_path: Path) -> None:
    apollobench("import", *stock.samples.values(), "--benchmark", benchmark, "--output_path", tmp_path)
    (folder,) = [path.parent for path in tmp_path.glob("*/results.json")]
    assert folder.name == "apollo-tiny__lmms-eval"
    for mode in MODES:
        assert choices(folder, mode) == choices(own, mode)
        for part in ("overall", "macro", "categories"):
            assert scores(folder)[mode][part] == scores(own)[mode][part]


@pytest.fixture
def environment(benchmark: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """lmms-eval in this process."""
    monkeypatch.setenv("APOLLOBENCH_BENCHMARK", str(benchmark))
    monkeypatch.setenv("LMMS_EVAL_DATASETS_CACHE", str(place / "hub" / "datasets"))
    return benchmark


def manager() -> Any:
    from lmms_eval.tasks import TaskManager

    return TaskManager(include_path=str(content_path("tasks")), include_defaults=False)


def load(name: str, form: str = "simple") -> Any:
    return manager().load_task_or_group(name, form)[name]


def evaluate(model: Any, *names: str, **more: Any) -> dict[str, Any]:
    from lmms_eval.evaluator import simple_evaluate

    made: dict[str, Any] = simple_evaluate(model=model, tasks=list(names), task_manager=manager(), **more)
    return made


@pytest.mark.usefixtures("environment")
def test_chat_classes_answer_alike_and_compare_with_a_baseline(stock: Run, own: Path) -> None:
    from .tiny_apollo import Chat

    baseline = str(stock.samples[Mode.TEXT])
    made = evaluate(Chat(), "apollobench", log_samples=True, baseline=baseline)
    for mode in MODES:
        told = [sample["apollobench_score"] for sample in made["samples"][f"apollobench_{mode}"]]
        assert {one["item"]: LETTERS.index(one["pred_answer"]) for one in told} == choices(own, mode)
    video, text = (scores(own)[mode]["overall"]["value"] for mode in (Mode.VIDEO, Mode.TEXT))
    row = made["results"]["apollobench_video"]
    assert row["paired_baseline_score"] == pytest.approx(100 * text)
    assert (row["paired_ci_lower"] + row["paired_ci_upper"]) / 2 == pytest.approx(100 * (video - text))


@pytest.mark.usefixtures("environment")
def test_failed_requests_are_counted_and_have_no_score(items: list[Item], own: Path) -> None:
    from .tiny_apollo import Simple

    failing = [item for item in items if "Which" in build_prompt(item)]
    assert 0 < len(failing) < len(items)
    row = evaluate(Simple(fails="Which"), "apollobench_text")["results"]["apollobench_text"]
    rest = [item for item in items if item not in failing]
    right = [choices(own, Mode.TEXT)[item.id] == item.answer for item in rest]
    assert row["apollobench_answered,none"] == pytest.approx(len(rest) / len(items))
    assert row["apollobench_score,none"] == pytest.approx(sum(right) / len(rest))


def test_tasks_are_listed_without_a_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APOLLOBENCH_BENCHMARK", raising=False)
    names = [f"apollobench_{mode}" for mode in MODES]
    assert manager().all_tasks == sorted(["apollobench", *names])
    with pytest.raises(InputError, match="Set APOLLOBENCH_BENCHMARK"):
        load("apollobench_text")


def test_a_missing_video_is_named_before_anything_is_asked(
    environment: Path, items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APOLLOBENCH_BENCHMARK", str(tmp_path / "moved"))
    shutil.copytree(environment, tmp_path / "moved")
    for mode in (Mode.FRAME, Mode.VIDEO):
        with pytest.raises(InputError, match=f"{len(items)} of {len(items)} items are without their video"):
            load(f"apollobench_{mode}")
    assert len(load("apollobench_text").test_docs()) == len(items)
    monkeypatch.setenv("APOLLOBENCH_DATA", str(items[0].video.path.parent))
    documents = load("apollobench_video").test_docs()
    assert {document["video"] for document in documents} == {str(item.video.path) for item in items}


@pytest.mark.usefixtures("environment")
def test_a_benchmark_that_was_curated_anew_is_read_anew(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not from the cache of `datasets`, where the old one is."""
    monkeypatch.setenv("APOLLOBENCH_BENCHMARK", str(tmp_path))
    for count in (5, 4):
        write_benchmark(tmp_path, [Entry(item) for item in items[:count]], [], {"name": "toy"}, "# toy\n")
        assert [document["id"] for document in load("apollobench_text").test_docs()] == [i.id for i in items[:count]]
    (tmp_path / MANIFEST).unlink()
    assert (tmp_path / ITEMS).is_file()
    with pytest.raises(InputError, match="half-written"):
        load("apollobench_text")

"""A whole curation on real videos, with real models in real processes, and one that is killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from apollobench.apollo.checkpoint import save_apollo
from apollobench.benchmark import DROPPED, ITEMS, MANIFEST, load_benchmark, read_entries
from apollobench.cli import app
from apollobench.curate.decisions import Decision, format_decisions
from apollobench.curate.panel import Run
from apollobench.curate.pipeline import REPORT, RESPONSES, curate, load_pool
from apollobench.curate.recorded import read_matrices, recorded_answers
from apollobench.errors import InputError
from apollobench.evaluate.store import load_responses
from apollobench.recipe import Recipe, RecipeFile, load_recipe
from apollobench.recipe.categorize import TextCategories
from apollobench.report.closing import closing
from apollobench.types import LETTERS, Item, Mode, Response, Status, digest
from apollobench.video.probe import probe

from .. import tiny

PATIENCE = 900  # seconds, for a machine that is busy with something else
MODELS = ("apollo-1.5b", "apollo-3b", "apollo-7b")
Start = Callable[[str, int], subprocess.Popen[str]]
CHANGES = {
    "sources": [{"name": "synthetic", "options": {"videos": 6, "seed": 1_000_000}}],
    "panel": list(MODELS[:2]),
    "held_out": list(MODELS[2:]),
    "filter.min_votes": 2,
    "select.size": 20,
    "validation.random_subsets": 5,
    "validation.bootstrap": 20,
}
SCRIPT = """
import sys
from pathlib import Path
from apollobench.curate.pipeline import curate, load_pool
from apollobench.recipe import load_recipe

if __name__ == "__main__":
    recipe, data, output, weights, workers = sys.argv[1:]
    file = load_recipe(recipe)
    items = load_pool(file.recipe, Path(data))
    curate(file, items, Path(output), workers=int(workers), model_args={"pretrained": weights})
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("curation")


@pytest.fixture(scope="module")
def file(place: Path) -> RecipeFile:
    """The synthetic recipe, small and with the names of models that take any weights, as a file of its own."""
    changed = load_recipe("synthetic", CHANGES).recipe.model_dump(mode="json")
    path = place / "small.yaml"
    path.write_text(json.dumps(changed))
    return load_recipe(path)


@pytest.fixture(scope="module")
def pool(place: Path, file: RecipeFile) -> list[Item]:
    return load_pool(file.recipe, place / "data")


@pytest.fixture(scope="module")
def start(place: Path, file: RecipeFile, pool: list[Item]) -> Start:
    """Starts a curation into a folder, in a process group of its own."""
    weights = place / "weights"
    save_apollo(tiny.model(), tiny.tokenizer(), weights)
    script = place / "script.py"
    script.write_text(SCRIPT)
    given = [str(place / "small.yaml"), str(place / "data")]

    def begin(name: str, workers: int) -> subprocess.Popen[str]:
        command = [sys.executable, str(script), *given, str(place / name), str(weights), str(workers)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)

    return begin


@pytest.fixture(scope="module")
def finished(place: Path, start: Start) -> tuple[Path, str]:
    """A curation that nobody disturbed, and what it logged."""
    process = start("undisturbed", 1)
    _, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    return place / "undisturbed", log


def test_every_question_is_answered_and_logged(finished: tuple[Path, str], pool: list[Item]) -> None:
    output, log = finished
    responses = load_responses(output / RESPONSES)
    assert len(responses) == len(pool) * 3 * 3
    assert {response.status for response in responses} <= {Status.OK, Status.UNPARSED}
    for model in MODELS:
        assert f"{model}: " in log
    assert f"{3 * len(pool):,} asked now, 0 stored" in log
    assert "warning: fewer than two held-out models" in log


def test_the_benchmark_and_what_was_dropped_make_up_the_pool(
    place: Path, finished: tuple[Path, str], pool: list[Item], file: RecipeFile
) -> None:
    output, _ = finished
    benchmark = load_benchmark(output)
    assert all(item.video.path.is_file() for item in benchmark.items)
    root = Path(os.path.abspath(output / benchmark.manifest["media_root"]))  # noqa: PTH100
    dropped = read_entries(output / DROPPED, root)
    assert sorted([e.item.id for e in dropped] + [i.id for i in benchmark.items]) == sorted(i.id for i in pool)
    assert all(entry.rule and entry.version and entry.reason for entry in dropped)
    kept = read_entries(output / ITEMS, root)
    assert all(entry.media and entry.category_from.startswith("native:label=") for entry in kept)
    assert all(entry.evidence[Mode.VIDEO][1] == 2 for entry in kept)
    manifest = benchmark.manifest
    assert [who["model"] for who in manifest["panel"]] == list(MODELS[:2])
    assert [who["model"] for who in manifest["held_out"]] == list(MODELS[2:])
    assert manifest["recipe"]["text"] == (place / "small.yaml").read_text()
    assert manifest["recipe"]["fingerprint"] == file.fingerprint
    assert manifest["licences"] == {"CC0-1.0": len(kept)}
    assert str(place) not in (output / MANIFEST).read_text()


def test_what_was_recorded_is_read_back(finished: tuple[Path, str], pool: list[Item]) -> None:
    output, _ = finished
    matrices = read_matrices(output)
    assert set(matrices) == {Mode.TEXT, Mode.FRAME, Mode.VIDEO}
    matrix = matrices[Mode.VIDEO]
    assert matrix.models == MODELS
    assert set(matrix.families) == {"apollo"}
    assert sorted(matrix.ids) == sorted(item.id for item in pool)
    assert (matrix.scores >= 0).all()
    assert len(recorded_answers(output, pool=False).items) == len(load_benchmark(output).items)


def test_the_report_has_every_stage(finished: tuple[Path, str]) -> None:
    report = (finished[0] / REPORT).read_text()
    headings = [line for line in report.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Runs", "## Run checks", "## Audit of the pool", "## Filter", "## Categories", "## Selection",
        "## Validation on models that did not vote",
    ]  # fmt: skip
    assert "### Against known truth" in report
    assert "**Beware**" in report


def test_killed_and_started_again_it_ends_with_the_same_bytes(
    place: Path, finished: tuple[Path, str], start: Start
) -> None:
    process = start("disturbed", 2)
    store = place / "disturbed" / RESPONSES
    deadline = time.monotonic() + PATIENCE
    while sum(file.stat().st_size for file in store.glob("responses-*")) < 20_000:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    with pytest.raises(InputError, match="half-written"):
        load_benchmark(place / "disturbed")
    while _alive(process.pid):
        assert time.monotonic() < deadline, "workers outlived their parent"
        time.sleep(0.1)
    answered = len(load_responses(store))
    again = start("disturbed", 1)
    _, log = again.communicate(timeout=PATIENCE)
    assert again.returncode == 0, log
    stored = sum(int(line.split(" stored")[0].split(", ")[-1]) for line in log.splitlines() if line.endswith(" s"))
    assert stored == answered > 0
    for name in (ITEMS, DROPPED, MANIFEST, REPORT, "README.md"):
        assert (place / "disturbed" / name).read_bytes() == (finished[0] / name).read_bytes(), name


def _alive(group: int) -> bool:
    """Whether a process of the group still runs; one that only waits to be reaped does not."""
    if not Path("/proc/self/stat").exists():
        return subprocess.run(["pgrep", "-g", str(group)], stdout=subprocess.DEVNULL).returncode == 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, found = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(found) == group and state != "Z":
            return True
    return False


def answers_by_truth(models: Sequence[str], items: Sequence[Item], modes: Sequence[Mode], directory: Path) -> list[Run]:
    """Runs of models that are right about what a mode shows, and always choose the option after the key otherwise."""
    shows = {Mode.TEXT: {"nothing"}, Mode.FRAME: {"nothing", "frame"}}
    runs = []
    for number, model in enumerate(models):
        rng = np.random.default_rng(number)
        responses = []
        for mode in modes:
            for item in items:
                assert item.truth is not None
                seen = item.truth.needs in shows.get(mode, {"nothing", "frame"}) or (
                    mode is Mode.VIDEO and rng.random() < 0.3 + number / 12
                )
                choice = item.answer if seen else (item.answer + 1) % len(item.options)
                key = digest([model, mode, item.id])
                responses.append(Response(key, item.id, model, mode, Status.OK, "", choice, None, None))
        runs.append(Run(model, f"revision of {model}", {}, {"kind": "uniform"}, tuple(responses)))
    return runs


@pytest.fixture
def known(file: RecipeFile) -> RecipeFile:
    several = {"panel": ("a", "b", "c", "d"), "held_out": ("e", "f", "g")}
    return replace(file, recipe=file.recipe.model_copy(update=several))


def test_a_panel_that_sees_what_there_is_filters_without_a_mistake(
    tmp_path: Path, known: RecipeFile, pool: list[Item]
) -> None:
    benchmark, decisions = curate(known, pool, tmp_path / "out", run_models=answers_by_truth)
    score = decisions.examination.filter
    assert score is not None
    assert score.precision is not None
    assert score.recall is not None
    assert (score.precision.value, score.recall.value) == (1, 1)
    assert {item.truth.needs for item in benchmark.items if item.truth} <= {"set", "video"}
    report = (tmp_path / "out" / REPORT).read_text()
    assert "Precision 100.0" in report
    assert "| held out |" in report
    assert "Against the category the source says: 100.0" in report
    assert benchmark.manifest["counts"]["dropped"].keys() == {"frame", "text and frame"}
    card = (tmp_path / "out" / "README.md").read_text()
    assert card.startswith(f"# synthetic\n\n{len(benchmark.items)} multiple-choice questions")
    assert "Licence of the items: CC0-1.0." in card


def test_recommended_selection_under_a_budget_is_told_in_report_card_and_manifest(
    tmp_path: Path, known: RecipeFile, pool: list[Item]
) -> None:
    changes = {
        "method": "apollo+",
        "shares": [0.5, 0.0],
        "splits": 6,
        "caution": 0.5,
        "quotas": "proportional",
        "max_budget": 100.0,
        "max_per_video": 3,
        "source_mix": {"synthetic": [0.5, 1.0]},
    }
    told = known.recipe.model_dump(mode="json")
    file = replace(known, recipe=Recipe.model_validate({**told, "select": {**told["select"], **changes}}))
    benchmark, decisions = curate(file, pool, tmp_path / "out", run_models=answers_by_truth)
    seconds = {path: probe(path).duration for path in {item.video.path for item in benchmark.items}}
    spent = sum(seconds[item.video.path] for item in benchmark.items)
    assert 0 < len(benchmark.items) < 20
    assert spent <= 100 < spent + max(seconds.values())
    report = (tmp_path / "out" / REPORT).read_text()
    assert "Method `apollo+` (mode video, shares [0.5, 0.0], splits 6, caution 0.5)" in report
    assert "at most 3 per video; at most 100 seconds of video; 50% to 100% from synthetic" in report
    assert "Share kept:" in report
    assert "no other items have a larger sum of scores" in report
    assert benchmark.manifest["rules"]["select"] == "apollo+/2"
    assert benchmark.manifest["selection"]["notes"] == list(decisions.selection.notes)
    assert "on all survivors" in (tmp_path / "out" / "README.md").read_text()


def test_gate_s_reason_is_stored(tmp_path: Path, known: RecipeFile, pool: list[Item]) -> None:
    gated = known.recipe.select.model_copy(update={"item_rest_gate": True})
    file = replace(known, recipe=known.recipe.model_copy(update={"select": gated}))
    _, decisions = curate(file, pool, tmp_path / "out", run_models=answers_by_truth)
    dropped = read_entries(tmp_path / "out" / DROPPED, tmp_path)
    kept_out = [entry for entry in dropped if entry.reason.startswith("kept out by the gate")]
    assert len(kept_out) == decisions.selection.gated.sum() > 0


def test_another_recipe_in_the_same_place_is_said_aloud(
    tmp_path: Path, known: RecipeFile, pool: list[Item], capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = curate(known, pool, tmp_path / "out", run_models=answers_by_truth)
    same, _ = curate(known, pool, tmp_path / "out", run_models=answers_by_truth)
    assert same.manifest_hash == first.manifest_hash
    assert "it is replaced" not in capsys.readouterr().err
    smaller = known.recipe.model_copy(update={"select": known.recipe.select.model_copy(update={"size": 10})})
    other, _ = curate(replace(known, recipe=smaller), pool, tmp_path / "out", run_models=answers_by_truth)
    assert other.manifest_hash != first.manifest_hash
    assert "holds a benchmark of another recipe; it is replaced" in capsys.readouterr().err


def test_what_people_decide_overrides_everything(
    tmp_path: Path, known: RecipeFile, pool: list[Item], capsys: pytest.CaptureFixture[str]
) -> None:
    plain, _ = curate(known, pool, tmp_path / "plain", run_models=answers_by_truth)
    dropped, moved, corrected = (plain.items[i] for i in (0, 1, 2))
    key = LETTERS[(corrected.answer + 1) % len(corrected.options)]
    category = "OCR" if moved.category != "OCR" else "Spatial"
    when = "2026-05-01T09:00:00Z"
    decided = [
        Decision(dropped.id, "drop", None, "two options are right", "", "ada", when),
        Decision(moved.id, "category", category, "", "", "bob", when),
        Decision(corrected.id, "key", key, "it turns left", "", "ada", when),
        Decision("synthetic/elsewhere", "keep", None, "", "", "bob", when),
    ]
    out = tmp_path / "out"
    benchmark, decisions = curate(known, pool, out, decided=decided, run_models=answers_by_truth)
    root = Path(os.path.abspath(out / benchmark.manifest["media_root"]))  # noqa: PTH100
    entries = {entry.item.id: entry for name in (ITEMS, DROPPED) for entry in read_entries(out / name, root)}
    assert (entries[dropped.id].rule, entries[dropped.id].reason) == ("review", "ada: two options are right")
    assert (entries[moved.id].item.category, entries[moved.id].category_from) == (category, "decision:bob")
    assert entries[corrected.id].item.answer == LETTERS.index(key)
    assert dropped.id not in {item.id for item in benchmark.items}
    assert benchmark.manifest["review"] == {
        "decisions": digest(format_decisions(decided)),
        "actions": {"category": 1, "drop": 1, "keep": 1, "key": 1},
        "reviewers": ["ada", "bob"],
        "keys": {corrected.id: {"key": key, "reviewer": "ada", "reason": "it turns left"}},
        "not_in_pool": ["synthetic/elsewhere"],
        "to_discuss": [],
    }
    assert benchmark.manifest["categorized"]["from"] == {"decision:bob": 1, "native": len(pool) - 1}
    assert "review" not in plain.manifest
    assert "decisions about synthetic/elsewhere are about no item of this pool" in capsys.readouterr().err
    report = (out / REPORT).read_text()
    assert "| decision:bob |" in report
    assert "| review" in report
    assert "In effect: 1 items dropped, 1 keys and 1 categories changed." in report
    score, before = decisions.examination.filter, curate(known, pool, out, run_models=answers_by_truth)[1]
    assert score is not None
    assert before.examination.filter is not None
    assert score.precision == before.examination.filter.precision, "the filter is not blamed for what people drop"


def test_a_pool_without_labels_is_sorted_by_text(tmp_path: Path, known: RecipeFile, pool: list[Item]) -> None:
    settings = TextCategories(method="text", words=1, min_items=2, c=1.0, folds=3, seed=0)
    by_text = replace(known, recipe=known.recipe.model_copy(update={"categorize": settings}))
    videos = sorted({item.video.id for item in pool})
    hidden = [replace(item, native={}) if item.video.id in videos[:2] else item for item in pool]
    benchmark, decisions = curate(by_text, hidden, tmp_path / "out", run_models=answers_by_truth)
    categorized = benchmark.manifest["categorized"]
    unlabelled = sum(not item.native for item in hidden)
    assert categorized["from"] == {"native": len(pool) - unlabelled, "text": unlabelled}
    assert decisions.quality is not None
    assert categorized["measured"]["accuracy"]["value"] == round(decisions.quality.accuracy.value, 6)
    assert "### How good it is" in (tmp_path / "out" / REPORT).read_text()
    told = closing(decisions)
    assert "categorizer text: " in told
    assert "of each category, put there: OCR " in told
    shown = CliRunner().invoke(app, ["shortcut", str(tmp_path / "out"), "--folds", "3"])
    assert shown.exit_code == 0, shown.output
    assert f"| all        | {len(benchmark.items):>6,} |" in shown.output


def test_what_the_user_can_put_right_is_found_before_any_model_runs(
    tmp_path: Path, known: RecipeFile, pool: list[Item]
) -> None:
    def never(*_: object) -> list[Run]:
        raise AssertionError("no model may run")

    with pytest.raises(InputError, match="the pool is empty"):
        curate(known, [], tmp_path / "out", run_models=never)
    other_prompt = replace(known, recipe=known.recipe.model_copy(update={"prompt": "0"}))
    with pytest.raises(InputError, match="the recipe asks for version '0'"):
        curate(other_prompt, pool, tmp_path / "out", run_models=never)
    stranger = replace(pool[0], native={"label": "sign: smell"})
    with pytest.raises(InputError, match=r"has no category; add it to categories\.yaml"):
        curate(known, [stranger, *pool[1:]], tmp_path / "out", run_models=never)
    with pytest.raises(InputError, match="unknown model 'a'"):
        curate(known, pool, tmp_path / "out")
    unrunnable = replace(known, recipe=known.recipe.model_copy(update={"panel": ("apollo-7b", "longva-7b")}))
    with pytest.raises(InputError, match=r"apollo-7b: the weights|nothing in this version can run it"):
        curate(unrunnable, pool, tmp_path / "out")
    assert not (tmp_path / "out").exists()

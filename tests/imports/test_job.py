"""Imports from files to results, on a real benchmark: what gate, leaderboard and curation make of them."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.benchmark import Entry, load_benchmark, write_benchmark
from apollobench.curate.answers import NO_VOTE, NOT_RIGHT, RIGHT, gather
from apollobench.errors import InputError
from apollobench.evaluate.results import read_results
from apollobench.evaluate.store import load_responses
from apollobench.imports.job import Outcome, Target, from_benchmark, import_files
from apollobench.report.gate import gate
from apollobench.report.imported import imported_markdown
from apollobench.report.leaderboard import export, measured_row
from apollobench.report.scorecard import card_markdown
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, LETTERS, Item, Mode, Status

KEPT = 40


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty items of six rendered videos in five categories, and those left out; then the videos go elsewhere."""
    root = tmp_path_factory.mktemp("world")
    make_world(root / "data", 6, 2_500_000, workers=1, progress=False)
    items = sorted(read_world(root / "data"), key=lambda item: item.id)
    turns = [items[n::5] for n in range(5)]
    mixed = [item for turn in turns for item in turn]
    entries = [Entry(replace(item, category=CATEGORIES[n % 5])) for n, item in enumerate(mixed)]
    left_out = [replace(entry, rule="filter", reason="text") for entry in entries[KEPT:]]
    write_benchmark(root / "benchmark", entries[:KEPT], left_out, {"name": "toy"}, "# toy\n")
    shutil.move(root / "data", root / "elsewhere")
    return root / "benchmark"


@pytest.fixture(scope="module")
def target(benchmark: Path) -> Target:
    return from_benchmark(benchmark)


def answers(path: Path, items: Sequence[Item], model: str, wrong: int = 0, mode: str = "video") -> Path:
    """Plain CSV of letters, all right but the first `wrong`."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["model", "item", "answer", "mode"])
        for n, item in enumerate(items):
            choice = (item.answer + (n < wrong)) % len(item.options)
            table.writerow([model, item.id, f"The answer is {LETTERS[choice]}.", mode])
    return path


def take(target: Target, output: Path, *files: Path) -> Outcome:
    return import_files(files, target, output, form=None, model=None, mode=Mode.VIDEO)


def test_a_benchmark_without_its_videos_is_enough_and_its_pool_is_matched(benchmark: Path, target: Target) -> None:
    assert len(target.items) == KEPT < len(target.pool)
    with pytest.raises(InputError, match="none of its 40 items has its video"):
        load_benchmark(benchmark)


def test_a_result_says_where_its_answers_come_from(target: Target, tmp_path: Path) -> None:
    outcome = take(target, tmp_path / "out", answers(tmp_path / "a.csv", target.pool, "org/m", wrong=8))
    (folder,) = outcome.cards
    assert folder == tmp_path / "out" / "org__m__csv"
    result = read_results(folder)
    assert result.model == "org/m@csv"
    assert result.ours["modes"]["video"]["overall"]["value"] == pytest.approx(1 - 8 / KEPT)
    assert result.ours["prompt_version"] == "unknown, of csv"
    assert [file["name"] for file in result.ours["imported"]["files"]] == ["a.csv"]
    assert result.ours["model"]["sampling"] is None
    assert not result.ours["partial"]
    line = json.loads((folder / "samples.jsonl").read_text().splitlines()[0])
    assert (line["input"], line["acc"], line["resps"]) == (None, 0.0, [[f"The answer is {line['filtered_resps'][0]}."]])
    stored = load_responses(tmp_path / "out" / "responses")
    assert len(stored) == len(target.pool)


def test_gate_compares_imports_of_one_tool_and_nothing_else(target: Target, tmp_path: Path) -> None:
    take(target, tmp_path / "good", answers(tmp_path / "a.csv", target.items, "m"))
    take(target, tmp_path / "bad", answers(tmp_path / "b.csv", target.items, "m", wrong=KEPT))
    good, bad = tmp_path / "good" / "m__csv", tmp_path / "bad" / "m__csv"
    assert gate(good, bad).regressed
    assert not gate(bad, good).regressed
    matrix = tmp_path / "c.csv"
    matrix.write_text("item_id,m\n" + "".join(f"{item.id},1\n" for item in target.items))
    take(target, tmp_path / "scores", matrix)
    with pytest.raises(InputError, match="made with another prompt"):
        gate(good, tmp_path / "scores" / "m__matrix")


def test_the_leaderboard_tells_imported_rows_from_measured_ones(target: Target, tmp_path: Path) -> None:
    take(target, tmp_path / "out", answers(tmp_path / "a.csv", target.items, "m", wrong=10))
    row = measured_row(tmp_path / "out" / "m__csv")
    assert (row["kind"], row["model"], row["n"]) == ("imported", "m@csv", "40")
    assert row["source"].startswith("another tool's run: a.csv ")
    assert "m@csv" in export("md", [tmp_path / "out" / "m__csv"])


def test_scores_alone_are_scored_gathered_and_shown_as_what_they_are(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    cells = ["1", "0", "0", ""] * (KEPT // 4)
    path.write_text("item_id,m\n" + "".join(f"{i.id},{cell}\n" for i, cell in zip(target.items, cells, strict=True)))
    outcome = take(target, tmp_path / "out", path)
    (card,) = outcome.cards.values()
    scored = card.modes[Mode.VIDEO]
    assert scored.overall is not None
    assert scored.overall.value == pytest.approx(1 / 3)
    assert (scored.statuses[Status.OK], scored.statuses[Status.WRONG], scored.missing) == (10, 20, 10)
    assert "| mode  |  ok | unparsed | wrong | error | unsupported | missing |" in card_markdown(card)
    line = json.loads((tmp_path / "out" / "m__matrix" / "samples.jsonl").read_text().splitlines()[1])
    assert (line["status"], line["choice"], line["acc"], line["filtered_resps"]) == ("wrong", None, 0.0, ["[unknown]"])
    stored = load_responses(tmp_path / "out" / "responses")
    gathered = gather(target.items, stored, ["m@matrix"], [Mode.VIDEO])
    assert list(gathered.scores(Mode.VIDEO)[0][:4]) == [RIGHT, NOT_RIGHT, NOT_RIGHT, NO_VOTE]
    right, votes = gathered.votes(Mode.VIDEO)
    assert (right.sum(), votes.sum()) == (10, 30)


def test_modes_come_together_over_several_imports(target: Target, tmp_path: Path) -> None:
    out = tmp_path / "out"
    take(target, out, answers(tmp_path / "v.csv", target.items, "m"))
    take(target, out, answers(tmp_path / "t.csv", target.items, "m", wrong=20, mode="text"))
    ours = read_results(out / "m__csv").ours
    assert ours["modes"].keys() == {"text", "video"}
    assert ours["video_minus"]["text"]["overall"]["value"] == pytest.approx(0.5)


def test_again_changes_nothing_and_another_answer_is_refused(target: Target, tmp_path: Path) -> None:
    out = tmp_path / "out"
    path = answers(tmp_path / "a.csv", target.items, "m", wrong=3)
    take(target, out, path)
    before = (out / "m__csv" / "samples.jsonl").read_bytes(), load_responses(out / "responses")
    take(target, out, path)
    assert ((out / "m__csv" / "samples.jsonl").read_bytes(), load_responses(out / "responses")) == before
    with pytest.raises(InputError, match=r"holds another answer of m@csv to .* in video mode, of an earlier import"):
        take(target, out, answers(path, target.items, "m", wrong=4))
    assert load_responses(out / "responses") == before[1]


def test_what_did_not_match_is_told_and_listed(target: Target, tmp_path: Path) -> None:
    strange = [replace(item, id=f"other/{n}") for n, item in enumerate(target.items[:3])]
    path = answers(tmp_path / "a.csv", [*strange, *target.items, *target.items[:2]], "m")
    outcome = take(target, tmp_path / "out", path)
    text = imported_markdown(outcome.tallies)
    assert "| a.csv | csv    |   45 |      40 |         3 |        2 |     0 | m@csv  | video |" in text
    assert f"a.csv: 3 unmatched: no item has its id (first: {path}, line 2)" in text
    assert "a.csv: 2 rows answer a question again, 0 of them otherwise; the first answer counts" in text
    with (tmp_path / "out" / "unmatched.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["place", "reason"], *([f"{path}, line {n}", "no item has its id"] for n in (2, 3, 4))]


def test_nothing_that_matches_is_bad_input_and_leaves_nothing(target: Target, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("model,item,answer\nm,x,A\nm,y,\n")
    with pytest.raises(InputError, match=r"no row matches an item.*1 rows: no item has its id .*1 rows are blank"):
        take(target, tmp_path / "out", tmp_path / "a.csv")
    assert not (tmp_path / "out").exists()


def test_answers_to_items_left_out_are_stored_without_a_result(target: Target, tmp_path: Path) -> None:
    outcome = take(target, tmp_path / "out", answers(tmp_path / "a.csv", target.pool[KEPT:], "m"))
    assert (outcome.unscored, outcome.cards) == (("m@csv",), {})
    assert len(load_responses(tmp_path / "out" / "responses")) == len(target.pool) - KEPT


def test_two_models_do_not_share_a_folder(target: Target, tmp_path: Path) -> None:
    files = [answers(tmp_path / f"{n}.csv", target.items, name) for n, name in enumerate(["a/b", "a__b"])]
    with pytest.raises(InputError, match="'a/b@csv' and 'a__b@csv' would share the folder a__b__csv"):
        take(target, tmp_path / "out", *files)
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match=r"1\.csv, line 2: the model is called 'a\\nb'; a name must be printable"):
        take(target, tmp_path / "out", answers(tmp_path / "1.csv", target.items, "a\nb"))


def typed(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "apollobench", *map(str, arguments)], capture_output=True, text=True)


def test_as_typed(benchmark: Path, target: Target, tmp_path: Path) -> None:
    lines = [
        {
            "doc_id": n,
            "target": LETTERS[item.answer],
            "filtered_resps": LETTERS[item.answer],
            "input": "\n".join([item.question, *(f"{x}. {o}" for x, o in zip(LETTERS, item.options, strict=False))]),
            "toy_score": {"question_id": item.id.split("/")[1], "score": 1.0},
        }
        for n, item in enumerate(target.items)
    ]
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ["import", path, "--benchmark", benchmark, "--output_path", tmp_path / "out"]
    done = typed(*words, "--model", "m")
    assert done.returncode == 0, done.stderr
    assert f"result: {tmp_path / 'out' / 'm__lmms-eval'}" in done.stdout
    assert "| samples.jsonl | lmms-eval |   40 |      40 |" in done.stdout
    unnamed = typed(*words)
    assert (unnamed.returncode, "--model NAME" in unnamed.stderr) == (2, True)
    neither = typed("import", path, "--output_path", tmp_path / "x")
    assert (neither.returncode, "Give either --benchmark FOLDER or --sources NAMES" in neither.stderr) == (2, True)
    unknown = typed("import", path, "--sources", "nowhere", "--output_path", tmp_path / "x")
    assert (unknown.returncode, "unknown source 'nowhere'" in unknown.stderr) == (2, True)


def test_answers_to_a_source_without_a_benchmark(tmp_path: Path) -> None:
    """NExT-QA as it is published, and a table of one model's answers to it."""
    data = tmp_path / "data" / "nextqa"
    data.mkdir(parents=True)
    names = "video,frame_count,width,height,question,answer,qid,type,a0,a1,a2,a3,a4"
    rows = [f"{n},300,640,480,why did he run {n},{n % 5},{n},CW,rain,fun,dog,bus,cold" for n in range(6)]
    (data / "test.csv").write_text("\n".join([names, *rows]) + "\n")
    table = tmp_path / "answers.csv"
    table.write_text("model,item,answer\n" + "".join(f"m,{n}_{n},{'ABCDE'[n % 5]}\n" for n in range(5)) + "m,5_5,B\n")
    words = [
        "import",
        table,
        "--sources",
        "nextqa",
        "--data_root",
        tmp_path / "data",
        "--output_path",
        tmp_path / "out",
    ]
    done = typed(*words)
    assert done.returncode == 0, done.stderr
    result = read_results(tmp_path / "out" / "m__csv")
    assert [sample.acc for sample in result.samples] == [1.0] * 5 + [0.0]

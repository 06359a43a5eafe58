"""Result files and matrices of real runs: counts and accuracies are those that were published with them."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.imports.collect import Tally, collect
from apollobench.imports.match import Matcher
from apollobench.imports.text import shown_options
from apollobench.types import LETTERS, Item, Mode, Response, Video

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def responses(shared: Path) -> Path:
    return shared / "data" / "responses"


def table(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def video(name: str) -> Video:
    return Video(name, Path("/videos") / f"{name}.mp4")


def imported(
    files: Iterable[Path], items: Sequence[Item], model: str | None = None
) -> tuple[list[Response], list[Tally]]:
    return collect(list(files), Matcher(items), form=None, model=model, mode=Mode.VIDEO)


def accuracies(made: Iterable[Response], items: Iterable[Item]) -> dict[str, tuple[int, float]]:
    """Answers and accuracy by model, without what was put to its name."""
    keys = {item.id: item.answer for item in items}
    graded = defaultdict(list)
    for response in made:
        graded[response.model.rsplit("@", 1)[0]].append(response.choice == keys[response.item])
    return {model: (len(right), round(sum(right) / len(right), 4)) for model, right in graded.items()}


def published(folder: Path) -> dict[str, tuple[int, float]]:
    return {row["model"]: (int(row["n"]), float(row["accuracy"])) for row in table(folder / "models.csv")}


def placeholders(folder: Path) -> list[Item]:
    """Items of a matrix that comes without its questions: all that the file gives is an id, and all that is needed."""
    ids = [row["item_id"] for row in table(folder / "correct.csv")]
    return [Item(f"s/{name}", f"question {name}", ("a", "b", "c", "d"), 0, video(name)) for name in ids]


def nextqa_items(rows: Rows, ids: Iterable[str]) -> list[Item]:
    return [
        Item(
            f"nextqa/{name}",
            row["question"],
            tuple(row[f"a{i}"] for i in range(5)),
            int(row["answer"]),
            video(row["video"]),
        )
        for name, row in zip(ids, rows, strict=True)
    ]


@pytest.mark.parametrize(
    "name", ["videomme_short", "videomme_v2_medium", "videomme_reruns_llavavideo", "blink_val", "eventhallusion"]
)
def test_matrices_keep_every_score(responses: Path, name: str) -> None:
    folder = responses / name
    items = placeholders(folder)
    made, (tally,) = imported([folder / "correct.csv"], items)
    assert tally.origin.tool == "matrix"
    assert (tally.lost, tally.repeated) == (0, 0)
    assert tally.rows == tally.matched + tally.blank == len(items) * len(published(folder))
    assert accuracies(made, items) == published(folder)


def test_nextqa_answers_and_scores_agree(responses: Path, tmp_path: Path) -> None:
    folder = responses / "nextqa_vidagent"
    rows = table(folder / "items.csv")
    items = nextqa_items(rows, (row["item_id"] for row in rows))
    made, (tally,) = imported([folder / "correct.csv"], items)
    assert (tally.matched, tally.blank, tally.lost) == (10_799, 1, 0)
    assert accuracies(made, items) == published(folder)
    long = [["model", "item", "choice"]]
    for row in table(folder / "predictions.csv"):
        chosen_by = [(model, choice) for model, choice in row.items() if model != "item_id"]
        long += [[model, row["item_id"], choice if choice.isdecimal() else ""] for model, choice in chosen_by]
    path = tmp_path / "long.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(long)
    chosen, (again,) = imported([path], items)
    assert (again.origin.tool, again.matched + again.blank) == ("csv", 10_800)
    keys = {item.id: item.answer for item in items}
    scores = {(r.model.split("@")[0], r.item): r.choice == keys[r.item] for r in made}
    assert all(scores[r.model.split("@")[0], r.item] == (r.choice == keys[r.item]) for r in chosen)


def test_nextqa_results_of_its_own_repository(shared: Path, responses: Path) -> None:
    rows = table(shared / "data" / "annotations" / "nextqa" / "val.csv")
    items = nextqa_items(rows, (f"{row['video']}_{row['qid']}" for row in rows))
    path = responses / "raw" / "nextqa_val_HGA-bert-ft.json"
    told = json.loads(path.read_text())
    made, (tally,) = imported([path], items, "HGA")
    assert (tally.rows, tally.matched, tally.lost) == (4996, 4996, 0)
    share = sum(one["prediction"] == one["answer"] for one in told.values()) / 4996
    assert accuracies(made, items) == {"HGA": (4996, round(share, 4))}


@pytest.fixture(scope="module")
def tempcompass(shared: Path) -> list[Item]:
    path = shared / "data" / "annotations" / "tempcompass" / "questions" / "multi-choice.json"
    return [
        Item(
            f"tempcompass/{name}-{dimension}-{number}",
            asked["question"].split("\n")[0],
            shown_options(asked["question"]),
            LETTERS.index(asked["answer"][0]),
            video(name),
        )
        for name, dimensions in json.loads(path.read_text()).items()
        for dimension, questions in dimensions.items()
        for number, asked in enumerate(questions)
    ]


def multi_choice(responses: Path, model: str) -> Mapping[str, str]:
    rows = table(responses / "tempcompass" / "correct.csv")
    return {row["item_id"]: row[model] for row in rows if row["item_id"].startswith("multi-choice|")}


@pytest.mark.parametrize("model", ["reka-flash", "video-llava"])
def test_tempcompass_predictions(responses: Path, tempcompass: list[Item], model: str) -> None:
    """318 questions are asked of more than one video; the videos tell them apart."""
    made, (tally,) = imported([responses / "raw" / f"tempcompass_{model}_multi-choice.json"], tempcompass, model)
    assert (tally.rows, tally.matched, tally.lost, tally.key_differs) == (1580, 1580, 0, 0)
    known = list(multi_choice(responses, model).values())
    assert len(known) == 1580
    assert accuracies(made, tempcompass) == {model: (1580, round(known.count("1") / 1580, 4))}


def test_tempcompass_scored_by_its_own_script(responses: Path, tempcompass: list[Item]) -> None:
    made, (tally,) = imported(
        [responses / "raw" / "tempcompass_gemini_multi-choice_auto_eval.json"], tempcompass, "gemini"
    )
    assert (tally.rows, tally.matched, tally.blank, tally.rescored) == (1580, 1568, 12, 1)
    official = list(multi_choice(responses, "gemini").values()).count("1")
    keys = {item.id: item.answer for item in tempcompass}
    assert abs(sum(r.choice == keys[r.item] for r in made) - official) == 1
    _, (raw,) = imported([responses / "raw" / "tempcompass_gemini_multi-choice.json"], tempcompass, "gemini")
    assert (raw.rows, raw.matched, raw.blank) == (1580, 1568, 12)  # refused by the service: null


def test_a_circular_evaluation_counts_its_first_try(responses: Path) -> None:
    path = responses / "raw" / "videoniah_llava-ov-7b_4try.jsonl"
    tries = [json.loads(line) for line in path.read_text().splitlines()]
    items = []
    for one in (one for one in tries if one["try"] == 0):
        asked = one["prompt"].split("<image>\n")[1]
        name = Path(one["video_path"]).stem
        items.append(
            Item(f"v/{name}", asked.split("\n")[0], shown_options(asked), LETTERS.index(one["gt"]), video(name))
        )
    made, (tally,) = imported([path], items)
    assert (tally.rows, tally.matched, tally.repeated, tally.lost) == (5400, 1350, 4050, 0)
    first = sum(one["pred"][:1] == one["gt"] for one in tries if one["try"] == 0)
    assert accuracies(made, items) == {"llava_qwen": (1350, round(first / 1350, 4))}
    last = [replace(i, options=i.options[::-1], answer=len(i.options) - 1 - i.answer) for i in items]
    assert accuracies(imported([path], last)[0], last) == accuracies(made, items)


def test_mlvu_submission(responses: Path) -> None:
    path = responses / "raw" / "mlvu_test_res.json"
    told = {one["question_id"]: one["option"] for one in json.loads(path.read_text())}
    items = [
        Item(f"mlvu/{name}", f"q {name}", ("a", "b", "c", "d", "e", "f"), n % 6, video(name))
        for n, name in enumerate(told)
    ]
    made, (tally,) = imported([path], items[:-2], "m")
    assert (tally.rows, tally.matched, tally.lost) == (502, 500, 2)
    assert {r.item.split("/")[1]: LETTERS[r.choice or 0] for r in made} == dict(list(told.items())[:-2])


def test_vlmevalkit_record(responses: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    path = responses / "raw" / "vlmevalkit_record_MMStar_llava_next_yi_34b.xlsx"
    head, *rows = openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True)
    items, right, seen = [], 0, set()
    for cells in rows:
        row = dict(zip(head, cells, strict=True))
        question, _, listed = row["question"].partition("\nOptions: ")
        parts = listed.removeprefix("A: ").replace(", B: ", "\0").replace(", C: ", "\0").replace(", D: ", "\0")
        options = tuple(parts.split("\0"))
        if len(options) == 4 and row["question"] not in seen and row["prediction"] in ("A", "B", "C", "D"):
            seen.add(row["question"])
            items.append(
                Item(f"m/{row['index']}", question, options, LETTERS.index(row["answer"]), video(str(row["index"])))
            )
            right += row["prediction"] == row["answer"]
    repeated = [row for row in rows if sum(other[1] == row[1] for other in rows) > 1]
    items = [item for item in items if not any(item.id == f"m/{row[0]}" for row in repeated)]
    made, (tally,) = imported([path], items, "yi")
    assert (tally.rows, tally.matched) == (1500, len(items))
    told = {f"m/{row[0]}": row[head.index("prediction")] for row in rows}
    assert len(items) > 900
    assert all(LETTERS[r.choice if r.choice is not None else 9] == told[r.item] for r in made)

"""The real annotation files: how many items, which answers, which categories, and every known defect by name."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apollobench.curate.categorize import categorize
from apollobench.errors import InputError
from apollobench.recipe.categorize import NativeCategories
from apollobench.sources import load_items
from apollobench.types import CATEGORIES, LETTERS, Item

# source, options, rows, malformed ones, videos of the sound ones, their right answers as A, B, C, ...
FILES: list[tuple[str, dict[str, Any], int, int, int, tuple[int, ...]]] = [
    ("nextqa", {"split": "val"}, 4996, 4, 570, (1012, 1012, 991, 967, 1010)),
    ("mlvu", {}, 2175, 22, 1113, (540, 539, 538, 536)),
    ("mlvu", {"split": "test"}, 502, 4, 345, (85, 84, 83, 82, 82, 82)),
    ("longvideobench", {}, 1337, 8, 751, (289, 303, 268, 290, 179)),
    ("longvideobench", {"data": "longvideobench/lvb_val.json"}, 1337, 8, 751, (289, 303, 268, 290, 179)),
    ("tempcompass", {}, 1580, 0, 410, (461, 457, 505, 157)),
    ("tempcompass", {"split": "yes_no"}, 2453, 1, 410, (1225, 1227)),
    ("tempcompass", {"split": "caption_matching"}, 1503, 0, 410, (767, 736)),
    ("egoschema", {}, 500, 1, 499, (100, 108, 91, 83, 117)),
    ("mvbench", {}, 4000, 7, 3682, (1183, 1080, 1044, 635, 51)),
    ("perceptiontest", {"data": "perceptiontest/format_example_1_record.json"}, 1, 0, 1, (0, 0, 1)),
]
DEFECTS = {
    "mlvu": [
        *(
            f"2_needle.json row {row}: the answer 'Catching a flying drone quadcopter' is not among"
            for row in (34, 338)
        ),
        "3_ego.json row 119: option C is empty; the answer is empty",
        "3_ego.json row 313: option D is empty; the answer is empty",
        "1_plotQA.json row 23: option A is empty; option D is empty; options A and D are both ''",
        "7_topic_reasoning.json row 26: the question is empty; option A is empty",
        "7_topic_reasoning.json row 163: options A and D are both 'Living room'",
        *(f"1_plotQA.json row {row}: options" for row in (18, 335, 387, 493)),
        *(f"6_anomaly_reco.json row {row}: options" for row in (2, 8, 45, 66, 127, 130, 142, 164, 179)),
        "3_ego.json row 176: repeats 3_ego.json row 76",
        "3_ego.json row 323: repeats 3_ego.json row 234",
    ],
    "mvbench": [
        *(f"counterfactual_inference.json row {row}: 1 option, expected 2" for row in (81, 98, 111, 137, 162)),
        "object_existence.json row 119: repeats object_existence.json row 56",
        "object_existence.json row 163: repeats object_existence.json row 140",
    ],
    "nextqa": [
        "val.csv row 624: options A and E are both 'scarf'",
        "val.csv row 3570: options B and D are both 'resting'",
        "val.csv row 3844: options B and D are both 'red'",
        "val.csv row 4233: repeats val.csv row 691",
    ],
}


@pytest.fixture(scope="module")
def annotations(shared: Path) -> Path:
    return shared / "data" / "annotations"


def read(annotations: Path, source: str, options: dict[str, Any], **more: Any) -> list[Item]:
    placed = {"data": str(annotations / options["data"])} if "data" in options else {}
    return load_items(source, {**options, **placed, **more}, annotations)


@pytest.mark.parametrize(
    ("source", "options", "rows", "malformed", "videos", "answers"), FILES, ids=lambda value: str(value)[:40]
)
def test_counts_and_answers(
    annotations: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    options: dict[str, Any],
    rows: int,
    malformed: int,
    videos: int,
    answers: tuple[int, ...],
) -> None:
    items = read(annotations, source, options, skip_malformed=True)
    told = re.search(r"left out (\d+) of ([\d,]+) rows", capsys.readouterr().err)
    assert (int(told[1]) if told else 0) == malformed
    assert len(items) == rows - malformed == len({item.id for item in items})
    assert len({item.video.id for item in items}) == videos
    right = Counter(item.answer for item in items)
    assert tuple(right[place] for place in range(len(answers))) == answers
    assert sum(answers) == len(items)
    assert all(item.source == source and item.licence and item.native for item in items)
    assert all(len(set(item.options)) == len(item.options) <= len(LETTERS) for item in items)


@pytest.mark.parametrize("source", DEFECTS)
def test_every_known_defect_is_named(annotations: Path, source: str) -> None:
    options = {"split": "val"} if source == "nextqa" else {}
    with pytest.raises(InputError) as caught:
        read(annotations, source, options)
    lines = [line.strip() for line in str(caught.value).splitlines()[1:-1]]
    for expected in DEFECTS[source]:
        assert any(line.startswith(expected) for line in lines), expected
    assert len(lines) == len(DEFECTS[source])


def test_mlvus_defects_are_as_many_as_known(annotations: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(annotations, "mlvu", {})
    lines = str(caught.value).splitlines()
    found = {what: sum(what in line for line in lines) for what in ("the answer is empty", "not among", "repeats")}
    assert found == {"the answer is empty": 3, "not among": 2, "repeats": 2}
    assert sum("is empty" in line and "option" in line for line in lines) == 4
    assert sum("are both" in line for line in lines) == 16


def test_both_files_of_longvideobench_say_the_same(annotations: Path) -> None:
    table = read(annotations, "longvideobench", {}, skip_malformed=True)
    original = read(annotations, "longvideobench", {"data": "longvideobench/lvb_val.json"}, skip_malformed=True)
    assert [item.fingerprint for item in table] == [item.fingerprint for item in original]
    assert [item.answer for item in table] == [item.answer for item in original]
    assert Counter(item.native["duration_group"] for item in original) == {
        "3600": 561,
        "600": 409,
        "15": 187,
        "60": 172,
    }


def test_every_task_of_mvbench_is_there(annotations: Path) -> None:
    tasks = Counter(item.native["task"] for item in read(annotations, "mvbench", {}, skip_malformed=True))
    assert len(tasks) == 20
    assert {n for task, n in tasks.items() if task not in ("counterfactual_inference", "object_existence")} == {200}


def test_the_answers_of_egoschema_are_those_of_its_repository(annotations: Path) -> None:
    import json

    published = json.loads((annotations / "egoschema" / "subset_answers.json").read_text())
    for item in read(annotations, "egoschema", {}, skip_malformed=True):
        assert item.answer == published[item.id.removeprefix("egoschema/")]


@pytest.mark.parametrize(("source", "options"), [file[:2] for file in FILES], ids=str)
def test_every_label_has_a_category(annotations: Path, source: str, options: dict[str, Any]) -> None:
    items = read(annotations, source, options, skip_malformed=True)
    assert {entry.item.category for entry in categorize(items, NativeCategories(method="native")).categorized} <= set(
        CATEGORIES
    )


def test_the_probes_are_read_as_tables_of_ones_own(annotations: Path) -> None:
    columns = {"options": "a0,a1,a2,a3,a4", "answer_is": "text", "native": "type", "suffix": ".mp4"}
    for name, count in (("val_CQA", 999), ("val_repQ", 4993)):
        path = annotations / "nextqa_probes" / f"{name}.csv"
        told = {**columns, "video": "video_id", "skip_malformed": True}
        assert len(load_items(f"csv:{path}", told, annotations)) == count
    hard = read(annotations, "nextqa", {"data": "nextqa_probes/nextqa-atphard.csv"}, skip_malformed=True)
    assert (
        len({item.id for item in hard} & {item.id for item in read(annotations, *FILES[0][:2], skip_malformed=True)})
        > 2200
    )

"""Each benchmark in the formats in which it is published: the same items, with labels, groups, licence and paths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.sources import load_items
from apollobench.types import Item

from . import made

ALSO = {"question": "And then?", "answer": "A. sitting", "video_id": "1034419625", "dim": "action"}


def read(name: str, path: Path, rows: Any, **options: Any) -> list[Item]:
    made.write(path, rows)
    return load_items(name, {"data": str(path), **options}, path.parent / "data")


def fields(item: Item, root: Path) -> tuple[str, str, Sequence[str], int, str, str]:
    path = item.video.path.relative_to(root / "data").as_posix()
    return item.id, item.question, item.options, item.answer, item.video.id, path


@pytest.mark.parametrize("suffix", ["parquet", "json", "jsonl"])
def test_videomme(tmp_path: Path, suffix: str) -> None:
    second = {**made.VIDEOMME, "question_id": "001-2", "question": "Who lights them?", "answer": "A"}
    first, other = read("videomme", tmp_path / f"v.{suffix}", [made.VIDEOMME, second])
    assert fields(first, tmp_path) == (
        "videomme/001-1",
        "How many candles burn?",
        ("One.", "Two.", "Three.", "None."),
        2,
        "videomme/fFjv93ACGo8",
        "videomme/data/fFjv93ACGo8.mp4",
    )
    assert first.video == other.video
    assert first.native["duration"] == "short"
    assert first.native["task_type"] == "Counting Problem"
    assert first.native["sub_category"] == "Humanity & History"
    assert "research" in first.licence


@pytest.mark.parametrize("suffix", ["parquet", "json"])
def test_mlvu_of_the_hub_has_its_options_in_the_question(tmp_path: Path, suffix: str) -> None:
    (item,) = read("mlvu", tmp_path / f"v.{suffix}", [made.MLVU])
    options = ("Yellow", "Red", "Green", "Blue")
    path = "mlvu/movie101_66.mp4"
    asked = "What color is the car?"
    assert fields(item, tmp_path) == ("mlvu/Q0", asked, options, 1, "mlvu/movie101_66.mp4", path)
    assert item.native == {"duration": "246.5", "task_type": "plotQA"}
    assert item.licence == "CC-BY-NC-SA-4.0"


def test_mlvu_of_the_hub_must_not_contradict_itself(tmp_path: Path) -> None:
    wrong = {**made.MLVU, "candidates": ["Red", "Yellow", "Green", "Blue"]}
    with pytest.raises(InputError, match=r"v.json row 0: the options in the question are .* but candidates are"):
        read("mlvu", tmp_path / "v.json", [wrong])


def test_mlvu_of_the_repository_has_ids_from_task_and_row(tmp_path: Path) -> None:
    rows = [{**original(n), "question_type": "count"} for n in range(2)]
    _, item = read("mlvu", tmp_path / "4_count.json", rows)
    assert (item.id, item.options, item.answer) == ("mlvu/4_count:1", ("1", "2"), 1)
    (test,) = read("mlvu", tmp_path / "test_mcq_gt.json", [{**original(0), "question_id": "AC_0"}], split="test")
    assert (test.id, test.video.path.parent.name) == ("mlvu/AC_0", "mlvu_test")


def original(number: int) -> dict[str, Any]:
    return {
        "video": f"count_{number}.mp4",
        "duration": 572,
        "question": "How often?",
        "candidates": [1, 2],
        "answer": 2,
        "question_type": "count",
    }


def test_longvideobench_in_both_forms(tmp_path: Path) -> None:
    (item,) = read("longvideobench", tmp_path / "v.parquet", [made.LONGVIDEOBENCH])
    named = {name: value for name, value in made.LONGVIDEOBENCH.items() if not name.startswith("option")}
    (same,) = read("longvideobench", tmp_path / "v.json", [{**named, "candidates": ["A cup", "A pen", "A book"]}])
    assert item == same
    options, path = ("A cup", "A pen", "A book"), "datasets/longvideobench/videos/86CxyhFV9MI.mp4"
    key = "longvideobench/86CxyhFV9MI"
    assert fields(item, tmp_path) == (f"{key}_0", "What does she hold?", options, 1, key, path)
    assert (item.native["duration"], item.native["duration_group"]) == ("20.5", "15")


def test_tempcompass_in_both_forms(tmp_path: Path) -> None:
    rows = [made.TEMPCOMPASS, {**ALSO, "question": "And then?\nA. sitting\n B. standing"}]
    nested = {"1034419625": {"action": [{key: row[key] for key in ("question", "answer")} for row in rows]}}
    items = read("tempcompass", tmp_path / "v.parquet", rows)
    assert items == read("tempcompass", tmp_path / "multi-choice.json", nested)
    video, path = "tempcompass/1034419625", "tempcompass/videos/1034419625.mp4"
    name = "tempcompass/multi-choice/1034419625/action/0"
    options = ("dunking", "dribbling", "passing")
    assert fields(items[0], tmp_path) == (name, "What is the man doing?", options, 2, video, path)
    assert items[1].id.endswith("/action/1")
    assert items[1].options == ("sitting", "standing")


@pytest.mark.parametrize("mark", ["Option 1:", "Sentence A:", "Caption A:"])
def test_tempcompass_captions_and_yes_or_no(tmp_path: Path, mark: str) -> None:
    other = mark.replace("1", "2").replace("A", "B")
    captions = {"v": {"order": [{"question": f"Which?\n{mark} one\n{other} two", "answer": f"{other} two"}]}}
    (item,) = read("tempcompass", tmp_path / "c.json", captions, split="caption_matching")
    assert (item.question, item.options, item.answer) == ("Which?", ("one", "two"), 1)
    (item,) = read("tempcompass", tmp_path / "y.json", {"v": {"order": [{"question": "Is it?", "answer": "no"}]}})
    assert (item.question, item.options, item.answer) == ("Is it?", ("yes", "no"), 1)
    assert item.id == "tempcompass/yes_no/v/order/0"


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_nextqa(tmp_path: Path, suffix: str) -> None:
    (item,) = read("nextqa", tmp_path / f"v.{suffix}", [made.NEXTQA])
    options, path = ("roll", "tap", "strum", "hit", "pat"), "nextqa/NExTVideo/4010069381.mp4"
    asked = "how do the two men play"
    assert fields(item, tmp_path) == ("nextqa/4010069381_6", asked, options, 4, "nextqa/4010069381", path)
    assert item.native == {"type": "CH", "frame_count": "369", "width": "640", "height": "480"}
    assert item.licence == "MIT"


def test_perceptiontest_in_both_forms(tmp_path: Path) -> None:
    (item,) = read("perceptiontest", tmp_path / "v.parquet", [made.PERCEPTIONTEST])
    record = {**made.PERCEPTIONTEST, "id": 0}
    (same,) = read("perceptiontest", tmp_path / "v.json", {"video_10909": {"mc_question": [record]}})
    assert item == same
    name, path = "perceptiontest/video_10909", "perceptiontest_val/videos/video_10909.mp4"
    options = ("I don't know", "moving", "static or shaking")
    assert fields(item, tmp_path) == (f"{name}_0", "Is the camera moving or static?", options, 2, name, path)
    assert item.native == {"area": "physics", "reasoning": "descriptive", "tag": "motion,camera"}


def test_egoschema_in_both_forms(tmp_path: Path) -> None:
    (item,) = read("egoschema", tmp_path / "v.parquet", [made.EGOSCHEMA])
    texts = ("cooking", "laundry", "cleaning", "washing up", "resting")
    asked = {"q_uid": "0074f737-11cb", "question": made.EGOSCHEMA["question"]}
    rows = [{**asked, **{f"option {i}": text for i, text in enumerate(texts)}}, {**asked, "q_uid": "unanswered"}]
    with pytest.raises(InputError, match=r"put subset_answers.json of the official repository there"):
        read("egoschema", tmp_path / "questions.json", rows)
    made.write(tmp_path / "subset_answers.json", {"0074f737-11cb": 3})
    assert read("egoschema", tmp_path / "questions.json", rows) == [item]
    name, path = "egoschema/0074f737-11cb", "egoschema/videos/0074f737-11cb.mp4"
    assert fields(item, tmp_path) == (name, "What was C's aim?", texts, 3, name, path)
    made.write(tmp_path / "subset_answers.json", {"gone": 3, "0074f737-11cb": 3})
    with pytest.raises(InputError, match=r"subset_answers.json gone: answers a question that questions.json does not"):
        read("egoschema", tmp_path / "questions.json", rows)


def test_mvbench_takes_the_task_from_the_file_and_names_cut_parts(tmp_path: Path) -> None:
    other = {**made.MVBENCH, "start": 20.0, "end": 25.25}
    cut = {**other, "video": "ZS9XR_30.0_35.0.mp4", "start": 30.0, "end": 35.0}
    first, second, third = read("mvbench", tmp_path / "action_sequence.json", [made.MVBENCH, other, cut])
    path = "mvbench_video/star/Charades_segment/ZS9XR_1.5_17.1.mp4"
    video = "mvbench/star/Charades_segment/ZS9XR"
    options = ("Ate the medicine.", "Took the box.")
    assert fields(first, tmp_path) == ("mvbench/action_sequence:0", made.MVBENCH["question"], options, 0, video, path)
    assert second.video.path.name == "ZS9XR_20.0_25.25.mp4"
    assert third.video.path.name == "ZS9XR_30.0_35.0.mp4"
    assert {first.video.id, second.video.id, third.video.id} == {video}
    assert first.native == {"task": "action_sequence", "start": "1.5", "end": "17.1"}
    with pytest.raises(InputError, match="other is not a task of MVBench"):
        read("mvbench", tmp_path / "other.json", [made.MVBENCH])

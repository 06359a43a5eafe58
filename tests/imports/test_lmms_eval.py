"""Samples as lmms-eval 0.7 writes them with --log_samples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.types import Item, Status

from .conftest import Import

HINT = "Select the best answer to the following multiple-choice question based on the video."


def sample(number: int, item: Item, reply: str, **more: Any) -> dict[str, Any]:
    options = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", item.options, strict=False))
    return {
        "doc_id": number,
        "target": "ABCD"[item.answer],
        "filtered_resps": reply,
        "token_counts": [None],
        "doc_hash": "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",
        "input": f"{HINT}\n{item.question}\n{options}\nThe best answer is:",
        **more,
    }


def videomme(item: Item, pred: str) -> dict[str, Any]:
    """The metric of Video-MME's task."""
    answer = "ABCD"[item.answer]
    told = {"question_id": item.id.split("/")[1], "duration": "short", "pred_answer": pred, "answer": answer}
    return {"videomme_perception_score": {**told, "score": float(pred == answer), "videoID": item.video.path.stem}}


def write(path: Path, samples: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in samples), encoding="utf-8")
    return path


def test_replies_are_read_by_our_extractor(items: list[Item], run: Import, tmp_path: Path) -> None:
    replies = ["B", "The answer is C.", "A", "I cannot tell.", "B"]
    lines = [
        sample(n, item, reply, **videomme(item, reply[:1]))
        for n, (item, reply) in enumerate(zip(items, replies, strict=True))
    ]
    made, tally = run(write(tmp_path / "samples.jsonl", lines))
    assert tally.origin.tool == "lmms-eval"
    assert (tally.rows, tally.matched, tally.lost) == (5, 5, 0)
    assert [made[name].choice for name in ("001-1", "001-2", "002-1", "003-1", "003-2")] == [1, 2, 0, None, 1]
    assert made["003-1"].status is Status.UNPARSED
    assert made["001-2"].text == "The answer is C."
    assert made["001-1"].model == "m@lmms-eval"
    assert tally.rescored == 1  # its own rule takes the T of `The answer is C.` for a wrong letter


def test_a_position_is_never_believed(items: list[Item], run: Import, tmp_path: Path) -> None:
    shifted = [sample(n + 1, item, "A", **videomme(item, "A")) for n, item in enumerate(items)]
    _, tally = run(write(tmp_path / "shifted.jsonl", shifted))
    assert tally.matched == 5
    bare = [{"doc_id": n, "target": "B", "filtered_resps": "A"} for n in range(5)]
    made, tally = run(write(tmp_path / "bare.jsonl", bare))
    assert not made
    assert tally.unmatched == {
        "it shows neither an id nor a question": [f"{tmp_path / 'bare.jsonl'}, line {n}" for n in range(1, 6)]
    }


def test_videos_in_metrics_tell_twins_apart(items: list[Item], run: Import, tmp_path: Path) -> None:
    """As in TempCompass's task, which names no id; tasks such as MVBench's name neither."""
    lines = [
        sample(n, item, "A", avg_accuracy={"video_id": item.video.path.stem, "question": item.question, "dim": "speed"})
        for n, item in enumerate(items)
    ]
    made, tally = run(write(tmp_path / "samples.jsonl", lines))
    assert tally.matched == 5
    assert made.keys() == {"001-1", "001-2", "002-1", "003-1", "003-2"}
    lines = [
        sample(n, item, "A", mvbench_accuracy={"pred_answer": "A", "gt_answer": "A", "score": 1}, input_media=["a.png"])
        for n, item in enumerate(items)
    ]
    _, tally = run(write(tmp_path / "blind.jsonl", lines))
    assert (tally.matched, tally.lost) == (3, 2)


def test_raw_replies_come_in_lists_and_go_before_filtered_ones(items: list[Item], run: Import, tmp_path: Path) -> None:
    lines = [sample(0, items[0], "A", resps=[["It is blue, so B.", "another"]], **videomme(items[0], "A"))]
    made, _ = run(write(tmp_path / "samples.jsonl", lines))
    assert (made["001-1"].choice, made["001-1"].text) == (1, "It is blue, so B.")


def test_a_failed_request_is_an_error(items: list[Item], run: Import, tmp_path: Path) -> None:
    lines = [sample(0, items[0], "[LMMS_EVAL_REQUEST_FAILED after 5 retries] timeout", **videomme(items[0], ""))]
    made, _ = run(write(tmp_path / "samples.jsonl", lines))
    assert made["001-1"].status is Status.ERROR
    assert "timeout" in str(made["001-1"].error)


def test_the_model_is_named_by_the_results_beside(items: list[Item], run: Import, tmp_path: Path) -> None:
    path = write(tmp_path / "20261126_120000_samples_videomme.jsonl", [sample(0, items[0], "B")])
    with pytest.raises(InputError, match=r"line 1: names no model; say whose .* --model NAME"):
        run(path, model=None)
    (tmp_path / "20261126_120000_results.json").write_text(json.dumps({"model_name": "llava/onevision"}))
    made, _ = run(path, model=None)
    assert made["001-1"].model == "llava/onevision@lmms-eval"


def test_malformed_lines_are_all_named(items: list[Item], run: Import, tmp_path: Path) -> None:
    path = write(tmp_path / "samples.jsonl", [sample(0, items[0], "B"), sample(1, items[1], "C")])
    with path.open("a") as file:
        file.write(
            '{"doc_id": 2, "filtered_resps": [[-1.5, false]]}\n[1]\n{"doc_id": NaN, "filtered_resps": ""}\n{"doc'
        )
    with pytest.raises(InputError) as raised:
        run(path)
    text = str(raised.value)
    assert "4 malformed rows, read as lmms-eval" in text
    assert "line 3: the reply is '-1.5', expected text" in text
    assert "line 4: not a sample of lmms-eval" in text
    assert "line 5: NaN is not a JSON number" in text
    assert "line 6: not JSON" in text

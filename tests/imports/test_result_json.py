"""JSON as benchmarks' own evaluation scripts read and write it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.types import Item

from .conftest import Import


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, indent=4))
    return path


def videomme(items: list[Item], replies: list[str | None]) -> list[dict[str, Any]]:
    """One object per video, as Video-MME's script takes it; its video_id is a number of three digits."""
    videos: dict[str, dict[str, Any]] = {}
    for item, reply in zip(items, replies, strict=True):
        native = item.id.split("/")[1]
        video = videos.setdefault(
            native[:3], {"video_id": native[:3], "duration": "short", "domain": "Knowledge", "questions": []}
        )
        video["questions"].append(
            {
                "question_id": native,
                "task_type": "Counting Problem",
                "question": item.question,
                "options": [f"{letter}. {option}" for letter, option in zip("ABCD", item.options, strict=False)],
                "answer": "ABCD"[item.answer],
                "response": reply,
            }
        )
    return list(videos.values())


def test_videomme(items: list[Item], run: Import, tmp_path: Path) -> None:
    made, tally = run(write(tmp_path / "m.json", videomme(items, ["B", "C. 3", "", "A", None])))
    assert tally.origin.tool == "json"
    assert (tally.rows, tally.matched, tally.blank, tally.lost) == (5, 4, 1, 0)
    assert {name: response.choice for name, response in made.items()} == {
        "001-1": 1,
        "001-2": 2,
        "002-1": None,
        "003-1": 0,
    }


def test_mlvu_has_ids_and_letters_alone(items: list[Item], run: Import, tmp_path: Path) -> None:
    rows = [{"question_id": name, "question_type": "count", "option": "B"} for name in ("001-1", "003-2", "AR_0")]
    made, tally = run(write(tmp_path / "m.json", rows))
    assert {name: response.choice for name, response in made.items()} == {"001-1": 1, "003-2": 1}
    assert tally.unmatched == {"no item has its id": [f"{tmp_path / 'm.json'}[2]"]}


def test_nextqa_names_the_item_by_the_key_of_the_object(items: list[Item], run: Import, tmp_path: Path) -> None:
    rows = {"001-1": {"prediction": 3, "answer": 1}, "002-1": {"prediction": 2, "answer": 1}}
    made, tally = run(write(tmp_path / "m.json", rows))
    assert (made["001-1"].choice, made["001-1"].text) == (3, None)
    assert tally.unmatched == {"its id is known, but its key is another": [f"{tmp_path / 'm.json'}['002-1']"]}


def test_tempcompass_names_the_video_by_the_key_of_the_object(items: list[Item], run: Import, tmp_path: Path) -> None:
    asked = "Which way does the ball move?\nA. Left to right.\nB. Right to left."
    record = {"question": asked, "answer": "B. Right to left.", "prediction": " B. Right to left"}
    made, tally = run(
        write(tmp_path / "m.json", {"ball_2": {"direction": [record]}, "ball_7": {"direction": [record]}})
    )
    assert made.keys() == {"003-2"}
    assert tally.unmatched.keys() == {"its question is known, but its video is another"}


def test_lines_of_a_circular_evaluation(items: list[Item], run: Import, tmp_path: Path) -> None:
    """Four tries with the options turned: the first counts."""
    lines = []
    for turn in range(4):
        options = [*items[0].options[turn:], *items[0].options[:turn]]
        listed = "\n".join(f"{letter}. {option}" for letter, option in zip("ABCD", options, strict=True))
        prompt = f"<|im_start|>user\n<image>\n{items[0].question}\n{listed}\nAnswer with the letter.<|im_end|>\n"
        video = f"./VNBench/{items[0].video.path.name}"
        lines.append({"video_path": video, "prompt": prompt, "pred": "B", "gt": "ABCD"[(1 - turn) % 4], "try": turn})
    path = tmp_path / "m.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    made, tally = run(path)
    assert made["001-1"].choice == 1
    assert (tally.matched, tally.repeated, tally.conflicting, tally.key_differs) == (1, 3, 3, 0)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[1:]))
    assert run(path)[0]["001-1"].choice == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[{"question_id": "001-1", "correct": 2}]', "correct is '2', expected 0 or 1"),
        ('[{"question_id": "001-1", "response": 1.5}]', "response is '1.5', expected text or a number"),
        ('[{"question_id": "001-1", "response": "A", "mode": "audio"}]', "mode is 'audio', expected one of text"),
        ('[{"question_id": "001-1", "response": "A", "options": 3}]', "options is '3', expected a list of texts"),
        ('{"a": ' * 20 + '{"response": "A"}' + "}" * 20, "nested more than 16 deep"),
        ('{"a": ' * 100_000, "nested too deeply"),
        ('[{"question_id": "001-1", "response": NaN}]', "NaN is not a JSON number"),
        ('[{"question_id": "001-1", "response": "A"}', "not JSON"),
        ('{"accuracy": 0.5}', "no record with an answer in it"),
    ],
)
def test_what_cannot_be_read_is_named(run: Import, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(InputError, match=why):
        run(tmp_path / "m.json")

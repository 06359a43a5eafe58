"""What lmms-eval itself writes with --log_samples can be imported, item by item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from apollobench.imports.collect import collect
from apollobench.imports.match import Matcher
from apollobench.types import LETTERS, Item, Mode

from ..evaluate import eyes


@pytest.fixture
def items(world: Path) -> list[Item]:
    return eyes.read_world(world)


def logged(number: int, item: Item, reply: str) -> dict[str, Any]:
    """A sample as its evaluator hands it to its tracker."""
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip(LETTERS, item.options, strict=False))
    return {
        "doc_id": number,
        "doc": {"question": item.question},
        "target": LETTERS[item.answer],
        "arguments": [f"{item.question}\n{listed}\nAnswer with the letter.", {"max_new_tokens": 16}],
        "resps": [[reply]],
        "filtered_resps": [reply],
        "token_counts": [None],
        "doc_hash": "0" * 64,
        "eyes_score": {"question_id": item.id, "video_id": item.video.id, "score": 1.0},
    }


@pytest.mark.parametrize("reply", ["{letter}", "<think>It is A, or B.</think>The answer is {letter}."])
def test_samples_that_its_tracker_wrote(items: list[Item], tmp_path: Path, reply: str) -> None:
    from lmms_eval.loggers.evaluation_tracker import EvaluationTracker

    tracker = EvaluationTracker(output_path=str(tmp_path))
    tracker.general_config_tracker.log_experiment_args("eyes", "pretrained=lab/eyes-7b", "", "", False)
    samples = [logged(n, item, reply.format(letter=LETTERS[item.answer])) for n, item in enumerate(items)]
    tracker.save_results_aggregated({"results": {}}, {"toy": samples}, "20261126_120000")
    tracker.save_results_samples("toy", samples)
    (path,) = tmp_path.rglob("*_samples_toy.jsonl")
    made, (tally,) = collect([path], Matcher(items), form=None, model=None, mode=Mode.VIDEO)
    assert (tally.origin.tool, tally.rows, tally.matched, tally.rescored) == ("lmms-eval", len(items), len(items), 0)
    assert {response.item: response.choice for response in made} == {item.id: item.answer for item in items}
    assert {response.model for response in made} == {"lab/eyes-7b@lmms-eval"}

"""The log: one line per step, cut where a run is taken up, and TensorBoard only where it is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.training.checkpoints import Place
from apollobench.training.log import Log, Step, require_tensorboard
from apollobench.training.samples import Failure

STAGES = [("align", 2), ("sft", 3)]


def step(stage: str, number: int, loss: float = 1.5) -> Step:
    return Step(stage, number, loss, {"llm": 0.1}, 0.25, 100, 10, 4, 0.5, 1, [Failure("films/7", "torn")])


def write(folder: Path, place: Place, *steps: Step) -> list[dict[str, object]]:
    with Log(folder, STAGES, place, tensorboard=False) as log:
        for one in steps:
            log.add(one)
        log.sync()
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_every_step_is_a_line_that_says_all(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (record,) = write(tmp_path, Place(0, 0), step("align", 1))
    assert record == {
        "stage": "align",
        "step": 1,
        "loss": 1.5,
        "lr": {"llm": 0.1},
        "grad_norm": 0.25,
        "tokens": 100,
        "label_tokens": 10,
        "clips": 4,
        "seconds": 0.5,
        "spaced": 1,
        "skipped": [{"sample": "films/7", "reason": "torn"}],
    }
    assert "align step 1: films/7 was passed over: torn" in caplog.text


@pytest.mark.parametrize(
    ("place", "kept"), [(Place(0, 0), 0), (Place(0, 1), 1), (Place(1, 0), 2), (Place(1, 2), 4), (Place(2, 0), 5)]
)
def test_what_comes_after_the_place_is_cut_off(tmp_path: Path, place: Place, kept: int) -> None:
    everything = [step(name, number) for name, steps in STAGES for number in range(1, steps + 1)]
    assert len(write(tmp_path, Place(0, 0), *everything)) == 5
    assert len(write(tmp_path, place)) == kept


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, Place(0, 0), step("align", 1), step("align", 2))
    whole = (tmp_path / "log.jsonl").read_text()
    (tmp_path / "log.jsonl").write_text(whole[:-1])
    assert [record["step"] for record in write(tmp_path, Place(0, 1), step("align", 2, loss=7.0))] == [1, 2]


def test_tensorboard_is_asked_for_by_name_when_it_is_missing() -> None:
    if importlib.util.find_spec("tensorboard"):
        require_tensorboard()
        return
    with pytest.raises(InputError, match=r"pip install tensorboard, or set run\.tensorboard to false"):
        require_tensorboard()

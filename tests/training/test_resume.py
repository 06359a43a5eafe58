"""A run that is killed and started again logs, bit by bit, what one that was never killed logs."""

from __future__ import annotations

from pathlib import Path

import torch

from apollobench.apollo.checkpoint import load_apollo
from apollobench.training.checkpoints import newest
from apollobench.training.loop import train

from . import lab

STAGES = [
    lab.stage("vision", (1e-3, 1e-3, 0), 3, batch=2, video=1.0),
    lab.stage("sft", (0, 1e-3, 1e-3), 30, batch=2, text=0.5, multi_image=0.5),
]


def test_kill_and_start_again(corpus: Path, tmp_path: Path) -> None:
    file = lab.recipe(tmp_path / "r.yaml", lab.content(corpus, STAGES, {"checkpoint_every": 5}))
    train(file, tmp_path / "whole")
    expected = lab.log(tmp_path / "whole")

    out = tmp_path / "killed"
    lab.kill_after(tmp_path / "r.yaml", out, 3 + 7)
    place = newest(out / "checkpoints")
    assert place is not None
    assert (place.stage, place.step >= 5, place.step < 30) == (1, True, True)
    assert lab.log(out) == expected[: len(lab.log(out))]

    train(file, out)
    assert lab.log(out) == expected
    models = [load_apollo(folder / "sft")[0].state_dict() for folder in (tmp_path / "whole", out)]
    assert all(torch.equal(value, models[1][name]) for name, value in models[0].items())

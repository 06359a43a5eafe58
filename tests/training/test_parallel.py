"""Two processes compute what one does, and one can take up what two began."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from apollobench.apollo.checkpoint import load_apollo
from apollobench.training.checkpoints import newest
from apollobench.training.loop import train

from . import lab

# Batches of two mixed kinds: at times one process has clips and the other has none.
STAGES = [
    lab.stage("vision", (3e-4, 3e-4, 0), 2, batch=2, image=0.5, video=0.5),
    lab.stage("sft", (0, 3e-4, 3e-4), 25, batch=2, text=0.5, multi_image=0.5),
]
BY = {"loss": 2e-4, "grad_norm": 5e-3}


def same(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in BY}


def compare(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert same(one) == same(other)
        for key, tolerance in BY.items():
            assert one[key] == pytest.approx(other[key], rel=tolerance), (one, other)


def test_two_processes_compute_what_one_does_and_one_can_go_on(corpus: Path, root: Path, tmp_path: Path) -> None:
    run = {"micro_batch": 1, "checkpoint_every": 5, "gradient_checkpointing": True}
    file = lab.recipe(tmp_path / "r.yaml", lab.content(corpus, STAGES, run))
    train(file, tmp_path / "one")
    expected = lab.log(tmp_path / "one")

    out = tmp_path / "two"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(port), "-m", "apollobench"]
    command = [sys.executable, *launch, "train", "--recipe", str(tmp_path / "r.yaml"), "--output_path", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=root, env=environment, stderr=subprocess.DEVNULL)
    try:
        while not (out / "log.jsonl").exists() or len(lab.log(out)) < 2 + 7:
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.01)
    finally:
        process.terminate()
        process.wait()
    done = lab.log(out)
    compare(done, expected[: len(done)])
    place = newest(out / "checkpoints")
    assert place is not None
    assert (place.stage, place.step >= 5) == (1, True)
    first, other = (load_apollo(folder / "vision")[0].state_dict() for folder in (tmp_path / "one", out))
    for name, value in first.items():
        torch.testing.assert_close(other[name], value, atol=1e-4, rtol=0)

    train(file, out)
    compare(lab.log(out), expected)

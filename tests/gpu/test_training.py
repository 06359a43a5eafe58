"""Training on a GPU: a recipe that is killed and goes on, one process of torchrun, and the family's own trainer."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from apollobench.apollo.train.family import INTERNVIDEO2, SIGLIP
from apollobench.apollo.train.run import train as train_family
from apollobench.models.registry import load_model
from apollobench.training.loop import train

from ..apollo.train.test_run import LITTLE, few_steps
from ..training import lab

STAGES = [
    lab.stage("vision", (1e-3, 1e-3, 0), 3, batch=2, video=1.0),
    lab.stage("sft", (0, 1e-3, 1e-3), 30, batch=2, text=0.5, multi_image=0.5),
]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "data"
    lab.make_corpus(folder)
    return folder


def losses(folder: Path) -> list[float]:
    return [row["loss"] for row in lab.log(folder)]


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_recipe_trains_and_goes_on(corpus: Path, tmp_path: Path, precision: str) -> None:
    run: dict[str, Any] = {"checkpoint_every": 5, "gradient_checkpointing": precision == "bfloat16"}
    made = lab.content(corpus, STAGES, run, precision=precision)
    file = lab.recipe(tmp_path / "r.yaml", made)
    train(file, tmp_path / "whole")
    expected = losses(tmp_path / "whole")
    assert len(expected) == 33
    assert all(map(math.isfinite, expected))
    half = tmp_path / "half"
    lab.kill_after(tmp_path / "r.yaml", half, 3 + 6)
    train(file, half)
    assert losses(half) == pytest.approx(expected, rel=1e-2 if precision == "float32" else 0.1)
    assert load_model("apollo-tiny", {"pretrained": str(half / "sft"), "device": "cuda"}).sampling


def test_torchrun_on_one_gpu(corpus: Path, root: Path, tmp_path: Path) -> None:
    lab.recipe(tmp_path / "r.yaml", lab.content(corpus, STAGES, precision="bfloat16"))
    launcher = ["torch.distributed.run", "--standalone", "--nproc_per_node", "1", "-m"]
    words = ["apollobench", "train", "--recipe", str(tmp_path / "r.yaml"), "--output_path", str(tmp_path / "out")]
    command = [sys.executable, "-m", *launcher, *words]
    ended = subprocess.run(
        command, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert len(losses(tmp_path / "out")) == 33


def test_the_family_trains(tmp_path: Path, gpu: torch.device) -> None:
    chosen = [few_steps("apollo-tiny"), few_steps("apollo-tiny-l-blind")]
    folders = train_family(chosen, tmp_path / "out", tmp_path / "work", workers=2, device=gpu, effort=LITTLE)
    for folder in folders:
        assert torch.cuda.get_device_name(gpu) in (folder / "README.md").read_text()
        assert load_model(folder.name, {"pretrained": str(folder), "device": "cuda"}).sampling
    assert {SIGLIP, INTERNVIDEO2} <= {path.stem.removeprefix("encoder-") for path in (tmp_path / "work").glob("*.pt")}

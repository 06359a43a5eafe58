"""Checkpoints: whole or not there, the newest is found, and weights and optimizer come back bit by bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from apollobench.apollo.config import ConnectorConfig, VisionConfig
from apollobench.apollo.model import Apollo
from apollobench.apollo.towers.videomae import VideoMAEConfig
from apollobench.training.checkpoints import Place, load, newest, save, whole_weights
from apollobench.training.parallel import Team
from apollobench.training.recipe import Optimizer, Part
from apollobench.training.stages import freeze, make_optimizer
from apollobench.training.start import allocated, hollow

from .. import tiny

ALONE = Team(0, 1, torch.device("cpu"))
RATES: dict[Part, float] = {"vision": 1e-3, "connector": 1e-2, "llm": 0.0}
SETTINGS = Optimizer(betas=(0.9, 0.99), weight_decay=0.1, warmup_ratio=0.0, max_grad_norm=1.0)


def learning(model: Apollo) -> torch.optim.AdamW:
    freeze(model, RATES)
    return make_optimizer(model, RATES, SETTINGS)


def some_steps(model: Apollo, optimizer: torch.optim.Optimizer, seed: int) -> None:
    torch.manual_seed(seed)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"]
        for p in group["params"]:
            p.grad = torch.randn_like(p)
    optimizer.step()
    optimizer.zero_grad()


def test_weights_and_optimizer_come_back_bit_by_bit(tmp_path: Path) -> None:
    model = tiny.model()
    optimizer = learning(model)
    some_steps(model, optimizer, seed=1)
    save(tmp_path, Place(1, 5, failed=2), model, optimizer, ALONE)
    place = newest(tmp_path)
    assert place == Place(1, 5, failed=2)
    again = allocated(hollow(tiny.config()))
    taken_up = learning(again)
    load(tmp_path, place, again, taken_up, ALONE)
    for each in (model, again):
        some_steps(each, optimizer if each is model else taken_up, seed=2)
    expected = model.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in again.state_dict().items())
    assert again.llm.lm_head.weight is again.llm.model.embed_tokens.weight


def test_a_stage_begins_with_weights_alone(tmp_path: Path) -> None:
    model = tiny.model(seed=3)
    save(tmp_path, Place(2, 0), model, None, ALONE)
    again = allocated(hollow(tiny.config()))
    load(tmp_path, Place(2, 0), again, None, ALONE)
    found = whole_weights(again)
    assert found.keys() == model.state_dict().keys()
    assert all(torch.equal(value, found[name]) for name, value in model.state_dict().items())


def test_only_the_newest_whole_one_counts_and_older_ones_go(tmp_path: Path) -> None:
    model = tiny.model((tiny.SIGLIP,))
    for place in (Place(0, 900), Place(1, 0), Place(1, 40)):
        save(tmp_path, place, model, None, ALONE)
    assert [path.name for path in tmp_path.iterdir()] == ["1-00000040"]
    (tmp_path / ".1-00000080").mkdir()
    assert newest(tmp_path) == Place(1, 40)
    assert newest(tmp_path / "none") is None
    save(tmp_path, Place(1, 80), model, None, ALONE)
    assert [path.name for path in tmp_path.iterdir()] == ["1-00000080"]


KILLED_WHILE_SAVING = """
import os, sys
from pathlib import Path
import torch
from apollobench.training import checkpoints
from apollobench.training.parallel import Team
from tests import tiny
alone, folder = Team(0, 1, torch.device("cpu")), Path(sys.argv[1])
checkpoints.save(folder, checkpoints.Place(0, 1), tiny.model(), None, alone)
rename = Path.rename
Path.rename = lambda self, to: os.kill(os.getpid(), 9) if to.name == "0-00000002" else rename(self, to)
checkpoints.save(folder, checkpoints.Place(0, 2), tiny.model(), None, alone)
"""


def test_a_process_killed_while_saving_leaves_the_one_before(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_WHILE_SAVING, str(tmp_path)]
    done = subprocess.run(command, cwd=root, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True)
    assert done.returncode == -signal.SIGKILL
    assert newest(tmp_path) == Place(0, 1)
    again = allocated(hollow(tiny.config()))
    load(tmp_path, Place(0, 1), again, None, ALONE)
    assert torch.equal(again.llm.lm_head.weight, tiny.model().llm.lm_head.weight)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".0-00000002", "0-00000001"]
    save(tmp_path, Place(0, 2), again, None, ALONE)
    assert [path.name for path in tmp_path.iterdir()] == ["0-00000002"]


@pytest.mark.parametrize("towers", [(tiny.SIGLIP, tiny.INTERNVIDEO2), ()])
def test_a_hollow_model_has_everything_but_values(towers: tuple[str, ...]) -> None:
    real, empty = tiny.model(towers), hollow(tiny.config(towers))
    assert all(p.is_meta for p in empty.parameters())
    filled = allocated(empty)
    filled.load_state_dict(real.state_dict())
    ids = torch.tensor([[1, 2, 3, 4]])
    assert torch.equal(filled.eval()(ids).logits, real(ids).logits)


def test_what_the_library_computes_instead_of_learning_survives(tmp_path: Path) -> None:
    """VideoMAE's position table is neither weight nor buffer."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    tower = VideoMAEConfig.read({**sizes, "image_size": 16, "patch_size": 8, "num_frames": 4}, tmp_path)
    vision = VisionConfig((("videomae-tiny", tower),), select_layer=-1)
    config = tiny.config((), vision=vision, connector=ConnectorConfig(16, 32, 2, kind="mlp_avgpool"))
    model = Apollo(config)
    save(tmp_path / "places", Place(0, 0), model, None, ALONE)
    again = allocated(hollow(config))
    load(tmp_path / "places", Place(0, 0), again, None, ALONE)
    clips = [torch.randn(2, 4, 3, 16, 16)]
    assert torch.equal(again.eval().encode(clips), model.eval().encode(clips))

"""Pre-training of an encoder goes on after a kill as if there had been none."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from apollobench.apollo.towers.hybrid import build_tower
from apollobench.apollo.train.corpus import LABELS, Clips, many_random_clips, random_clips
from apollobench.apollo.train.encoders import pretrain_encoder
from apollobench.apollo.train.family import INTERNVIDEO2, TOWERS

STEPS = 60
KILLED = """
import sys
from pathlib import Path
from apollobench.apollo.train import fit
sys.path.insert(0, sys.argv[1])
from test_encoders import pretrain
fit.KEEP_EVERY = 10
pretrain(Path(sys.argv[2]))
"""


def pretrain(keep: Path | None) -> tuple[nn.Module, dict[str, float]]:
    torch.set_num_threads(1)  # sums are taken in another order by another number of threads
    torch.manual_seed(0)
    tower = build_tower(INTERNVIDEO2, TOWERS[INTERNVIDEO2], -1)
    clips, held = random_clips(range(20_000, 20_004), 4), random_clips(range(900_000, 900_002), 2)
    scores, seconds = pretrain_encoder(
        "internvideo2",
        tower,
        TOWERS[INTERNVIDEO2].width,
        clips,
        held,
        steps=STEPS,
        batch=4,
        lr=2e-3,
        seed=1,
        device=torch.device("cpu"),
        keep=keep,
    )
    assert seconds > 0
    return tower, scores


def test_a_killed_pretraining_goes_on_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # no compiler: compiled steps are worth it only in longer runs
    keep = tmp_path / "state"
    here = str(Path(__file__).parent)
    process = subprocess.Popen([sys.executable, "-c", KILLED, here, str(keep)])
    while not keep.exists():
        assert process.poll() is None, "it ended before it kept a state"
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert 0 < torch.load(keep)["step"] < STEPS
    whole, scores = pretrain(None)
    again, scores_again = pretrain(keep)
    assert scores == scores_again
    assert set(scores) <= {*LABELS, "place error", "velocity error"}
    for one, other in zip(whole.state_dict().values(), again.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_clips_are_drawn_once(tmp_path: Path) -> None:
    seeds = range(20_000, 20_003)
    drawn = many_random_clips(tmp_path, seeds, 2, 1)
    (folder,) = tmp_path.iterdir()
    made = folder.stat().st_mtime_ns
    for clips in (drawn, many_random_clips(tmp_path, seeds, 2, 1)):
        same(clips, random_clips(seeds, 2))
    assert folder.stat().st_mtime_ns == made


def same(one: Clips, other: Clips) -> None:
    assert (one.siglip == other.siglip).all()
    assert (one.internvideo2 == other.internvideo2).all()
    assert one.motion.tobytes() == other.motion.tobytes()
    assert all((one.labels[name] == other.labels[name]).all() for name in LABELS)

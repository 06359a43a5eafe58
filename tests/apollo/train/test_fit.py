"""The training loop of the tiny family: it learns, and a run that was stopped goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from apollobench.apollo.train import fit as module
from apollobench.apollo.train.fit import fit

STEPS = 60


class StoppedError(Exception):
    pass


def task(stop: int = STEPS) -> tuple[nn.Linear, np.random.Generator, Callable[[int], tuple[Tensor, Tensor]]]:
    """A linear map to learn from noisy samples; raises at step `stop`."""
    torch.manual_seed(3)
    model, rng = nn.Linear(4, 1), np.random.default_rng(4)

    def loss(step: int) -> tuple[Tensor, Tensor]:
        if step == stop:
            raise StoppedError
        x = torch.from_numpy(rng.normal(size=(16, 4))).float()
        off = (model(x).squeeze(1) - x.sum(1) + 0.1 * torch.randn(16)).square().mean()
        return off, off.detach()

    return model, rng, loss


def run(stop: int, keep: Path | None) -> nn.Linear:
    model, rng, loss = task(stop)
    fit("toy", list(model.parameters()), loss, steps=STEPS, lr=0.1, rng=rng, keep=keep)
    return model


def test_a_run_that_was_stopped_goes_on_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 10)
    whole = run(STEPS, None)
    assert torch.allclose(whole.weight, torch.ones(1, 4), atol=0.1)
    keep = tmp_path / "state"
    for stop in (25, 47):
        with pytest.raises(StoppedError):
            run(stop, keep)
        assert torch.load(keep)["step"] == stop // 10 * 10
    again = run(STEPS, keep)
    assert torch.equal(again.weight, whole.weight)
    assert torch.equal(again.bias, whole.bias)

"""The training loop of the tiny family: it learns, and a run that was stopped goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from apollobench.apollo.train import fit as module
from apollobench.apollo.train.fit import adamw, fit

STEPS = 60
Draw = Callable[[int], Tensor]


class StoppedError(Exception):
    pass


def task(stop: int) -> tuple[nn.Linear, np.random.Generator, Draw, Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """A linear map to learn from noisy samples; raises at the `stop`-th loss of a run that began at the beginning."""
    torch.manual_seed(3)
    model, rng = nn.Linear(4, 1), np.random.default_rng(4)

    def draw(step: int) -> Tensor:
        x = torch.from_numpy(rng.normal(size=(16, 4))).float()
        return torch.cat([x, torch.full((16, 1), float(step))], dim=1)

    def loss(drawn: Tensor) -> tuple[Tensor, Tensor]:
        x, step = drawn[:, :4], int(drawn[0, 4])
        if step == stop:
            raise StoppedError
        off = (model(x).squeeze(1) - x.sum(1) + 0.1 * torch.randn(16)).square().mean()
        return off, off.detach()

    return model, rng, draw, loss


def run(stop: int, keep: Path | None, draw_stop: int = STEPS) -> nn.Linear:
    model, rng, draw, loss = task(stop)

    def stopping(step: int) -> Tensor:
        if step == draw_stop:
            raise StoppedError
        return draw(step)

    fit("toy", adamw(list(model.parameters()), 0.1, STEPS), stopping, loss, steps=STEPS, rng=rng, keep=keep)
    return model


def test_a_run_that_was_stopped_goes_on_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 10)
    whole = run(STEPS, None)
    assert torch.allclose(whole.weight, torch.ones(1, 4), atol=0.1)
    keep = tmp_path / "state"
    for stop in (25, 47):
        with pytest.raises(StoppedError):
            run(stop, keep)
        state = torch.load(keep)
        assert state["step"] == stop // 10 * 10
        assert state["seconds"] > 0
    again = run(STEPS, keep)
    assert torch.equal(again.weight, whole.weight)
    assert torch.equal(again.bias, whole.bias)


def test_an_error_in_drawing_ends_the_run_after_the_steps_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEEP_EVERY", 10)
    with pytest.raises(StoppedError):
        run(STEPS, tmp_path / "state", draw_stop=21)
    assert torch.load(tmp_path / "state")["step"] == 20


def test_batches_are_drawn_in_order_however_far_ahead() -> None:
    for steps in (range(0), range(3), range(5, 25)):
        assert list(module._ahead(lambda step: step, steps)) == list(steps)

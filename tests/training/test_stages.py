"""Schedules and frozen parts."""

from __future__ import annotations

import math

import pytest

from apollobench.errors import InputError
from apollobench.training.recipe import Optimizer, Part
from apollobench.training.stages import freeze, make_optimizer, schedule, set_rates

from .. import tiny

SETTINGS = Optimizer(betas=(0.9, 0.99), weight_decay=0.1, warmup_ratio=0.03, max_grad_norm=1.0)


def test_the_rate_rises_over_the_warm_up_and_falls_along_a_cosine() -> None:
    shares = [schedule(step, 100, 0.03) for step in range(100)]
    assert shares[:4] == [1 / 3, 2 / 3, 1.0, 1.0]
    assert shares[3:] == sorted(shares[3:], reverse=True)
    assert shares[3 + 97 // 2] == pytest.approx(0.5, abs=0.01)
    assert 0 < shares[-1] < 0.001
    assert schedule(0, 1, 0.03) == schedule(0, 10, 0.0) == 1.0
    assert schedule(5, 10, 0.0) == pytest.approx(0.5 * (1 + math.cos(math.pi / 2)))


@pytest.mark.parametrize(
    "rates",
    [(0.0, 1e-4, 0.0), (5e-6, 1e-4, 0.0), (0.0, 1e-4, 2e-5), (1e-6, 1e-4, 3e-5)],
    ids=["align", "vision", "sft", "everything"],
)
def test_only_parts_with_a_rate_learn_each_at_its_own(rates: tuple[float, float, float]) -> None:
    model = tiny.model()
    by_part: dict[Part, float] = dict(zip(("vision", "connector", "llm"), rates, strict=True))
    freeze(model, by_part)
    for name, p in model.named_parameters():
        part: Part = name.split(".")[0]  # type: ignore[assignment]
        assert p.requires_grad == (by_part[part] > 0)
    optimizer = make_optimizer(model, by_part, SETTINGS)
    held = [p for group in optimizer.param_groups for p in group["params"]]
    assert {id(p) for p in held} == {id(p) for p in model.parameters() if p.requires_grad}
    assert len(held) == len({id(p) for p in held})
    assert all(group["weight_decay"] == (0.1 if group["params"][0].ndim > 1 else 0) for group in optimizer.param_groups)
    shown = set_rates(optimizer, 1, 100, SETTINGS.warmup_ratio)
    assert shown == {part: pytest.approx(rate * 2 / 3) for part, rate in by_part.items() if rate}


def test_a_blind_model_has_no_vision_to_train() -> None:
    with pytest.raises(InputError, match=r"connector has a rate of 0\.0001, but the model is blind"):
        freeze(tiny.model(()), {"vision": 0.0, "connector": 1e-4, "llm": 1e-5})

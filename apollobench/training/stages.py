"""What learns in a stage, and how fast: parts are frozen or have a rate of their own, which follows a schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from apollobench.apollo.model import Apollo
from apollobench.errors import InputError
from apollobench.training.recipe import Optimizer, Part


def parts_of(model: Apollo) -> dict[Part, nn.Module]:
    """The parts that the model has; a blind one has only a language model."""
    parts: dict[Part, nn.Module | None] = {"vision": model.vision, "connector": model.connector, "llm": model.llm}
    return {part: module for part, module in parts.items() if module is not None}


def freeze(model: Apollo, rates: Mapping[Part, float]) -> None:
    """Let the parts learn whose rate is above 0. Raises `InputError` for a rate of a part that the model lacks."""
    parts = parts_of(model)
    absent = [part for part, rate in rates.items() if rate and part not in parts]
    if absent:
        raise InputError(f"{absent[0]} has a rate of {rates[absent[0]]:g}, but the model is blind; make it 0")
    for part, module in parts.items():
        module.requires_grad_(rates[part] > 0).train(rates[part] > 0)


def make_optimizer(model: Apollo, rates: Mapping[Part, float], settings: Optimizer) -> torch.optim.AdamW:
    """AdamW over the parts that learn; each group has its `part` and its `peak` rate."""
    groups = []
    for part, module in parts_of(model).items():
        learning = [p for p in module.parameters() if p.requires_grad]
        for decay, chosen in (
            (settings.weight_decay, [p for p in learning if p.ndim > 1]),
            (0.0, [p for p in learning if p.ndim <= 1]),
        ):
            if chosen:
                groups.append({"params": chosen, "part": part, "peak": rates[part], "weight_decay": decay})
    return torch.optim.AdamW(groups, lr=0.0, betas=settings.betas)


def set_rates(optimizer: torch.optim.Optimizer, step: int, steps: int, warmup_ratio: float) -> dict[str, float]:
    """Give every group its rate for step number `step`, counted from 0; returns the rate of each part."""
    factor = schedule(step, steps, warmup_ratio)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor
    return {group["part"]: group["lr"] for group in optimizer.param_groups}


def schedule(step: int, steps: int, warmup_ratio: float) -> float:
    """Share of the peak rate: up in equal stairs, then half a cosine down, which would be 0 at step number `steps`."""
    rising = math.ceil(steps * warmup_ratio)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))

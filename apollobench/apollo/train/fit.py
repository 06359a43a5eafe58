"""One training loop for every stage: AdamW, warm-up, decay at the end, gradients clipped at 1, loss on replies."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.model import IGNORE, Apollo
from apollobench.apollo.train.lessons import Packed

log = logging.getLogger(__name__)
Batch = tuple[Packed, Tensor | None]


def reply_loss(model: Apollo, packed: Packed, visual: Tensor | None) -> tuple[Tensor, Tensor]:
    """Weighted mean cross entropy over target places, and the share of option letters predicted right (detached)."""
    embeds = model.merge(packed.ids, visual)
    hidden = model.llm.model(
        inputs_embeds=embeds, attention_mask=packed.mask, position_ids=packed.positions, use_cache=False
    ).last_hidden_state
    places = packed.targets != IGNORE
    logits = model.llm.lm_head(hidden[places])
    targets, weights = packed.targets[places], packed.weights[places]
    losses = fn.cross_entropy(logits, targets, reduction="none")
    right = (logits.argmax(-1) == targets)[weights == 1].float().mean()
    return (losses * weights).sum() / weights.sum(), right.detach()


def fit(
    name: str,
    parameters: Sequence[nn.Parameter],
    loss: Callable[[int], tuple[Tensor, Tensor]],
    *,
    steps: int,
    lr: float,
) -> None:
    """Take `steps` optimizer steps on `loss(step)`; logs the loss and the share of right predictions."""
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.01, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _shape(step / steps))
    begun, shown = time.monotonic(), [0.0, 0.0]
    for step in range(steps):
        value, right = loss(step)
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        shown = [0.95 * shown[0] + 0.05 * value.item(), 0.95 * shown[1] + 0.05 * right.item()]
        if step % 50 == 49:
            log.info("%s step %d loss %.4f right %.3f %.0fs", name, step + 1, *shown, time.monotonic() - begun)


def _shape(progress: float) -> float:
    """Share of the learning rate: linear warm-up over the first 4 %, constant, linear decay over the last 40 %."""
    return min(1.0, (progress + 1e-3) / 0.04, max(0.0, (1 - progress) / 0.4) + 0.01)

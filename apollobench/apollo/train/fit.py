"""One training loop for every stage: AdamW, warm-up, decay at the end, gradients clipped at 1, loss on replies."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.model import IGNORE, Apollo
from apollobench.apollo.train.lessons import Packed

log = logging.getLogger(__name__)
RECALL_LAYER, COUNT_LAYER, HINT_LAYER = 2, 3, 4
KEEP_EVERY = 200
RECALL_WEIGHT, HINT_WEIGHT, WORD_WEIGHT = 0.5, 0.7, 0.5


def reply_loss(model: Apollo, packed: Packed, visual: Tensor | None) -> tuple[Tensor, Tensor]:
    """Cross entropy of letters, other words, hints, recalls and counts; the share of letters that are right (detached).

    Deep supervision (Lee et al., arXiv 1409.5185) tells the layers what to do: in the first ones a frame recalls what
    came before it and counts, in the next ones the question's last token finds the answer (a hint), and in the rest the
    reply finds its letter.
    """
    states = model.llm.model(
        inputs_embeds=model.merge(packed.ids, visual),
        attention_mask=packed.mask,
        position_ids=packed.positions,
        use_cache=False,
        output_hidden_states=True,
    ).hidden_states

    def early(layer: int, wanted: Tensor) -> Tensor:
        places = wanted != IGNORE
        logits = model.llm.lm_head(model.llm.model.norm(states[layer][places]))
        return fn.cross_entropy(logits, wanted[places], reduction="sum") / places.sum().clamp(min=1)

    others = (packed.targets != IGNORE) & ~packed.letters
    letters, targets = model.llm.lm_head(states[-1][packed.letters]), packed.targets[packed.letters]
    losses = (
        fn.cross_entropy(letters, targets),
        HINT_WEIGHT * early(HINT_LAYER, packed.hints),
        RECALL_WEIGHT * early(RECALL_LAYER, packed.recalls),
        RECALL_WEIGHT * early(COUNT_LAYER, packed.counts),
        WORD_WEIGHT * fn.cross_entropy(model.llm.lm_head(states[-1][others]), packed.targets[others]),
    )
    return torch.stack(losses).sum(), (letters.argmax(-1) == targets).float().mean().detach()


def fit(
    name: str,
    parameters: Sequence[nn.Parameter],
    loss: Callable[[int], tuple[Tensor, Tensor]],
    *,
    steps: int,
    lr: float,
    rng: np.random.Generator,
    keep: Path | None = None,
) -> None:
    """Take `steps` optimizer steps on `loss(step)`; logs the loss and the share of right predictions.

    rng: what `loss` draws from. keep: file that holds the newest state every `KEEP_EVERY` steps; a run that was stopped
    goes on from it as if it had not been.
    """
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.01, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _shape(step / steps))
    begun, shown = time.monotonic(), [0.0, 0.0]
    first = _restore(keep, parameters, optimizer, schedule, rng) if keep and keep.exists() else 0
    for step in range(first, steps):
        if keep and step % KEEP_EVERY == 0 and step > first:
            _save(keep, step, parameters, optimizer, schedule, rng)
        value, right = loss(step)
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        shown = [0.95 * shown[0] + 0.05 * value.item(), 0.95 * shown[1] + 0.05 * right.item()]
        if step % 50 == 49:
            log.info("%s step %d loss %.4f right %.3f %.0fs", name, step + 1, *shown, time.monotonic() - begun)


def _save(
    path: Path,
    step: int,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    rng: np.random.Generator,
) -> None:
    state = {
        "step": step,
        "parameters": [p.detach() for p in parameters],
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "rng": rng.bit_generator.state,
        "torch": torch.get_rng_state(),
    }
    part = path.with_suffix(".writing")
    torch.save(state, part)
    part.replace(path)


def _restore(
    path: Path,
    parameters: Sequence[nn.Parameter],
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    rng: np.random.Generator,
) -> int:
    """The step to go on with."""
    state = torch.load(path)
    with torch.no_grad():
        for parameter, stored in zip(parameters, state["parameters"], strict=True):
            parameter.copy_(stored)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    rng.bit_generator.state = state["rng"]
    torch.set_rng_state(state["torch"])
    return int(state["step"])


def _shape(progress: float) -> float:
    """Share of the learning rate: linear warm-up over the first 4 %, constant, linear decay over the last 40 %."""
    return min(1.0, (progress + 1e-3) / 0.04, max(0.0, (1 - progress) / 0.4) + 0.01)

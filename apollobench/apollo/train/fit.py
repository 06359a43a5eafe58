"""One training loop for every part: batches drawn ahead, gradients clipped at 1, and a state to go on from.

Also what the language model is trained on: the loss on replies.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import torch.nn.functional as fn
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from apollobench.apollo.model import Apollo
from apollobench.apollo.train.files import whole
from apollobench.apollo.train.lessons import Marks, Packed

log = logging.getLogger(__name__)
RECALL_LAYER, COUNT_LAYER, HINT_LAYER = 2, 3, 4
KEEP_EVERY, SHOW_EVERY, AHEAD = 200, 50, 4
RECALL_WEIGHT, HINT_WEIGHT, WORD_WEIGHT = 0.5, 0.7, 0.5
Batch = TypeVar("Batch")


def reply_loss(model: Apollo, packed: Packed, visual: Tensor | None) -> tuple[Tensor, Tensor]:
    """Cross entropy of letters, other words, hints, recalls and counts; the share of letters that are right (detached).

    Deep supervision (Lee et al., arXiv 1409.5185) tells the layers what to do: in the first ones a frame recalls what
    came before it and counts, in the next ones the question's last token finds the answer (a hint), and in the rest the
    reply finds its letter.
    """
    states = model.llm.model(
        inputs_embeds=_embeds(model, packed, visual),
        attention_mask=packed.mask,
        position_ids=packed.positions,
        use_cache=False,
        output_hidden_states=True,
    ).hidden_states

    def at(layer: int, marks: Marks) -> Tensor:
        picked: Tensor = states[layer].flatten(0, 1).index_select(0, marks.places)
        return picked

    def early(layer: int, marks: Marks) -> Tensor:
        logits = model.llm.lm_head(model.llm.model.norm(at(layer, marks)))
        return fn.cross_entropy(logits, marks.tokens, reduction="sum") / max(1, len(marks.places))

    letters = model.llm.lm_head(at(-1, packed.letters))
    losses = (
        fn.cross_entropy(letters, packed.letters.tokens),
        HINT_WEIGHT * early(HINT_LAYER, packed.hints),
        RECALL_WEIGHT * early(RECALL_LAYER, packed.recalls),
        RECALL_WEIGHT * early(COUNT_LAYER, packed.counts),
        WORD_WEIGHT * fn.cross_entropy(model.llm.lm_head(at(-1, packed.words)), packed.words.tokens),
    )
    return torch.stack(losses).sum(), (letters.argmax(-1) == packed.letters.tokens).float().mean().detach()


def _embeds(model: Apollo, packed: Packed, visual: Tensor | None) -> Tensor:
    """As `Apollo.merge` makes them; the places are known here, so that a GPU need not be asked for their number."""
    embeds: Tensor = model.llm.get_input_embeddings()(packed.ids.clamp(min=0))
    if visual is None:
        return embeds
    vectors = visual.reshape(-1, visual.shape[-1])
    return embeds.flatten(0, 1).index_copy(0, packed.visual, vectors).view_as(embeds)


def adamw(parameters: Sequence[nn.Parameter], lr: float, steps: int) -> LRScheduler:
    """AdamW with warm-up, and decay at the end of `steps`; the scheduler holds its optimizer."""
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.01, betas=(0.9, 0.98), fused=True)
    return LambdaLR(optimizer, lambda step: _shape(step / steps))


def fit(
    name: str,
    schedule: LRScheduler,
    draw: Callable[[int], Batch],
    loss: Callable[[Batch], tuple[Tensor, Tensor]],
    *,
    steps: int,
    rng: np.random.Generator,
    keep: Path | None = None,
) -> float:
    """Take `steps` optimizer steps on `loss(draw(step))`, and log the loss and the share of right predictions.

    draw: runs in a thread, a few steps ahead, and is the only one to draw from `rng`. keep: file that holds the newest
    state every `KEEP_EVERY` steps; a run that was stopped goes on from it as if it had not been. Returns the seconds
    that the steps took, those before a stop included.
    """
    parameters = _parameters(schedule.optimizer)
    first, before = _restore(keep, schedule, rng) if keep and keep.exists() else (0, 0.0)
    begun, shown = time.monotonic() - before, torch.zeros(2, dtype=torch.float64, device=parameters[0].device)

    def drawn(step: int) -> tuple[Mapping[str, Any], Batch]:
        return rng.bit_generator.state, draw(step)

    for step, (state, batch) in enumerate(_ahead(drawn, range(first, steps)), first):
        if keep and step % KEEP_EVERY == 0 and step > first:
            _save(keep, step, time.monotonic() - begun, schedule, state)
        value, right = loss(batch)
        value.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        schedule.optimizer.step()
        schedule.optimizer.zero_grad(set_to_none=True)
        schedule.step()
        shown = 0.95 * shown + 0.05 * torch.stack([value.detach(), right]).double()
        if step % SHOW_EVERY == SHOW_EVERY - 1:
            log.info("%s step %d loss %.4f right %.3f %.0fs", name, step + 1, *shown.tolist(), time.monotonic() - begun)
    return time.monotonic() - begun


def _ahead(draw: Callable[[int], Batch], steps: range) -> Iterator[Batch]:
    """`draw` of each step in order, made in one thread while those before are used."""
    with ThreadPoolExecutor(1) as pool:
        waiting = deque(pool.submit(draw, step) for step in steps[:AHEAD])
        for step in steps:
            batch = waiting.popleft().result()
            if step + AHEAD < steps.stop:
                waiting.append(pool.submit(draw, step + AHEAD))
            yield batch


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _save(path: Path, step: int, seconds: float, schedule: LRScheduler, rng: Mapping[str, Any]) -> None:
    state = {
        "step": step,
        "seconds": seconds,
        "parameters": [p.detach() for p in _parameters(schedule.optimizer)],
        "optimizer": schedule.optimizer.state_dict(),
        "schedule": schedule.state_dict(),
        "rng": rng,
        "torch": torch.get_rng_state(),
    }
    with whole(path) as file:
        torch.save(state, file)


def _restore(path: Path, schedule: LRScheduler, rng: np.random.Generator) -> tuple[int, float]:
    """The step to go on with, and the seconds that the steps before it took."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    with torch.no_grad():
        for parameter, stored in zip(_parameters(schedule.optimizer), state["parameters"], strict=True):
            parameter.copy_(stored)
    schedule.optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    rng.bit_generator.state = state["rng"]
    torch.set_rng_state(state["torch"])
    return int(state["step"]), float(state["seconds"])


def _shape(progress: float) -> float:
    """Share of the learning rate: linear warm-up over the first 4 %, constant, linear decay over the last 40 %."""
    return min(1.0, (progress + 1e-3) / 0.04, max(0.0, (1 - progress) / 0.4) + 0.01)

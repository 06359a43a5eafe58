"""One update: forward and backward passes over this process's share of a batch, then a step of the optimizer.

The loss is the mean over all label tokens of the whole batch, however it is cut into micro-batches and processes: sums
are accumulated, and gradients are divided once by the number of tokens.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

from apollobench.apollo.model import IGNORE
from apollobench.errors import InputError
from apollobench.training.batch import Batch
from apollobench.training.learner import Learner
from apollobench.training.log import Step
from apollobench.training.parallel import Team
from apollobench.training.recipe import Stage, TrainingRecipe
from apollobench.training.samples import Failure
from apollobench.training.stages import set_rates
from apollobench.types import digest


@dataclass
class Sums:
    """What the micro-batches of one update add up to, in one process and then over all."""

    loss: Tensor | float = 0.0
    label_tokens: float = 0
    tokens: float = 0
    clips: float = 0
    spaced: float = 0
    failures: list[Failure] = field(default_factory=list)

    def add(self, batch: Batch, loss: Tensor) -> None:
        self.loss = self.loss + loss.detach().double()
        self.label_tokens += int((batch.labels[:, 1:] != IGNORE).sum())
        self.tokens += int(batch.mask.sum())
        self.clips += batch.clip_count
        self.spaced += batch.spaced
        self.failures += batch.failures

    def over(self, members: Team) -> Sums:
        own = [float(self.loss), self.label_tokens, self.tokens, self.clips, self.spaced, len(self.failures)]
        loss, label_tokens, tokens, clips, spaced, failed = members.total(own)
        return Sums(loss, label_tokens, tokens, clips, spaced, members.gather(self.failures) if failed else [])


@dataclass(frozen=True)
class Stepper:
    """Takes the steps of one stage. batches: this process's micro-batches, beginning with those of the next step."""

    recipe: TrainingRecipe
    stage: Stage
    learner: Learner
    optimizer: torch.optim.Optimizer
    batches: Iterator[Batch]
    members: Team

    def take(self, step: int) -> Step:
        """Do step number `step`, counted from 0. Raises `InputError` when samples run out or the loss is not finite."""
        began = time.monotonic()
        settings = self.recipe.optimizer
        lr = set_rates(self.optimizer, step, self.stage.steps, settings.warmup_ratio)
        torch.manual_seed(int(digest([self.recipe.seed, self.stage.name, step, self.members.rank]), 16) % 2**63)
        sums = self._accumulate().over(self.members)
        norm = self._scaled_norm(sums.label_tokens)
        loss = float(sums.loss) / sums.label_tokens
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise InputError(
                f"{self.stage.name}, step {step + 1}: the loss is {loss}, the gradient's norm {norm}; lower the rates, "
                f"or look for bad values in what the training starts from"
            )
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return Step(
            stage=self.stage.name,
            step=step + 1,
            loss=loss,
            lr=lr,
            grad_norm=norm,
            tokens=int(sums.tokens),
            label_tokens=int(sums.label_tokens),
            clips=int(sums.clips),
            seconds=round(time.monotonic() - began, 3),
            spaced=int(sums.spaced),
            skipped=sums.failures,
        )

    def _accumulate(self) -> Sums:
        members, sums = self.members, Sums()
        half = self.recipe.precision == "bfloat16" and members.world == 1  # several processes convert by themselves
        for _ in range(self.stage.batch // (self.recipe.run.micro_batch * members.world)):
            batch = next(self.batches)
            if batch.missing:
                raise InputError(f"{self.stage.name}: no usable sample found; the last was {batch.failures[-1]}")
            parts = members.most(math.ceil(batch.clip_count / self.learner.model.config.encode_batch_size))
            there = batch.to(members.device)
            with torch.autocast(members.device.type, torch.bfloat16, enabled=half):
                loss = self.learner(there.ids, there.mask, there.labels, there.clips, parts)
            loss.backward()
            sums.add(batch, loss)
        return sums

    def _scaled_norm(self, label_tokens: float) -> float:
        """Turn the accumulated gradients into those of the mean loss, clip them, and return their norm before that.

        A weight that the batch did not reach has a gradient of 0. Several processes have averaged theirs.
        """
        learning = [p for group in self.optimizer.param_groups for p in group["params"]]
        for p in learning:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            p.grad.mul_(self.members.world / label_tokens)
        norm = nn.utils.clip_grad_norm_(learning, self.recipe.optimizer.max_grad_norm)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

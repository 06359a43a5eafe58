"""Pre-training of the two vision encoders on clips whose content is known, with heads that are thrown away after.

In the full-size model this is what SigLIP's and InternVideo2's own pre-training provides.
"""

from __future__ import annotations

import logging
import time

import numpy as np
import torch
import torch.nn.functional as fn
from numpy.typing import NDArray
from torch import Tensor, nn

from apollobench.apollo.train.corpus import IGNORE, LABELS, Clips
from apollobench.sources.synthetic.world import MOVING

log = logging.getLogger(__name__)
OF_MOTION = ("speed", *(label for label in LABELS if label.endswith((" first", " last"))))
MEANS = {"siglip": (0.5, 0.5, 0.5), "internvideo2": (0.485, 0.456, 0.406)}
DEVIATIONS = {"siglip": (0.5, 0.5, 0.5), "internvideo2": (0.229, 0.224, 0.225)}


def to_input(tower: str, clips: NDArray[np.uint8]) -> Tensor:
    """uint8 [N, T, S, S, 3] -> what the tower takes: SigLIP [N, T, 3, S, S], InternVideo2 [N, 3, T, S, S]."""
    kind = "siglip" if tower.startswith("siglip") else "internvideo2"
    x = torch.from_numpy(clips).float().div_(255)
    x = (x - torch.tensor(MEANS[kind])) / torch.tensor(DEVIATIONS[kind])
    return x.permute(0, 1, 4, 2, 3) if kind == "siglip" else x.permute(0, 4, 1, 2, 3)


class Heads(nn.Module):
    """One linear classifier per label on the mean feature of a frame."""

    def __init__(self, width: int, names: tuple[str, ...]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.heads = nn.ModuleDict({name: nn.Linear(width, len(LABELS[name])) for name in names})

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """Features [N, T, rows, columns, C] -> logits [N, T, classes] per label."""
        pooled = self.norm(features.mean(dim=(2, 3)))
        return {name: head(pooled) for name, head in self.heads.items()}


def pretrain_encoder(
    name: str, tower: nn.Module, width: int, clips: Clips, held: Clips, *, steps: int, batch: int, lr: float, seed: int
) -> dict[str, float]:
    """Train `tower` in place. Returns accuracy per label on the held-out clips."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    still = name.startswith("siglip")
    heads = Heads(width, tuple(label for label in LABELS if not (still and label in OF_MOTION)))
    parameters = [*tower.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.02, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.08)
    source, begun = _pixels(name, clips), time.monotonic()
    for step in range(steps):
        rows = rng.integers(len(clips), size=batch)
        labels = _targets(clips, rows, still=still)
        loss = _loss(heads(tower(to_input(name, source[rows]))), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            log.info("%s step %d loss %.3f %.0fs", name, step, loss.item(), time.monotonic() - begun)
        if step % 500 == 499:
            log.info("%s step %d held out %s", name, step, _accuracy(name, tower, heads, held))
    return _accuracy(name, tower, heads, held)


def _pixels(name: str, clips: Clips) -> NDArray[np.uint8]:
    return clips.siglip if name.startswith("siglip") else clips.internvideo2


def _targets(clips: Clips, rows: NDArray[np.int64], *, still: bool) -> dict[str, Tensor]:
    """Labels of some clips; an image encoder is not asked for motion."""
    targets = {name: torch.from_numpy(values[rows]) for name, values in clips.labels.items()}
    if still:
        moving = torch.isin(targets["kind"], torch.tensor([LABELS["kind"].index(kind) for kind in MOVING]))
        targets["action"] = targets["action"].masked_fill(moving, IGNORE)
    return targets


def _loss(logits: dict[str, Tensor], labels: dict[str, Tensor]) -> Tensor:
    losses = []
    for name, values in logits.items():
        if bool((labels[name] != IGNORE).any()):
            losses.append(fn.cross_entropy(values.flatten(0, 1), labels[name].flatten(), ignore_index=IGNORE))
    return torch.stack(losses).sum()


@torch.no_grad()
def _accuracy(name: str, tower: nn.Module, heads: Heads, held: Clips) -> dict[str, float]:
    rows = np.arange(len(held))
    labels = _targets(held, rows, still=name.startswith("siglip"))
    parts = [heads(tower(to_input(name, _pixels(name, held)[i : i + 64]))) for i in range(0, len(held), 64)]
    scores = {}
    for label in parts[0]:
        guess = torch.cat([part[label] for part in parts]).argmax(-1)
        known = labels[label] != IGNORE
        scores[label] = round(float((guess == labels[label])[known].float().mean()), 3)
    return scores

"""Pre-training of the two vision encoders on clips whose content is known, with heads that are thrown away after.

In the full-size model this is what SigLIP's and InternVideo2's own pre-training provides.
"""

from __future__ import annotations

import logging
import shutil
import time

import numpy as np
import torch
import torch.nn.functional as fn
from numpy.typing import NDArray
from torch import Tensor, nn

from apollobench.apollo.config import ConnectorConfig
from apollobench.apollo.connector import PerceiverConnector
from apollobench.apollo.train.corpus import CLIP_FRAMES, IGNORE, LABELS, Clips
from apollobench.sources.synthetic.world import MOVING

log = logging.getLogger(__name__)
# Share of clips in which something moves, and the part of training, at first, that takes clips as they come instead.
MOVING_SHARE, UNSORTED = 0.75, 0.3
MOTION_WEIGHT = 4.0
MOTION = ("action", "speed")
READER_WIDTH = 128
MEANS = {"siglip": (0.5, 0.5, 0.5), "internvideo2": (0.485, 0.456, 0.406)}
DEVIATIONS = {"siglip": (0.5, 0.5, 0.5), "internvideo2": (0.229, 0.224, 0.225)}


def to_input(tower: str, clips: NDArray[np.uint8]) -> Tensor:
    """uint8 [N, T, S, S, 3] -> what the tower takes: SigLIP [N, T, 3, S, S], InternVideo2 [N, 3, T, S, S]."""
    kind = "siglip" if tower.startswith("siglip") else "internvideo2"
    x = torch.from_numpy(clips).float().div_(255)
    x = (x - torch.tensor(MEANS[kind])) / torch.tensor(DEVIATIONS[kind])
    return x.permute(0, 1, 4, 2, 3) if kind == "siglip" else x.permute(0, 4, 1, 2, 3)


class Heads(nn.Module):
    """What is thrown away after: a linear classifier per label on the mean feature of a frame, and one for places.

    Motion is read from all frames of the clip together, by a resampler like the one that will read the features later.
    """

    def __init__(self, width: int, names: tuple[str, ...]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.still = nn.ModuleDict({name: nn.Linear(width, len(LABELS[name])) for name in names if name not in MOTION})
        self.place = nn.Linear(width, 3)
        self.reader = PerceiverConnector(
            ConnectorConfig(
                vision_hidden_size=width,
                text_hidden_size=READER_WIDTH,
                num_output_tokens=CLIP_FRAMES,
                resampler_n_heads=4,
                resampler_head_dim=32,
                num_key_value_heads=4,
                ff_multi=2,
            )
        )
        outputs = {name: len(LABELS[name]) for name in names if name in MOTION} | {"velocity": 3}
        self.moving = nn.ModuleDict({name: nn.Linear(READER_WIDTH, count) for name, count in outputs.items()})

    def forward(self, features: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Features [N, T, rows, columns, C] -> logits [N, T, classes] per label, and motion [N, T, 6]."""
        pooled = self.norm(features.mean(dim=(2, 3)))
        read = self.reader(features)
        logits = {name: head(pooled) for name, head in self.still.items()}
        moving = {name: head(read) for name, head in self.moving.items()}
        velocity = moving.pop("velocity")
        return logits | moving, torch.cat([self.place(pooled), velocity], dim=-1)


def pretrain_encoder(
    name: str, tower: nn.Module, width: int, clips: Clips, held: Clips, *, steps: int, batch: int, lr: float, seed: int
) -> dict[str, float]:
    """Train `tower` in place. Returns accuracy per label on the held-out clips, and the mean error of motion."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    still = name.startswith("siglip")
    heads = Heads(width, tuple(label for label in LABELS if not (still and label == "speed")))
    parameters = [*tower.parameters(), *heads.parameters()]
    if shutil.which("g++"):  # compiled steps take 0.7 to 0.8 of the time, and torch needs a compiler for them
        tower.compile()
        heads.compile()
    optimizer = torch.optim.AdamW(parameters, lr=lr, weight_decay=0.02, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.08)
    moving, begun = np.flatnonzero(~np.isnan(clips.motion).all(axis=(1, 2))), time.monotonic()
    for step in range(steps):
        anything = rng.integers(len(clips), size=batch)
        picked = np.where(rng.random(batch) < MOVING_SHARE, rng.choice(moving, batch), anything)
        rows = anything if still or step < UNSORTED * steps else picked
        logits, motion = heads(tower(to_input(name, _pixels(name, clips)[rows])))
        labels, moved = _targets(clips, rows, still=still)
        loss = _loss(logits, motion, labels, moved)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            log.info("%s step %d loss %.3f %.0fs", name, step, loss.item(), time.monotonic() - begun)
        if step % 500 == 499:
            log.info("%s step %d held out %s", name, step, _scores(name, tower, heads, held))
    return _scores(name, tower, heads, held)


def _pixels(name: str, clips: Clips) -> NDArray[np.uint8]:
    return clips.siglip if name.startswith("siglip") else clips.internvideo2


def _targets(clips: Clips, rows: NDArray[np.int64], *, still: bool) -> tuple[dict[str, Tensor], Tensor]:
    """Labels and motion of some clips; an image encoder is asked where a thing is, not how it moves."""
    labels = {name: torch.from_numpy(values[rows]) for name, values in clips.labels.items()}
    motion = torch.from_numpy(clips.motion[rows])
    if still:
        moving = torch.isin(labels["kind"], torch.tensor([LABELS["kind"].index(kind) for kind in MOVING]))
        labels["action"] = labels["action"].masked_fill(moving, IGNORE)
        motion[..., 3:] = torch.nan
    return labels, motion


def _loss(logits: dict[str, Tensor], motion: Tensor, labels: dict[str, Tensor], moved: Tensor) -> Tensor:
    losses = []
    for name, values in logits.items():
        if bool((labels[name] != IGNORE).any()):
            losses.append(fn.cross_entropy(values.flatten(0, 1), labels[name].flatten(), ignore_index=IGNORE))
    known = ~moved.isnan()
    if bool(known.any()):
        losses.append(MOTION_WEIGHT * fn.smooth_l1_loss(motion[known], moved[known], beta=0.1))
    return torch.stack(losses).sum()


@torch.no_grad()
def _scores(name: str, tower: nn.Module, heads: Heads, held: Clips) -> dict[str, float]:
    labels, moved = _targets(held, np.arange(len(held)), still=name.startswith("siglip"))
    parts = [heads(tower(to_input(name, _pixels(name, held)[i : i + 64]))) for i in range(0, len(held), 64)]
    scores = {}
    for label in parts[0][0]:
        guess = torch.cat([logits[label] for logits, _ in parts]).argmax(-1)
        known = labels[label] != IGNORE
        scores[label] = round(float((guess == labels[label])[known].float().mean()), 3)
    error = (torch.cat([motion for _, motion in parts]) - moved).abs()
    return scores | {"place error": _mean(error[..., :3]), "velocity error": _mean(error[..., 3:])}


def _mean(error: Tensor) -> float:
    return round(float(error.nanmean()), 3)

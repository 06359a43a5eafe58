"""Pre-training of the two vision encoders on clips whose content is known, with heads that are thrown away after.

In the full-size model this is what SigLIP's and InternVideo2's own pre-training provides.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as fn
from numpy.typing import NDArray
from torch import Tensor, nn

from apollobench.apollo.config import ConnectorConfig
from apollobench.apollo.connector import PerceiverConnector
from apollobench.apollo.train.corpus import CLIP_FRAMES, IGNORE, LABELS, Clips
from apollobench.apollo.train.device import moved
from apollobench.apollo.train.fit import fit
from apollobench.sources.synthetic.world import MOVING

# Share of clips in which something moves, and the part of training, at first, that takes clips as they come instead.
MOVING_SHARE, UNSORTED = 0.75, 0.3
MOTION_WEIGHT = 4.0
MOTION = ("action", "speed")
READER_WIDTH = 128
MEANS = {"siglip": (0.5, 0.5, 0.5), "internvideo2": (0.485, 0.456, 0.406)}
DEVIATIONS = {"siglip": (0.5, 0.5, 0.5), "internvideo2": (0.229, 0.224, 0.225)}


def to_input(tower: str, clips: Tensor) -> Tensor:
    """uint8 [N, T, S, S, 3] -> what the tower takes: SigLIP [N, T, 3, S, S], InternVideo2 [N, 3, T, S, S]."""
    kind = "siglip" if tower.startswith("siglip") else "internvideo2"
    mean, deviation = _statistics(kind, clips.device)
    x = (clips.float().div_(255) - mean) / deviation
    return x.permute(0, 1, 4, 2, 3) if kind == "siglip" else x.permute(0, 4, 1, 2, 3)


@cache
def _statistics(kind: str, device: torch.device) -> tuple[Tensor, Tensor]:
    return torch.tensor(MEANS[kind], device=device), torch.tensor(DEVIATIONS[kind], device=device)


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


class Targets(NamedTuple):
    """What some clips show. labels: int64 [n, T] per name, those of which something is known; where: flat places of
    the known values of motion [n, T, 6], and these values.
    """

    labels: dict[str, Tensor]
    where: Tensor
    motion: Tensor


def pretrain_encoder(
    name: str,
    tower: nn.Module,
    width: int,
    clips: Clips,
    held: Clips,
    *,
    steps: int,
    batch: int,
    lr: float,
    seed: int,
    device: torch.device,
    keep: Path | None = None,
) -> tuple[dict[str, float], float]:
    """Train `tower` in place, on `device`. keep: as in `fit`.

    Returns accuracy per label on the held-out clips with the mean error of motion, and the seconds that it took.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    still = name.startswith("siglip")
    heads = Heads(width, tuple(label for label in LABELS if not (still and label == "speed"))).to(device)
    tower.to(device)
    if device.type == "cpu" and shutil.which("g++"):
        # Compiled steps take 0.7 to 0.8 of the time, and torch needs a compiler for them; on a GPU compiling would take
        # longer than it saves.
        tower.compile()
        heads.compile()
    optimizer = torch.optim.AdamW([*tower.parameters(), *heads.parameters()], lr, (0.9, 0.98), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.08)
    pixels = torch.from_numpy(_pixels(name, clips)).to(device)
    moving = np.flatnonzero(~np.isnan(clips.motion).all(axis=(1, 2)))

    def draw(step: int) -> tuple[Tensor, Targets]:
        anything = rng.integers(len(clips), size=batch)
        picked = np.where(rng.random(batch) < MOVING_SHARE, rng.choice(moving, batch), anything)
        rows = anything if still or step < UNSORTED * steps else picked
        return moved(torch.from_numpy(rows), device), _targets(clips, rows, device, still=still)

    def loss(drawn: tuple[Tensor, Targets]) -> tuple[Tensor, Tensor]:
        rows, targets = drawn
        logits, motion = heads(tower(to_input(name, pixels[rows])))
        return _loss(logits, motion, targets), _right(logits, targets).detach()

    seconds = fit(name, schedule, draw, loss, steps=steps, rng=rng, keep=keep)
    return _scores(name, tower, heads, held, device), seconds


def _pixels(name: str, clips: Clips) -> NDArray[np.uint8]:
    return clips.siglip if name.startswith("siglip") else clips.internvideo2


def _targets(clips: Clips, rows: NDArray[np.int64], device: torch.device, *, still: bool) -> Targets:
    """Labels and motion of some clips; an image encoder is asked where a thing is, not how it moves."""
    labels = {name: values[rows] for name, values in clips.labels.items()}
    motion = clips.motion[rows]
    if still:
        moving = np.isin(labels["kind"], [LABELS["kind"].index(kind) for kind in MOVING])
        labels["action"] = np.where(moving, IGNORE, labels["action"])
        motion[..., 3:] = np.nan
    known = {name: moved(torch.from_numpy(v), device) for name, v in labels.items() if (v != IGNORE).any()}
    where = np.flatnonzero(~np.isnan(motion))
    values = motion.reshape(-1)[where]
    return Targets(known, moved(torch.from_numpy(where), device), moved(torch.from_numpy(values), device))


def _loss(logits: dict[str, Tensor], motion: Tensor, targets: Targets) -> Tensor:
    losses = [
        fn.cross_entropy(values.flatten(0, 1), targets.labels[name].flatten(), ignore_index=IGNORE)
        for name, values in logits.items()
        if name in targets.labels
    ]
    if len(targets.where):
        told = motion.flatten().index_select(0, targets.where)
        losses.append(MOTION_WEIGHT * fn.smooth_l1_loss(told, targets.motion, beta=0.1))
    return torch.stack(losses).sum()


def _right(logits: dict[str, Tensor], targets: Targets) -> Tensor:
    """Share of the known labels that are given right."""
    asked = [(logits[name].argmax(-1), wanted) for name, wanted in targets.labels.items() if name in logits]
    right = torch.stack([(guess == wanted).sum() for guess, wanted in asked]).sum()
    return right / torch.stack([(wanted != IGNORE).sum() for _, wanted in asked]).sum()


@torch.no_grad()
def _scores(name: str, tower: nn.Module, heads: Heads, held: Clips, device: torch.device) -> dict[str, float]:
    everything, pixels = np.arange(len(held)), torch.from_numpy(_pixels(name, held))
    targets = _targets(held, everything, device, still=name.startswith("siglip"))
    parts = [heads(tower(to_input(name, pixels[i : i + 64].to(device)))) for i in range(0, len(held), 64)]
    scores = {}
    for label, wanted in targets.labels.items():
        if label in parts[0][0]:
            guess = torch.cat([logits[label] for logits, _ in parts]).argmax(-1)
            scores[label] = round(float((guess == wanted)[wanted != IGNORE].float().mean()), 3)
    told = torch.cat([motion for _, motion in parts])
    true = torch.full_like(told, torch.nan).view(-1).index_copy(0, targets.where, targets.motion).view_as(told)
    error = (told - true).abs()
    return scores | {"place error": _mean(error[..., :3]), "velocity error": _mean(error[..., 3:])}


def _mean(error: Tensor) -> float:
    return round(float(error.nanmean()), 3)

"""The encoders' features of every clip of a bank, for stages in which the encoders rest."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from apollobench.apollo.towers.base import Tower
from apollobench.apollo.towers.hybrid import HybridTower, to_grid
from apollobench.apollo.train.bank import Bank
from apollobench.apollo.train.device import moved
from apollobench.apollo.train.encoders import to_input
from apollobench.apollo.train.files import whole

CHUNK = 64


@dataclass(frozen=True, slots=True)
class Features:
    """One tensor per tower, float16 [N, T, rows, columns, C of the tower], where the towers were."""

    tensors: tuple[Tensor, ...]

    def __getitem__(self, rows: Tensor) -> Tensor:
        """Of some clips, all towers' channels side by side: float32 [n, T, rows, columns, C]."""
        return torch.cat([tensor[rows].float() for tensor in self.tensors], dim=-1)


def make_features(vision: HybridTower, bank: Bank, folder: Path | None, device: torch.device) -> Features:
    """Features of all clips; with a `folder` they are kept there under a name that tells tower and clips.

    On the CPU those that are kept stay on disk, and processes share what they read of them.
    """
    grid = vision.config.grid
    tensors = []
    for name, tower in zip(vision.names, vision.towers, strict=True):
        assert isinstance(tower, Tower)
        if folder is None:
            tensors.append(_run(name, tower, bank, grid, device))
            continue
        path = folder / f"features-{name}-{_state(tower)[:12]}-{bank.name}.npy"
        if not path.exists():
            with whole(path) as file:
                np.save(file, _run(name, tower, bank, grid, device).cpu().numpy())
        tensors.append(torch.from_numpy(np.load(path, mmap_mode="c")).to(device))
    return Features(tuple(tensors))


@torch.no_grad()
def _run(name: str, tower: Tower, bank: Bank, grid: tuple[int, int, int], device: torch.device) -> Tensor:
    parts = []
    for start in range(0, len(bank.siglip), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(bank.siglip)))
        clips = to_input(name, moved(bank.pixels(name, rows), device))
        parts.append(to_grid(tower(clips), grid).half())
    return torch.cat(parts)


def _state(tower: Tower) -> str:
    buffer = io.BytesIO()
    for name, tensor in sorted(tower.state_dict().items()):
        buffer.write(name.encode())
        buffer.write(tensor.cpu().numpy().tobytes())
    return hashlib.sha256(buffer.getvalue()).hexdigest()

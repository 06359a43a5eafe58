"""The encoders' features of every clip of a bank, for stages in which the encoders rest."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from apollobench.apollo.towers.base import Tower
from apollobench.apollo.towers.hybrid import HybridTower, to_grid
from apollobench.apollo.train.bank import Bank

CHUNK = 64


@dataclass(frozen=True, slots=True)
class Features:
    """One array per tower, float16 [N, T, rows, columns, C of the tower]."""

    arrays: tuple[NDArray[np.float16], ...]

    def __getitem__(self, rows: Tensor) -> Tensor:
        """Of some clips, all towers' channels side by side: float32 [n, T, rows, columns, C]."""
        return torch.cat([torch.from_numpy(array[rows.numpy()]).float() for array in self.arrays], dim=-1)


def make_features(vision: HybridTower, bank: Bank, folder: Path | None) -> Features:
    """Features of all clips; with a `folder` they are kept there under a name that tells tower and clips."""
    grid = vision.config.grid
    arrays = []
    for name, tower in zip(vision.names, vision.towers, strict=True):
        assert isinstance(tower, Tower)
        if folder is None:
            arrays.append(_run(name, tower, bank, grid))
            continue
        path = folder / f"features-{name}-{_state(tower)[:12]}-{bank.name}.npy"
        if not path.exists():
            part = path.with_suffix(".part.npy")
            np.save(part, _run(name, tower, bank, grid))
            part.replace(path)
        arrays.append(np.load(path, mmap_mode="r"))
    return Features(tuple(arrays))


@torch.no_grad()
def _run(name: str, tower: Tower, bank: Bank, grid: tuple[int, int, int]) -> NDArray[np.float16]:
    parts = []
    for start in range(0, len(bank.siglip), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(bank.siglip)))
        (clips,) = bank.inputs((name,), rows)
        parts.append(to_grid(tower(clips), grid).half().numpy())
    return np.concatenate(parts)


def _state(tower: Tower) -> str:
    buffer = io.BytesIO()
    for name, tensor in sorted(tower.state_dict().items()):
        buffer.write(name.encode())
        buffer.write(tensor.numpy().tobytes())
    return hashlib.sha256(buffer.getvalue()).hexdigest()

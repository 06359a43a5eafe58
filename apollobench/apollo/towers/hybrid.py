"""Several vision towers as one: their features are brought to one grid and concatenated channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.config import VisionConfig
from apollobench.apollo.towers.base import Tower, TowerConfig, kind_of


class HybridTower(nn.Module):
    """One tensor of clips per tower, in the configured order -> features `[N, T, rows, columns, channels]`."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.names = [name for name, _ in config.towers]
        self.towers = nn.ModuleList(build_tower(name, tower, config.select_layer) for name, tower in config.towers)

    def forward(self, clips: Sequence[Tensor]) -> Tensor:
        if len(clips) != len(self.towers):
            raise ValueError(f"{len(clips)} clip tensors given for the towers {', '.join(self.names)}")
        grid = self.config.grid
        features = [to_grid(tower(x), grid) for tower, x in zip(self.towers, clips, strict=True)]
        return torch.cat(features, dim=-1)


def build_tower(name: str, config: TowerConfig, select_layer: int) -> Tower:
    """A freshly initialised tower that ends at `select_layer` (-1 is the last layer)."""
    return kind_of(name).build(config, select_layer)


def to_grid(features: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """`[N, T, rows, columns, C]` resampled trilinearly (in float32, corners not aligned) to `[N, *grid, C]`.

    Where T stays, that is bilinear frame by frame, for which a GPU has a far better kernel.
    """
    if features.shape[1:4] == grid:
        return features
    count, steps = features.shape[:2]
    if steps == grid[0]:
        frames = features.flatten(0, 1).permute(0, 3, 1, 2).float()
        scaled = fn.interpolate(frames, size=grid[1:], mode="bilinear", align_corners=False)
        return scaled.to(features.dtype).permute(0, 2, 3, 1).reshape(count, *grid, -1)
    volume = features.permute(0, 4, 1, 2, 3).float()
    scaled = fn.interpolate(volume, size=grid, mode="trilinear", align_corners=False)
    return scaled.to(features.dtype).permute(0, 2, 3, 4, 1)

"""Several vision towers as one: their features are brought to one grid and concatenated channel by channel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.config import SiglipConfig, TowerConfig, VisionConfig
from apollobench.apollo.internvideo2 import InternVideo2
from apollobench.apollo.siglip import Siglip


class HybridTower(nn.Module):
    """One tensor of clips per tower, in the configured order -> `[N, T * rows * columns, channels]`."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.names = [name for name, _ in config.towers]
        self.towers = nn.ModuleList(build_tower(tower, config.select_layer) for _, tower in config.towers)

    def forward(self, clips: Sequence[Tensor]) -> Tensor:
        if len(clips) != len(self.towers):
            raise ValueError(f"{len(clips)} clip tensors given for the towers {', '.join(self.names)}")
        grid = self.config.grid
        features = [to_grid(tower(x), grid) for tower, x in zip(self.towers, clips, strict=True)]
        return torch.cat(features, dim=-1).flatten(1, 3)


def build_tower(config: TowerConfig, select_layer: int) -> Siglip | InternVideo2:
    """A freshly initialised tower that ends at `select_layer` (-1 is the last layer)."""
    if isinstance(config, SiglipConfig):
        return Siglip(config, select_layer)
    return InternVideo2(config, select_layer)


def to_grid(features: Tensor, grid: tuple[int, int, int]) -> Tensor:
    """`[N, T, rows, columns, C]` resampled trilinearly (in float32, corners not aligned) to `[N, *grid, C]`."""
    if features.shape[1:4] == grid:
        return features
    volume = features.permute(0, 4, 1, 2, 3).float()
    scaled = fn.interpolate(volume, size=grid, mode="trilinear", align_corners=False)
    return scaled.to(features.dtype).permute(0, 2, 3, 4, 1)

"""The connectors that average instead of resampling, for the comparison in the Apollo paper (arXiv 2412.10360).

Two layers with a GELU between them, then the average over the cells of a regular grid, one cell per token. The paper
names the two kinds but not the grid; here time keeps as many steps as divide both the tokens and the clip, and a frame
is cut into as square a grid as the rest allows (128 tokens of 4 frames: 4 steps of 4 rows and 8 columns).
"""

from __future__ import annotations

import math

import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.config import ConnectorConfig


def pooled_grid(tokens: int, steps: int) -> tuple[int, int, int]:
    """(steps, rows, columns) with `tokens` cells in all, for features of `steps` frames."""
    kept = math.gcd(tokens, steps)
    cells = tokens // kept
    rows = next(rows for rows in range(math.isqrt(cells), 0, -1) if cells % rows == 0)
    return kept, rows, cells // rows


class AveragePool(nn.Module):
    """`proj` on features `[N, T, rows, columns, C]`, then averages: `[N, num_output_tokens, h]`."""

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        self.config = config
        self.proj = self.layers(config.vision_hidden_size, config.text_hidden_size)

    def layers(self, channels: int, width: int) -> nn.Sequential:
        raise NotImplementedError

    def project(self, features: Tensor) -> Tensor:
        """`[N, T, rows, columns, C]` -> `[N, h, T, rows, columns]`."""
        raise NotImplementedError

    def forward(self, features: Tensor) -> Tensor:
        grid = pooled_grid(self.config.num_output_tokens, features.shape[1])
        return fn.adaptive_avg_pool3d(self.project(features), grid).flatten(2).transpose(1, 2)


class MlpAveragePool(AveragePool):
    """Two linear layers on each patch."""

    def layers(self, channels: int, width: int) -> nn.Sequential:
        return nn.Sequential(nn.Linear(channels, width), nn.GELU(), nn.Linear(width, width))

    def project(self, features: Tensor) -> Tensor:
        return self.proj(features).movedim(-1, 1)  # type: ignore[no-any-return]


class ConvAveragePool(AveragePool):
    """Two 3 x 3 convolutions on each frame."""

    def layers(self, channels: int, width: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.GELU(), nn.Conv2d(width, width, 3, padding=1))

    def project(self, features: Tensor) -> Tensor:
        frames = self.proj(features.flatten(0, 1).movedim(-1, 1))
        return frames.unflatten(0, features.shape[:2]).transpose(1, 2)  # type: ignore[no-any-return]

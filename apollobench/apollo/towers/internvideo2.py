"""The InternVideo2 clip tower (Wang et al., arXiv 2403.15377), with the tensor names of the published checkpoints.

Only the blocks that a chosen feature needs exist: later blocks, the image position table, the pooling projector and the
distillation decoders are never built.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.jsonfile import Layers, Positive, Size, expect, from_mapping
from apollobench.apollo.look import INTERNVIDEO2
from apollobench.apollo.patches import patchify
from apollobench.apollo.towers.base import Tower, tower_kind
from apollobench.errors import InputError

EPS = 1e-6


@dataclass(frozen=True, slots=True)
class InternVideo2Config:
    """A clip transformer with full space-time attention. `init_values` is the fresh LayerScale value."""

    d_model: Size = 1408
    depth: Layers = 40
    num_heads: Size = 16
    img_size: Size = 224
    patch_size: Size = 14
    num_frames: Size = 4
    mlp_ratio: Positive = 48 / 11
    init_values: Positive = 1e-5

    @property
    def width(self) -> int:
        return self.d_model

    @property
    def depth_total(self) -> int:
        return self.depth

    @property
    def pixels(self) -> int:
        return self.img_size

    @property
    def side(self) -> int:
        return self.img_size // self.patch_size

    def steps(self, clip_frames: int) -> int:
        if clip_frames != self.num_frames:
            raise InputError(f"a clip has {clip_frames} frames, but internvideo2 takes num_frames {self.num_frames}")
        return clip_frames

    @classmethod
    def read(cls, raw: Mapping[str, Any], path: Path) -> InternVideo2Config:
        expect(path, raw, "qkv_bias", False)
        expect(path, raw, "tubelet_size", 1)
        expect(path, raw, "sep_image_video_pos_embed", True)
        return from_mapping(cls, raw, path)

    def stored(self) -> dict[str, Any]:
        return {"model_type": "internvideo2", **asdict(self)}


class RMSNorm(nn.Module):
    """x / rms(x), reckoned in float32 and cast back, times weight."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * fn.rms_norm(x, self.weight.shape, eps=EPS)


class LayerScale(nn.Module):
    """A learned factor per channel; a product in half precision is a float32 product cast back."""

    def __init__(self, width: int, value: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((width,), value))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.gamma).to(x.dtype)


class Attention(nn.Module):
    """Full attention; queries and keys are normed over all heads together before the heads are split."""

    def __init__(self, config: InternVideo2Config) -> None:
        super().__init__()
        width, self.heads = config.d_model, config.num_heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)
        self.q_norm, self.k_norm = RMSNorm(width), RMSNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (self.q_norm(q), self.k_norm(k), v))
        mixed = fn.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Mlp(nn.Module):
    def __init__(self, config: InternVideo2Config) -> None:
        super().__init__()
        inner = int(config.d_model * config.mlp_ratio)
        self.fc1 = nn.Linear(config.d_model, inner)
        self.fc2 = nn.Linear(inner, config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(fn.gelu(self.fc1(x)))  # type: ignore[no-any-return]


class Block(nn.Module):
    def __init__(self, config: InternVideo2Config) -> None:
        super().__init__()
        self.norm1, self.attn = RMSNorm(config.d_model), Attention(config)
        self.ls1 = LayerScale(config.d_model, config.init_values)
        self.norm2, self.mlp = RMSNorm(config.d_model), Mlp(config)
        self.ls2 = LayerScale(config.d_model, config.init_values)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))  # type: ignore[no-any-return]


class PatchEmbed(nn.Module):
    """Clips `[N, 3, T, S, S]` -> `[N, T, rows * columns, d_model]`: a patch spans one frame."""

    def __init__(self, config: InternVideo2Config) -> None:
        super().__init__()
        kernel = (1, config.patch_size, config.patch_size)
        self.proj = nn.Conv3d(3, config.d_model, kernel, stride=kernel)

    def forward(self, clips: Tensor) -> Tensor:
        n, _, frames = clips.shape[:3]
        patches = patchify(clips.transpose(1, 2).flatten(0, 1), self.proj.kernel_size[1])
        embedded = fn.linear(patches, self.proj.weight.flatten(1), self.proj.bias)
        return embedded.view(n, frames, *embedded.shape[1:])


@tower_kind("internvideo2", InternVideo2Config, INTERNVIDEO2)
class InternVideo2(Tower):
    """Clips `[N, 3, T, S, S]` -> patch features `[N, T, rows, columns, d_model]` after the selected block."""

    layer_names = "blocks."
    unused_tensors = (
        "img_pos_embed",
        "clip_pos_embed",
        "clip_img_pos_embed",
        "clip_projector.",
        "clip_decoder.",
        "final_clip_decoder.",
    )

    def __init__(self, config: InternVideo2Config, select_layer: int = -2) -> None:
        super().__init__()
        self.config = config
        self.depth_total = config.depth
        self.layers_run = config.depth + select_layer + 1
        self.patch_embed = PatchEmbed(config)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.d_model))
        self.pos_embed = nn.Parameter(position_table(config.d_model, config.side, config.num_frames))
        self.blocks = nn.ModuleList(Block(config) for _ in range(self.layers_run))
        self.apply(_init)
        nn.init.trunc_normal_(self.cls_token, std=0.02)

    def renamed(self, name: str) -> str:
        """LayerScale is called `gamma` or, where a library renamed it on saving, `weight`."""
        return re.sub(r"(\.ls[12])\.weight$", r"\1.gamma", name)

    def hidden(self, clips: Tensor) -> Tensor:
        """Clips `[N, 3, T, S, S]` -> `[N, 1 + T * rows * columns, d_model]`, the class token first."""
        tokens = self.patch_embed(clips).flatten(1, 2)
        x: Tensor = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return x

    def forward(self, clips: Tensor) -> Tensor:
        side = self.config.side
        return self.hidden(clips)[:, 1:].reshape(len(clips), -1, side, side, self.config.d_model)


def position_table(width: int, side: int, frames: int) -> Tensor:
    """Fresh position embeddings `[1, 1 + frames * side * side, width]`: a zero row, then sines and cosines.

    The first quarter of the channels tells the frame, the next three eighths the column, the rest the row.
    """
    if width % 16:
        raise ValueError(f"a space-time position table needs a width divisible by 16, not {width}")
    time, space = width // 4, width * 3 // 8
    t, y, x = torch.meshgrid(torch.arange(frames), torch.arange(side), torch.arange(side), indexing="ij")
    rows = torch.cat([_sincos(t.flatten(), time), _sincos(x.flatten(), space), _sincos(y.flatten(), space)], dim=1)
    return torch.cat([torch.zeros(1, width), rows])[None]


def _sincos(positions: Tensor, width: int) -> Tensor:
    frequencies = 10000.0 ** (-torch.arange(width // 2, dtype=torch.float64) / (width / 2))
    angles = positions.double()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1).float()


@torch.no_grad()
def _init(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv3d):
        nn.init.xavier_uniform_(module.weight.flatten(1))
        if module.bias is not None:
            nn.init.zeros_(module.bias)

"""The SigLIP image tower (Zhai et al., arXiv 2303.15343), with the tensor names of the published checkpoints.

Only the layers that a chosen feature needs exist: the closing norm, the pooling head and later layers are never built.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.jsonfile import Layers, Positive, Size, expect, from_mapping
from apollobench.apollo.look import SIGLIP
from apollobench.apollo.patches import patchify
from apollobench.apollo.towers.base import Tower, tower_kind


@dataclass(frozen=True, slots=True)
class SiglipConfig:
    """An image transformer without class token; `image_size` may leave a rest that patches do not cover."""

    hidden_size: Size = 1152
    intermediate_size: Size = 4304
    num_hidden_layers: Layers = 27
    num_attention_heads: Size = 16
    image_size: Size = 384
    patch_size: Size = 14
    layer_norm_eps: Positive = 1e-6

    @property
    def width(self) -> int:
        return self.hidden_size

    @property
    def depth_total(self) -> int:
        return self.num_hidden_layers

    @property
    def pixels(self) -> int:
        return self.image_size

    @property
    def side(self) -> int:
        return self.image_size // self.patch_size

    def steps(self, clip_frames: int) -> int:
        return clip_frames

    @classmethod
    def read(cls, raw: Mapping[str, Any], path: Path) -> SiglipConfig:
        expect(path, raw, "hidden_act", "gelu_pytorch_tanh")
        return from_mapping(cls, raw, path)

    def stored(self) -> dict[str, Any]:
        return {"model_type": "siglip_vision_model", **asdict(self)}


class Embeddings(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.patch_embedding = nn.Conv2d(3, config.hidden_size, config.patch_size, stride=config.patch_size)
        self.position_embedding = nn.Embedding(config.side**2, config.hidden_size)

    def forward(self, frames: Tensor) -> Tensor:
        conv = self.patch_embedding
        patches = patchify(frames, conv.kernel_size[0])
        return fn.linear(patches, conv.weight.flatten(1), conv.bias) + self.position_embedding.weight


class SelfAttention(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.heads = config.num_attention_heads
        width = config.hidden_size
        self.q_proj, self.k_proj = nn.Linear(width, width), nn.Linear(width, width)
        self.v_proj, self.out_proj = nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            p(x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for p in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = fn.scaled_dot_product_attention(q, k, v)
        return self.out_proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Mlp(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(fn.gelu(self.fc1(x), approximate="tanh"))  # type: ignore[no-any-return]


class Layer(nn.Module):
    def __init__(self, config: SiglipConfig) -> None:
        super().__init__()
        self.layer_norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.self_attn = SelfAttention(config)
        self.layer_norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = Mlp(config)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    def __init__(self, config: SiglipConfig, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(config) for _ in range(layers))


class VisionModel(nn.Module):
    def __init__(self, config: SiglipConfig, layers: int) -> None:
        super().__init__()
        self.embeddings = Embeddings(config)
        self.encoder = Encoder(config, layers)


@tower_kind("siglip", SiglipConfig, SIGLIP)
class Siglip(Tower):
    """Clips `[N, T, 3, S, S]` -> patch features `[N, T, rows, columns, hidden_size]` after the selected layer."""

    layer_names = "vision_model.encoder.layers."
    unused_tensors = ("vision_model.post_layernorm.", "vision_model.head.")

    def __init__(self, config: SiglipConfig, select_layer: int = -2) -> None:
        super().__init__()
        self.config = config
        self.depth_total = config.num_hidden_layers
        self.layers_run = config.num_hidden_layers + select_layer + 1
        self.vision_model = VisionModel(config, self.layers_run)
        self.apply(_init)

    def hidden(self, frames: Tensor) -> Tensor:
        """Frames `[N, 3, S, S]` -> `[N, rows * columns, hidden_size]`, without any closing norm."""
        x: Tensor = self.vision_model.embeddings(frames)
        for layer in self.vision_model.encoder.layers:
            x = layer(x)
        return x

    def forward(self, clips: Tensor) -> Tensor:
        side = self.config.side
        return self.hidden(clips.flatten(0, 1)).view(*clips.shape[:2], side, side, self.config.hidden_size)


@torch.no_grad()
def _init(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=1 / math.sqrt(module.embedding_dim))
    elif isinstance(module, nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=1 / math.sqrt(module.weight[0].numel()))
        assert module.bias is not None
        nn.init.zeros_(module.bias)

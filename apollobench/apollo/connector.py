"""From visual features to the language model's vectors: one linear layer, then a Perceiver resampler per clip.

The resampler follows Jaegle et al. (arXiv 2103.03206): learned latents attend to the projected features and to
themselves. No position is added here, so order inside a clip comes from the towers alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as fn
from torch import Tensor, nn

from apollobench.apollo.config import ConnectorConfig
from apollobench.apollo.pooling import AveragePool, ConvAveragePool, MlpAveragePool


class WeightedNorm(nn.Module):
    """LayerNorm times one more learned factor, whose name `wheight` is that of the published tensors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wheight = nn.Parameter(torch.ones(width))
        self.norm = nn.LayerNorm(width, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x) * self.wheight  # type: ignore[no-any-return]


class LatentAttention(nn.Module):
    """Latents ask; the context followed by the latents answers. Each key/value head serves a run of query heads."""

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        width, self.head_dim = config.text_hidden_size, config.resampler_head_dim
        inner, shared = config.resampler_n_heads * self.head_dim, config.num_key_value_heads * self.head_dim
        self.q_proj = nn.Linear(width, inner, bias=False)
        self.k_proj = nn.Linear(width, shared, bias=False)
        self.v_proj = nn.Linear(width, shared, bias=False)
        self.o_proj = nn.Linear(inner, width, bias=False)

    def forward(self, latents: Tensor, context: Tensor) -> Tensor:
        memory = torch.cat([context, latents], dim=1)
        q, k, v = (
            proj(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
            for proj, x in ((self.q_proj, latents), (self.k_proj, memory), (self.v_proj, memory))
        )
        mixed = fn.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        return self.o_proj(mixed.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class GatedMlp(nn.Module):
    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        width, inner = config.text_hidden_size, config.text_hidden_size * config.ff_multi
        self.gate_proj = nn.Linear(width, inner, bias=False)
        self.up_proj = nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(fn.silu(self.gate_proj(x)) * self.up_proj(x))  # type: ignore[no-any-return]


class PerceiverLayer(nn.Module):
    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        width = config.text_hidden_size
        self.input_latents_norm, self.input_context_norm = WeightedNorm(width), WeightedNorm(width)
        self.self_attn = LatentAttention(config)
        self.post_attention_layernorm = WeightedNorm(width)
        self.mlp = GatedMlp(config)

    def forward(self, latents: Tensor, context: Tensor) -> Tensor:
        latents = latents + self.self_attn(self.input_latents_norm(latents), self.input_context_norm(context))
        return latents + self.mlp(self.post_attention_layernorm(latents))  # type: ignore[no-any-return]


class Perceiver(nn.Module):
    """Context `[N, L, h]` -> latents `[N, n, h]`."""

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(config.num_output_tokens, config.text_hidden_size) * 0.02)
        self.layers = nn.ModuleList(PerceiverLayer(config) for _ in range(config.resampler_depth))
        self.norm = WeightedNorm(config.text_hidden_size)

    def forward(self, context: Tensor) -> Tensor:
        latents = self.latents.expand(len(context), -1, -1)
        for layer in self.layers:
            latents = layer(latents, context)
        return self.norm(latents)  # type: ignore[no-any-return]


class PerceiverConnector(nn.Module):
    """Features `[N, T, rows, columns, C]` -> `[N, num_output_tokens, h]`.

    The published "mlp1x_gelu" names a single linear layer, without GELU.
    """

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__()
        self.config = config
        self.proj = nn.Sequential(nn.Linear(config.vision_hidden_size, config.text_hidden_size))
        self.resampler = Perceiver(config)
        self.apply(_init)

    def forward(self, features: Tensor) -> Tensor:
        return self.resampler(self.proj(features.flatten(1, -2)))  # type: ignore[no-any-return]


@torch.no_grad()
def _init(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


Connector = PerceiverConnector | AveragePool
CONNECTORS: Mapping[str, type[Connector]] = {
    "perceiver": PerceiverConnector,
    "mlp_avgpool": MlpAveragePool,
    "conv_avgpool": ConvAveragePool,
}


def build_connector(config: ConnectorConfig) -> Connector:
    """A freshly initialised connector of `config.kind`."""
    return CONNECTORS[config.kind](config)

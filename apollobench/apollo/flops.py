"""Floating point operations of Apollo's parts, from their configurations alone.

A multiplication and an addition count as two. Counted are matrix products and attention, over the pairs that it needs
(under a causal mask, half of them); norms, activations and resampling, about a hundredth of the work, are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apollobench.apollo.config import ApolloConfig, ConnectorConfig, VisionConfig
from apollobench.apollo.towers.base import TowerConfig
from apollobench.apollo.towers.internvideo2 import InternVideo2Config
from apollobench.apollo.towers.siglip import SiglipConfig
from apollobench.errors import InputError

QWEN2_SIZES = (
    "hidden_size",
    "num_attention_heads",
    "num_key_value_heads",
    "intermediate_size",
    "num_hidden_layers",
    "vocab_size",
)


def clip_flops(config: ApolloConfig) -> int:
    """One clip through all towers and the connector; 0 for a blind model."""
    if config.vision is None or config.connector is None:
        return 0
    towers = sum(tower_flops(tower, config.vision) for _, tower in config.vision.towers)
    return towers + connector_flops(config.connector, config.vision)


def tower_flops(tower: TowerConfig, vision: VisionConfig) -> int:
    """One clip through the layers of `tower` that run. Raises `InputError` for a kind that is not Apollo's own."""
    frames, layers = vision.clip_frames, tower.depth_total + vision.select_layer + 1
    match tower:
        case SiglipConfig():
            patches = tower.side**2
            layer = _layer(patches, tower.width, tower.intermediate_size)
            return frames * (_patches(patches, tower.patch_size, tower.width) + layers * layer)
        case InternVideo2Config():
            patches = frames * tower.side**2
            layer = _layer(patches + 1, tower.width, int(tower.width * tower.mlp_ratio))
            return _patches(patches, tower.patch_size, tower.width) + layers * layer
    raise InputError(f"the operations of a tower with {type(tower).__name__} are not counted; only Apollo's own are")


def connector_flops(config: ConnectorConfig, vision: VisionConfig) -> int:
    """The features of one clip through a perceiver. Raises `InputError` for another kind of connector."""
    if config.kind != "perceiver":
        raise InputError(f"the operations of connector {config.kind!r} are not counted; only those of 'perceiver' are")
    steps, rows, columns = vision.grid
    patches, latents, width = steps * rows * columns, config.num_output_tokens, config.text_hidden_size
    inner, shared = (
        heads * config.resampler_head_dim for heads in (config.resampler_n_heads, config.num_key_value_heads)
    )
    memory = patches + latents
    attention = 4 * latents * width * inner + 4 * memory * width * shared + 4 * latents * memory * inner
    mlp = 6 * latents * width * width * config.ff_multi
    return 2 * patches * config.vision_hidden_size * width + config.resampler_depth * (attention + mlp)


def read_flops(llm: Mapping[str, Any], tokens: int, before: int = 0) -> int:
    """`tokens` more after `before` that are cached, through a Qwen2 model; logits of the last token only.

    With `tokens` 1, one step of decoding.
    """
    width, heads, shared_heads, inner, layers, vocabulary = (int(llm[name]) for name in QWEN2_SIZES)
    shared = width * shared_heads // heads
    linear = 4 * width**2 + 4 * width * shared + 6 * width * inner
    pairs = tokens * before + tokens * (tokens + 1) // 2
    return layers * (tokens * linear + 4 * pairs * width) + 2 * width * vocabulary


def _patches(count: int, size: int, width: int) -> int:
    return 2 * count * 3 * size**2 * width


def _layer(tokens: int, width: int, inner: int) -> int:
    """Queries, keys, values and output; attention of all with all; two layers of the MLP."""
    return 8 * tokens * width**2 + 4 * tokens**2 * width + 4 * tokens * width * inner

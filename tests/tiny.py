"""Tiny random Apollo models and a tokenizer, for tests that need a real model but no knowledge."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from apollobench.apollo.config import ApolloConfig, ConnectorConfig, VisionConfig
from apollobench.apollo.model import Apollo
from apollobench.apollo.towers.base import TowerConfig
from apollobench.apollo.towers.internvideo2 import InternVideo2Config
from apollobench.apollo.towers.siglip import SiglipConfig
from apollobench.types import Sampling

SIGLIP, INTERNVIDEO2 = "siglip-tiny", "internvideo2"
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level, without merges: every byte is a token, so any text can be written."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytewise = Tokenizer(models.BPE({c: i for i, c in enumerate(letters)}, []))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=bytewise, eos_token=SPECIAL[0], pad_token=SPECIAL[0])
    fast.add_special_tokens({"additional_special_tokens": list(SPECIAL[1:])})
    return fast


def config(towers: tuple[str, ...] = (SIGLIP, INTERNVIDEO2), **changes: Any) -> ApolloConfig:
    """Towers of different grids (3 and 2 patches a side), 2 resampled vectors per clip, a two-layer language model."""
    known: dict[str, TowerConfig] = {
        SIGLIP: SiglipConfig(16, 32, 2, 2, image_size=26, patch_size=8),
        INTERNVIDEO2: InternVideo2Config(16, 2, 2, img_size=16, patch_size=8, num_frames=4, init_values=0.5),
    }
    vision = VisionConfig(tuple((name, known[name]) for name in towers), select_layer=-1) if towers else None
    connector = ConnectorConfig(vision.channels, 32, 2, 1, 2, 8, 1, 2) if vision else None
    llm = {
        "model_type": "qwen2",
        "vocab_size": 259,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 4096,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": 258,
        "initializer_range": 0.3,
    }
    sampling = Sampling(kind="clips", max_clips=3) if towers else Sampling(kind="center")
    return ApolloConfig(**{"llm": llm, "vision": vision, "connector": connector, "sampling": sampling} | changes)


def model(towers: tuple[str, ...] = (SIGLIP, INTERNVIDEO2), seed: int = 0, **changes: Any) -> Apollo:
    """A random model in eval mode; `changes` replace fields of its `ApolloConfig`."""
    torch.manual_seed(seed)
    return Apollo(config(towers, **changes)).eval()

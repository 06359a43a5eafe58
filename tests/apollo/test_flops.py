"""Operations from configurations against torch's own counter, on small modules and on the published sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import DynamicCache, Qwen2Config, Qwen2ForCausalLM

from apollobench.apollo.config import ApolloConfig, ConnectorConfig, VisionConfig
from apollobench.apollo.connector import build_connector
from apollobench.apollo.flops import clip_flops, connector_flops, read_flops, tower_flops
from apollobench.apollo.towers.base import kind_of
from apollobench.apollo.towers.hybrid import build_tower
from apollobench.apollo.towers.internvideo2 import InternVideo2Config
from apollobench.apollo.towers.siglip import SiglipConfig
from apollobench.errors import InputError

from .. import tiny

PUBLISHED = VisionConfig((("siglip-so400m-patch14-384", SiglipConfig()), ("internvideo2", InternVideo2Config())))


def parts(size: str) -> tuple[VisionConfig, ConnectorConfig]:
    config = tiny.config()
    assert config.vision is not None
    assert config.connector is not None
    few_layers = replace(PUBLISHED, select_layer=-26)
    return (few_layers, ConnectorConfig(2560, 3584)) if size == "published" else (config.vision, config.connector)


def counted(module: nn.Module, *given: Tensor) -> int:
    module.requires_grad_(False)
    with FlopCounterMode(display=False) as counter:
        module(*given)
    return counter.get_total_flops()


@pytest.mark.parametrize("size", ["tiny", "published"])
def test_towers(size: str) -> None:
    vision, _ = parts(size)
    for name, config in vision.towers:
        with torch.device("meta"):
            tower = build_tower(name, config, vision.select_layer)
            frames = torch.empty(2, vision.clip_frames, 3, config.pixels, config.pixels)
        clips = frames.transpose(1, 2) if kind_of(name).look.channels_first else frames
        assert counted(tower, clips) == 2 * tower_flops(config, vision)


@pytest.mark.parametrize("size", ["tiny", "published"])
def test_connector(size: str) -> None:
    vision, config = parts(size)
    with torch.device("meta"):
        connector = build_connector(config)
        features = torch.empty(2, *vision.grid, vision.channels)
    assert counted(connector, features) == 2 * connector_flops(config, vision)


@pytest.mark.parametrize(("tokens", "before"), [(9, 0), (1, 20), (5, 20)])
def test_language_model_without_the_pairs_that_a_causal_mask_hides(tokens: int, before: int) -> None:
    llm = tiny.config().llm
    model = Qwen2ForCausalLM(Qwen2Config.from_dict(dict(llm))).eval()
    cache = DynamicCache(config=model.config)
    # The counter knows attention by its matrix products, which the kernels of a CPU hide.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        if before:
            model(torch.zeros(1, before, dtype=torch.long), past_key_values=cache)
        with FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, tokens, dtype=torch.long), past_key_values=cache, logits_to_keep=1)
    hidden = llm["num_hidden_layers"] * 4 * llm["hidden_size"] * tokens * (tokens - 1) // 2
    assert counter.get_total_flops() - hidden == read_flops(llm, tokens, before)


def test_a_clip_of_the_published_7b() -> None:
    llm = {"hidden_size": 3584}
    config = ApolloConfig(llm, PUBLISHED, ConnectorConfig(2560, 3584))
    assert clip_flops(config) == pytest.approx(4.93e12, rel=0.005)
    assert clip_flops(tiny.config(())) == 0


def test_what_is_not_counted_is_refused() -> None:
    vision, connector = parts("tiny")
    with pytest.raises(InputError, match="connector 'mlp_avgpool' are not counted"):
        connector_flops(replace(connector, kind="mlp_avgpool"), vision)
    raw = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8, "image_size": 32}
    dinov2 = kind_of("dinov2").config(raw)
    with pytest.raises(InputError, match="Dinov2Config are not counted"):
        tower_flops(dinov2, vision)

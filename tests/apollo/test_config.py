"""Configurations: published files with all their clutter, refusals by name, and the full sizes without their memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from apollobench.apollo.config import (
    ApolloConfig,
    ConnectorConfig,
    VisionConfig,
    config_files,
    parse_dtype,
    read_config,
)
from apollobench.apollo.connector import PerceiverConnector
from apollobench.apollo.towers.internvideo2 import InternVideo2, InternVideo2Config
from apollobench.apollo.towers.siglip import Siglip, SiglipConfig
from apollobench.errors import InputError
from apollobench.types import Sampling

from .. import tiny

SIZES = {
    "1.5B": ((1536, 28, 12, 2, 8960, 151936, True), 38_358_528, 1_543_714_304),
    "3B": ((2048, 36, 16, 2, 11008, 151936, True), 63_727_616, 3_085_938_688),
    "7B": ((3584, 28, 28, 4, 18944, 152064, False), 177_583_616, 7_615_616_512),
}


def write(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("towers", [(tiny.SIGLIP, tiny.INTERNVIDEO2), (tiny.INTERNVIDEO2,), ()])
def test_written_configurations_are_read_back(tmp_path: Path, towers: tuple[str, ...]) -> None:
    config = tiny.config(towers, sampling=Sampling(kind="uniform", frames=16, clip_frames=4))
    write(tmp_path, config_files(config))
    assert read_config(tmp_path) == config


def test_published_files_are_read_past_their_clutter(tmp_path: Path) -> None:
    junk = {"return_dict": True, "hidden_size": 768, "num_hidden_layers": 12, "layer_norm_eps": 1e-12}
    internvideo2 = {"d_model": 1408, "num_heads": 16, "img_size": 224, "patch_size": 14, "num_frames": 4, **junk}
    siglip = {"hidden_size": 1152, "num_hidden_layers": 27, "hidden_act": "gelu_pytorch_tanh", "torch_dtype": "x"}
    vision = {
        "vision_towers": ["siglip-so400m-patch14-384", "internvideo2"],
        "token_output_shape": [4, 27, 27],
        "configs": {},
    }
    connector = {
        "vision_hidden_size": 2560,
        "text_hidden_size": 2048,
        "num_output_tokens": 128,
        "projector_type": "mlp1x_gelu",
        "resampler_type": "perciver",
        "num_patches": 24,
        "rms_norm_eps": 1e-6,
    }
    root = {"clip_duration": 2, "encode_batch_size": 25, "model_dtype": "torch.bfloat16", "attention_dropout": 0.0}
    write(
        tmp_path,
        {
            "config.json": root,
            "llm/config.json": {"model_type": "qwen2", "hidden_size": 2048, "tokenizer_model_max_length": 16384},
            "mm_connector/config.json": connector,
            "vision_tower/config.json": vision,
            "vision_tower/siglip-so400m-patch14-384/config.json": siglip,
            "vision_tower/internvideo2/config.json": internvideo2,
        },
    )
    config = read_config(tmp_path)
    towers = (("siglip-so400m-patch14-384", SiglipConfig()), ("internvideo2", InternVideo2Config()))
    assert config.vision == VisionConfig(towers, select_layer=-2, clip_frames=4)
    assert config.vision.grid == (4, 27, 27)
    assert config.connector == ConnectorConfig(2560, 2048)
    assert config.model_dtype == "bfloat16"
    assert config.sampling == Sampling(kind="released", clip_seconds=2, tokens_per_clip=128, token_budget=16384)


@pytest.mark.parametrize(
    ("file", "changes", "message"),
    [
        ("config.json", {"mm_vision_select_feature": "cls_patch"}, "mm_vision_select_feature is 'cls_patch'"),
        ("config.json", {"use_mm_start_end": True}, "use_mm_start_end is True"),
        ("config.json", {"model_dtype": "__import__('os')"}, "is not one of float32, bfloat16, float16"),
        ("config.json", {"mm_vision_select_layer": 0}, "mm_vision_select_layer 0 is outside siglip-tiny's layers"),
        ("config.json", {"mm_vision_select_layer": -4}, "mm_vision_select_layer -4 is outside"),
        ("llm/config.json", {"model_type": "llama"}, "model_type is 'llama'; only 'qwen2'"),
        ("llm/config.json", {"hidden_size": 64}, "text_hidden_size is 32, .*hidden_size is 64"),
        ("mm_connector/config.json", {"projector_type": "linear"}, "projector_type is 'linear'"),
        ("mm_connector/config.json", {"resampler_type": "avg"}, "resampler_type is 'avg'"),
        ("mm_connector/config.json", {"vision_hidden_size": 5}, "vision_hidden_size is 5, .* 32 channels"),
        (
            "vision_tower/config.json",
            {"vision_towers": None},
            "vision_towers: .* valid tuple, found None",
        ),
        ("vision_tower/config.json", {"vision_towers": ["clip"]}, "vision_tower/clip/config.json: missing"),
        ("vision_tower/config.json", {"clip_frames": 8}, "8 frames, but internvideo2 takes num_frames 4"),
        (f"vision_tower/{tiny.SIGLIP}/config.json", {"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ("vision_tower/internvideo2/config.json", {"qkv_bias": True}, "qkv_bias is True"),
    ],
)
def test_what_is_not_implemented_is_refused(tmp_path: Path, file: str, changes: dict[str, Any], message: str) -> None:
    files = config_files(tiny.config())
    write(tmp_path, files | {file: files[file] | changes})
    with pytest.raises(InputError, match=message):
        read_config(tmp_path)


def test_an_unknown_kind_of_tower_is_refused(tmp_path: Path) -> None:
    files = config_files(tiny.config())
    files["vision_tower/config.json"]["vision_towers"] = ["clip-l"]
    write(tmp_path, {**files, "vision_tower/clip-l/config.json": {}})
    with pytest.raises(InputError, match=r"'clip-l' is unknown; .* dinov2, internvideo2, siglip, videomae, vjepa2"):
        read_config(tmp_path)


def test_a_missing_connector_size_is_named(tmp_path: Path) -> None:
    files = config_files(tiny.config())
    del files["mm_connector/config.json"]["num_output_tokens"]
    write(tmp_path, files)
    with pytest.raises(InputError, match=r"mm_connector/config.json: missing num_output_tokens"):
        read_config(tmp_path)


def test_half_a_vision_part_is_refused() -> None:
    with pytest.raises(InputError, match="vision towers and a connector, or neither"):
        replace(tiny.config(), connector=None)


@pytest.mark.parametrize("text", ["torch.bfloat16", "bfloat16"])
def test_dtypes_are_names(text: str) -> None:
    assert parse_dtype(text) == "bfloat16"


def test_the_published_internvideo2_by_name_and_count() -> None:
    with torch.device("meta"):
        tower = InternVideo2(InternVideo2Config(), select_layer=-1)
    shapes = {name: list(p.shape) for name, p in tower.named_parameters()}
    assert shapes["pos_embed"] == [1, 1025, 1408]
    assert shapes["patch_embed.proj.weight"] == [1408, 3, 1, 14, 14]
    assert shapes["blocks.39.attn.qkv.weight"] == [4224, 1408]
    assert shapes["blocks.0.mlp.fc1.weight"] == [6144, 1408]
    assert "blocks.0.attn.qkv.bias" not in shapes
    tables = [(257 + 1025 + 257) * 1408]
    pool = [3 * (1408**2 + 1408) + 6 * 1408 + 768 * 1408 + 768]
    decoders = [6 * (3200 * 1408 + 3 * 3200), 768 * 768 + 3 * 768]
    assert parameters(tower) + sum(tables + pool + decoders) == 1_049_117_056
    assert len(shapes) + 3 + 14 + 6 * 4 + 4 == 569
    with torch.device("meta"):
        assert len(InternVideo2(InternVideo2Config()).blocks) == 39


def test_the_published_siglip_by_name_and_count() -> None:
    with torch.device("meta"):
        tower = Siglip(SiglipConfig(), select_layer=-1)
    shapes = {name: list(p.shape) for name, p in tower.named_parameters()}
    assert shapes["vision_model.embeddings.position_embedding.weight"] == [729, 1152]
    assert shapes["vision_model.encoder.layers.26.mlp.fc1.weight"] == [4304, 1152]
    probe, attention, norms = 1152, 4 * (1152**2 + 1152), 2 * 2 * 1152
    head = probe + attention + norms + 2 * 1152 * 4304 + 4304 + 1152
    assert parameters(tower) + head == 428_225_600


@pytest.mark.parametrize("size", SIZES)
def test_the_published_sizes_by_count(size: str) -> None:
    (hidden, layers, heads, shared, inner, vocabulary, tied), connector, total = SIZES[size]
    llm = {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": shared,
        "intermediate_size": inner,
        "vocab_size": vocabulary,
        "tie_word_embeddings": tied,
    }
    towers = (("siglip-so400m-patch14-384", SiglipConfig()), ("internvideo2", InternVideo2Config()))
    config = ApolloConfig(llm, VisionConfig(towers), ConnectorConfig(2560, hidden))
    assert config.connector is not None
    with torch.device("meta"):
        built = PerceiverConnector(config.connector)
        language = Qwen2ForCausalLM(Qwen2Config.from_dict(llm))
    assert parameters(built) == connector
    assert parameters(language) == total
    assert {name: list(p.shape) for name, p in built.named_parameters()} == connector_shapes(hidden)


def connector_shapes(h: int) -> dict[str, list[int]]:
    layer = "resampler.layers.0."
    norms = [f"{layer}{n}." for n in ("input_latents_norm", "input_context_norm", "post_attention_layernorm")]
    norm_parts = ("wheight", "norm.weight", "norm.bias")
    return {
        "proj.0.weight": [h, 2560],
        "proj.0.bias": [h],
        "resampler.latents": [128, h],
        **{f"{norm}{part}": [h] for norm in [*norms, "resampler.norm."] for part in norm_parts},
        f"{layer}self_attn.q_proj.weight": [1536, h],
        f"{layer}self_attn.k_proj.weight": [384, h],
        f"{layer}self_attn.v_proj.weight": [384, h],
        f"{layer}self_attn.o_proj.weight": [h, 1536],
        f"{layer}mlp.gate_proj.weight": [4 * h, h],
        f"{layer}mlp.up_proj.weight": [4 * h, h],
        f"{layer}mlp.down_proj.weight": [h, 4 * h],
    }

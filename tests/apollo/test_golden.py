"""The released computation, to 1e-5: every tower, the resampler, the whole model, greedy ids, prompts and pixels."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import load_apollo
from apollobench.apollo.config import ConnectorConfig, VisionConfig
from apollobench.apollo.connector import PerceiverConnector
from apollobench.apollo.integration import clip_label, header
from apollobench.apollo.look import INTERNVIDEO2, SIGLIP
from apollobench.apollo.model import Apollo
from apollobench.apollo.processing import make_clips
from apollobench.apollo.resize import pad_to_square
from apollobench.apollo.towers.internvideo2 import InternVideo2, InternVideo2Config, position_table
from apollobench.apollo.towers.siglip import Siglip, SiglipConfig
from apollobench.types import FramePlan, Sampling

from .conftest import Golden


@pytest.fixture(scope="module", autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


def same(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("select_layer", "name"), [(-5, "hidden_0"), (-2, "hidden_m2"), (-1, "hidden_m1")])
def test_siglip(golden: Callable[[str], Golden], select_layer: int, name: str) -> None:
    weights, values, config = golden("siglip_tiny")
    tower = Siglip(_picked(SiglipConfig, config), select_layer)
    assert tower.load_state_dict(weights, strict=False).missing_keys == []
    features = tower(values["in.frames"])
    assert features.shape == (1, 4, 6, 6, 32)
    same(features.reshape(4, 36, 32), values[f"out.{name}"])


@pytest.mark.parametrize(("select_layer", "name"), [(-2, "select_m2"), (-1, "select_m1")])
def test_internvideo2(golden: Callable[[str], Golden], select_layer: int, name: str) -> None:
    weights, values, config = golden("internvideo2_tiny")
    tower = InternVideo2(_picked(InternVideo2Config, config), select_layer)
    assert tower.load_state_dict(weights, strict=False).missing_keys == []
    same(tower.patch_embed(values["in.video"]), values["mid.patch_embed"])
    same(tower.hidden(values["in.video"]), values[f"out.{name}"])
    same(tower(values["in.video"]).flatten(1, 3), values[f"out.{name}"][:, 1:])


def test_first_block_of_internvideo2(golden: Callable[[str], Golden]) -> None:
    weights, values, config = golden("internvideo2_tiny")
    tower = InternVideo2(_picked(InternVideo2Config, config))
    tower.load_state_dict(weights, strict=False)
    patches = values["mid.patch_embed"].flatten(1, 2)
    x = torch.cat([tower.cls_token.expand(2, -1, -1), patches], dim=1) + tower.pos_embed
    block = tower.blocks[0]
    same(block.attn(block.norm1(x)), values["mid.block0_attn"])
    same(block(x), values["mid.block0"])


def test_fresh_position_tables(golden: Callable[[str], Golden]) -> None:
    _, values, _ = golden("internvideo2_tiny")
    same(position_table(48, 4, 4), values["mid.sincos_pos_embed_init"])
    same(position_table(48, 4, 1), values["mid.sincos_img_pos_embed_init"])


def test_resampler(golden: Callable[[str], Golden]) -> None:
    weights, values, config = golden("perceiver_tiny")
    resampler = PerceiverConnector(_picked(ConnectorConfig, config)).resampler
    resampler.load_state_dict(weights)
    same(resampler(values["in.context"]), values["out.latents"])


def test_connector(golden: Callable[[str], Golden]) -> None:
    weights, values, config = golden("connector_tiny_depth1")
    connector = PerceiverConnector(_picked(ConnectorConfig, config))
    connector.load_state_dict(weights)
    projected = connector.proj(values["in.x"])
    same(projected, values["mid.proj"])
    latents = connector.resampler.latents.expand(2, -1, -1)
    same(connector.resampler.layers[0](latents, projected), values["mid.layer0"])
    same(connector(values["in.x"]), values["out.y"])


@pytest.fixture(scope="module")
def loaded(golden_folder: Path) -> tuple[Apollo, Chat]:
    model, tokenizer = load_apollo(golden_folder / "apollo_tiny_ckpt")
    return model, Chat(tokenizer, model.config.clip_duration, model.config.tokens_per_clip)


def test_hybrid_tower_and_encode(golden: Callable[[str], Golden], loaded: tuple[Apollo, Chat]) -> None:
    _, values, _ = golden("hybrid_tower_tiny")
    model, _ = loaded
    assert model.vision is not None
    clips = [values["in.siglip"], values["in.internvideo2"]]
    features = model.vision(clips).flatten(1, 3)
    same(features[..., :32], values["out.features"][..., :32])
    same(features[..., 32:], values["out.features"][..., 32:])
    same(model.encode(clips), values["out.connector"])


def test_end_to_end(golden: Callable[[str], Golden], loaded: tuple[Apollo, Chat]) -> None:
    _, vision, _ = golden("hybrid_tower_tiny")
    _, values, _ = golden("apollo_tiny_e2e")
    model, _ = loaded
    clips, ids = [vision["in.siglip"], vision["in.internvideo2"]], values["in.input_ids"]
    same(model.merge(ids, model.encode(clips)), values["out.inputs_embeds"])
    output = model(ids, clips=clips, labels=values["in.labels"])
    same(output.logits, values["out.logits"])
    same(output.loss.reshape(1), values["out.loss"])
    assert model.generate(ids, clips=clips, max_new_tokens=16).tolist() == values["out.greedy_ids"].tolist()


def test_prompt_and_tokens(golden: Callable[[str], Golden], loaded: tuple[Apollo, Chat]) -> None:
    _, values, config = golden("apollo_tiny_e2e")
    _, chat = loaded
    clips = ((0.0, 1.5), (2.0, 3.5), (4.0, 5.5))
    duration = config["total_frames"] / config["fps"]
    plan = FramePlan(Sampling(kind="released"), tuple(range(12)), tuple(range(12)), clips, duration)
    assert chat.text("What happens?", plan) == config["prompt"]
    assert chat.prompt("What happens?", plan) == values["in.input_ids"][0].tolist()


def test_headers_and_clip_labels(golden_folder: Path) -> None:
    cases = json.loads((golden_folder / "sampling.json").read_text())
    assert cases
    for case in cases:
        assert header(case["num_clips"], 2, case["duration"]) == case["header"]
        for part in ("", "_first6", "_last6"):
            for clip, label in zip(case.get(f"clips{part}", ()), case.get(f"timestamps{part}", ()), strict=True):
                assert clip_label(clip[0] / case["fps"], clip[-1] / case["fps"]) == label


@pytest.mark.parametrize("shape", ["wide", "square"])
def test_pixels_to_the_bit(golden_folder: Path, shape: str) -> None:
    tensors = load_file(golden_folder / "preprocess_tiny.safetensors")
    frames = tensors[f"{shape}.in.frames_uint8"].numpy()
    for look, name in ((SIGLIP, "siglip"), (INTERNVIDEO2, "internvideo2")):
        padded = pad_to_square(torch.from_numpy(frames[:1]), look.border)
        assert torch.equal(padded, tensors[f"{shape}.mid.padded_{name}"])
    towers = (("siglip", SiglipConfig(image_size=42)), ("internvideo2", InternVideo2Config(img_size=28)))
    clips = make_clips(frames, VisionConfig(towers))
    for found, name in zip(clips, ("siglip", "internvideo2"), strict=True):
        assert torch.equal(found, tensors[f"{shape}.out.{name}"])


def _picked(cls, raw):
    return cls(**{k: v for k, v in raw.items() if k in cls.__slots__})

"""Towers from the registry and the connectors: right features, any mixture of grids, checkpoints that come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as fn
from torch import Tensor
from transformers import Dinov2Config, Dinov2Model, VideoMAEConfig, VideoMAEModel, VJEPA2Config, VJEPA2Model

from apollobench.apollo.checkpoint import load_apollo, save_apollo
from apollobench.apollo.config import CONNECTOR_KINDS, ApolloConfig, ConnectorConfig, VisionConfig
from apollobench.apollo.connector import build_connector
from apollobench.apollo.model import Apollo
from apollobench.apollo.pooling import pooled_grid
from apollobench.apollo.towers.base import TowerConfig, kind_of, tower_kinds
from apollobench.apollo.towers.hybrid import build_tower, to_grid
from apollobench.errors import InputError

from .. import tiny

SIZES = {"hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 8}
RAW: dict[str, dict[str, Any]] = {
    "dinov2-tiny": {**SIZES, "image_size": 32},
    "videomae-tiny": {**SIZES, "image_size": 24, "num_frames": 4, "intermediate_size": 32},
    "vjepa2-tiny": {**SIZES, "crop_size": 16, "frames_per_clip": 4, "mlp_ratio": 2.0},
}
STEPS = {"dinov2-tiny": 4, "videomae-tiny": 2, "vjepa2-tiny": 2}


def read(name: str) -> TowerConfig:
    return kind_of(name).config.read(RAW[name], Path(name))


def clips_for(name: str, count: int = 2) -> Tensor:
    torch.manual_seed(3)
    pixels = read(name).pixels
    return torch.randn(count, 4, 3, pixels, pixels)


def mixed(names: tuple[str, ...], kind: str = "perceiver", tokens: int = 8) -> ApolloConfig:
    vision = VisionConfig(tuple((name, read(name)) for name in names), select_layer=-2)
    connector = ConnectorConfig(vision.channels, 32, tokens, 1, 2, 8, 1, 2, kind=kind)
    return replace(tiny.config(()), vision=vision, connector=connector)


def test_every_kind_registers_itself() -> None:
    assert set(tower_kinds()) == {"siglip", "internvideo2", "dinov2", "videomae", "vjepa2"}


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("select_layer", [-1, -2])
def test_features_are_the_librarys_hidden_states(name: str, select_layer: int) -> None:
    torch.manual_seed(1)
    tower = build_tower(name, read(name), select_layer).eval()
    library: Any = {"dinov2": Dinov2Model, "videomae": VideoMAEModel, "vjepa2": VJEPA2Model}[name.split("-")[0]]
    config: Any = {"dinov2": Dinov2Config, "videomae": VideoMAEConfig, "vjepa2": VJEPA2Config}[name.split("-")[0]]
    whole = library(config(**RAW[name])).eval()
    target = whole.encoder if name.startswith("vjepa2") else whole
    own = {key.removeprefix("vit."): x for key, x in tower.state_dict().items()}
    assert target.load_state_dict(own, strict=False).unexpected_keys == []
    clips = clips_for(name)
    with torch.no_grad():
        shown = clips.flatten(0, 1) if name.startswith("dinov2") else clips
        more = {"skip_predictor": True} if name.startswith("vjepa2") else {}
        hidden = whole(shown, output_hidden_states=True, **more).hidden_states
        expected = hidden[tower.layers_run]
        found = tower(clips)
    if name.startswith("dinov2"):
        expected = expected[:, 1:]
    side = read(name).side
    assert found.shape == (2, STEPS[name], side, side, 24)
    torch.testing.assert_close(found.reshape(2, -1, 24), expected.reshape(2, -1, 24), atol=1e-6, rtol=0)


def test_grids_of_different_time_and_space_meet() -> None:
    config = mixed(("dinov2-tiny", "videomae-tiny"))
    assert config.vision is not None
    assert config.vision.grid == (4, 4, 4)
    model = Apollo(config).eval()
    assert model.vision is not None
    given = [clips_for("dinov2-tiny"), clips_for("videomae-tiny")]
    features = model.vision(given)
    assert features.shape == (2, 4, 4, 4, 48)
    own = model.vision.towers[1](given[1]).movedim(-1, 1)
    scaled = fn.interpolate(own, size=(4, 4, 4), mode="trilinear", align_corners=False).movedim(1, -1)
    torch.testing.assert_close(features[..., 24:], scaled)


@pytest.mark.parametrize("kind", CONNECTOR_KINDS)
@pytest.mark.parametrize("names", [("dinov2-tiny", "vjepa2-tiny"), ("videomae-tiny",)])
def test_checkpoints_come_back(tmp_path: Path, names: tuple[str, ...], kind: str) -> None:
    torch.manual_seed(2)
    model = Apollo(mixed(names, kind)).eval()
    save_apollo(model, tiny.tokenizer(), tmp_path)
    loaded, _ = load_apollo(tmp_path)
    assert loaded.config.connector == model.config.connector
    given = [clips_for(name) for name in names]
    encoded = model.encode(given)
    assert encoded.shape == (2, 8, 32)
    assert torch.equal(loaded.encode(given), encoded)
    encoded.square().sum().backward()
    still = [name for name, p in model.named_parameters() if not name.startswith("llm.") and p.grad is None]
    assert all("mask_token" in name for name in still)


@pytest.mark.parametrize("select_layer", [-1, -2, -3])
def test_a_whole_encoder_on_disk_serves_any_layer(tmp_path: Path, select_layer: int) -> None:
    config = mixed(("dinov2-tiny",))
    assert config.vision is not None
    whole = Apollo(replace(config, vision=replace(config.vision, select_layer=-1)))
    save_apollo(whole, tiny.tokenizer(), tmp_path)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace('_layer": -1', f'_layer": {select_layer}'))
    model, _ = load_apollo(tmp_path)
    assert model.vision is not None
    assert model.vision.towers[0].layers_run == 4 + select_layer


@pytest.mark.parametrize(
    ("name", "frames", "message"), [("videomae-tiny", 8, "num_frames 4"), ("vjepa2-tiny", 3, "cannot be cut into 2s")]
)
def test_clips_that_a_tower_cannot_take_are_refused(name: str, frames: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(name).steps(frames)


def test_a_config_of_another_model_is_refused() -> None:
    with pytest.raises(InputError, match=r"here.json: model_type is 'vit', expected 'dinov2'"):
        kind_of("dinov2-tiny").config.read({"model_type": "vit"}, Path("here.json"))


@pytest.mark.parametrize(
    ("tokens", "steps", "grid"),
    [(128, 4, (4, 4, 8)), (16, 4, (4, 2, 2)), (4, 4, (4, 1, 1)), (9, 4, (1, 3, 3)), (6, 4, (2, 1, 3))],
)
def test_pooled_grids_have_a_cell_per_token(tokens: int, steps: int, grid: tuple[int, int, int]) -> None:
    assert pooled_grid(tokens, steps) == grid


@pytest.mark.parametrize("kind", ["mlp_avgpool", "conv_avgpool"])
def test_averages_keep_time_and_place(kind: str) -> None:
    connector = build_connector(ConnectorConfig(5, 3, 16, kind=kind))
    features = torch.randn(2, 4, 6, 6, 5)
    tokens = connector(features).unflatten(1, (4, 2, 2))
    assert tokens.shape == (2, 4, 2, 2, 3)
    changed = features.clone()
    changed[:, 3, 5, 5] += 1
    difference = (connector(changed).unflatten(1, (4, 2, 2)) - tokens).abs().sum((0, -1)) > 1e-6
    assert difference[3, 1, 1]
    assert difference.sum() == 1


def test_an_unknown_connector_is_refused() -> None:
    with pytest.raises(InputError, match="connector 'linear' is not one of perceiver, mlp_avgpool, conv_avgpool"):
        ConnectorConfig(5, 3, 16, kind="linear")


@pytest.mark.parametrize("grid", [(4, 5, 7), (6, 5, 7)])
def test_a_grid_is_resampled_trilinearly(grid: tuple[int, int, int]) -> None:
    torch.manual_seed(5)
    features = torch.randn(2, 4, 3, 4, 8)
    expected = fn.interpolate(features.permute(0, 4, 1, 2, 3), size=grid, mode="trilinear", align_corners=False)
    assert torch.allclose(to_grid(features, grid), expected.permute(0, 2, 3, 4, 1), atol=1e-6)

"""Where a training starts: a whole checkpoint, or parts with a fresh connector, each read strictly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from transformers import Dinov2Config, Dinov2Model, VJEPA2Config, VJEPA2Model

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import load_apollo, save_apollo
from apollobench.apollo.integration import SEPARATORS
from apollobench.errors import InputError
from apollobench.training.origins import FromCheckpoint, FromParts
from apollobench.training.start import begin, write_outline

from .. import tiny

VIT = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 8, "image_size": 24}


def parts(corpus: Path, towers: list[dict[str, Any]], **changes: Any) -> FromParts:
    given = {
        "method": "parts",
        "llm": str(corpus / "model" / "llm"),
        "towers": towers,
        "select_layer": -1,
        "clip_frames": 4,
        "clip_seconds": 2,
        "connector": {"kind": "mlp_avgpool", "num_output_tokens": 4},
        "integration": "timestamps",
        "sampling": {"kind": "fps", "fps": 2, "max_clips": 5},
        "encode_batch_size": 8,
        "max_length": 2048,
        "model_dtype": "bfloat16",
        "seed": 3,
    }
    return FromParts.model_validate(given | changes)


def published(corpus: Path, name: str) -> dict[str, Any]:
    return {"name": name, "weights": str(corpus / "model" / "vision_tower" / name)}


def test_parts_are_those_of_their_folders_and_the_connector_is_fresh(corpus: Path) -> None:
    towers = [published(corpus, tiny.INTERNVIDEO2), published(corpus, tiny.SIGLIP)]
    model, tokenizer = begin(parts(corpus, towers))
    whole, _ = load_apollo(corpus / "model")
    assert model.vision is not None
    assert whole.vision is not None
    assert model.vision.names == [tiny.INTERNVIDEO2, tiny.SIGLIP]
    pairs = [(model.llm, whole.llm), *zip(model.vision.towers, reversed(list(whole.vision.towers)), strict=True)]
    for mine, theirs in pairs:
        expected = theirs.state_dict()
        assert all(torch.equal(value, expected[name]) for name, value in mine.state_dict().items())
    assert not any(p.is_meta for p in model.parameters())
    config = model.config
    assert (config.integration, config.max_length, config.model_dtype) == ("timestamps", 2048, "bfloat16")
    assert (config.sampling.kind, config.sampling.fps, config.sampling.frames) == ("fps", 2, 20)
    assert len(tokenizer) == 259
    again, _ = begin(parts(corpus, towers))
    other, _ = begin(parts(corpus, towers, seed=4))
    first, second, third = (m.connector.proj[0].weight for m in (model, again, other) if m.connector is not None)
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


def test_fresh_towers_come_from_their_config(corpus: Path) -> None:
    sizes = {"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    fresh = {"name": "siglip-fresh", "config": {**sizes, "image_size": 16, "patch_size": 8}}
    perceiver = {"kind": "perceiver", "num_output_tokens": 2, "resampler_depth": 1, "resampler_n_heads": 2}
    perceiver |= {"resampler_head_dim": 8, "num_key_value_heads": 1, "ff_multi": 2}
    model, _ = begin(parts(corpus, [fresh], connector=perceiver, select_layer=-2, clip_frames=2))
    assert model.vision is not None
    assert model.config.vision is not None
    assert model.config.vision.grid == (2, 2, 2)
    assert model.vision.towers[0].layers_run == 1
    clips = [torch.randn(3, 2, 3, 16, 16)]
    assert model.encode(clips).shape == (3, 2, 32)


@pytest.mark.parametrize(("library", "folder"), [(Dinov2Model, "dinov2-tiny"), (VJEPA2Model, "vjepa2-tiny")])
def test_towers_of_the_library_are_read_from_its_own_folders(
    corpus: Path, tmp_path: Path, library: Any, folder: str
) -> None:
    torch.manual_seed(0)
    if library is Dinov2Model:
        made = Dinov2Model(Dinov2Config(**VIT))
    else:
        sizes = {"pred_hidden_size": 16, "pred_num_hidden_layers": 1, "pred_num_attention_heads": 2}
        made = VJEPA2Model(VJEPA2Config(**VIT, **sizes, crop_size=24, frames_per_clip=4, tubelet_size=2))
    made.save_pretrained(tmp_path / folder)
    model, tokenizer = begin(parts(corpus, [{"name": folder, "weights": str(tmp_path / folder)}], select_layer=-2))
    assert model.vision is not None
    tower = model.vision.towers[0]
    source = made.encoder if library is VJEPA2Model else made
    expected = source.state_dict()
    found = {name.removeprefix("vit."): value for name, value in tower.state_dict().items()}
    assert found
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    save_apollo(model, tokenizer, tmp_path / "out", dtype="float32")
    again, _ = load_apollo(tmp_path / "out", dtype="float32")
    assert again.vision is not None
    clips = torch.randn(1, 4, 3, 24, 24)
    assert torch.equal(again.vision([clips]), model.eval().vision([clips]))


def test_weights_of_another_kind_are_refused_not_made_up(corpus: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dinov2-broken"
    made = Dinov2Model(Dinov2Config(**VIT))
    made.save_pretrained(folder)
    state = made.state_dict()
    lacking = next(name for name in state if name.endswith("mlp.fc1.weight"))
    save_file({name: x for name, x in state.items() if name != lacking}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=f"lacks {lacking}; is it of kind dinov2"):
        begin(parts(corpus, [{"name": "dinov2-broken", "weights": str(folder)}]))


def test_the_visual_side_of_a_model_with_text_is_taken(corpus: Path, tmp_path: Path) -> None:
    source = corpus / "model" / "vision_tower" / tiny.SIGLIP
    whole, _ = load_apollo(corpus / "model")
    assert whole.vision is not None
    raw = json.loads((source / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "siglip", "text_config": {}, "vision_config": raw}))
    state = dict(whole.vision.towers[0].state_dict())
    text = {"text_model.head.weight": torch.zeros(2), "logit_scale": torch.zeros(1)}
    save_file({**state, **text}, tmp_path / "model.safetensors", {"format": "pt"})
    model, _ = begin(parts(corpus, [{"name": tiny.SIGLIP, "weights": str(tmp_path)}]))
    assert model.vision is not None
    assert all(torch.equal(value, state[name]) for name, value in model.vision.towers[0].state_dict().items())


def test_separators_become_tokens_with_rows_of_their_own(corpus: Path) -> None:
    model, tokenizer = begin(parts(corpus, [published(corpus, tiny.SIGLIP)], integration="separators"))
    assert model.llm.config.vocab_size == len(tokenizer) == 261
    assert model.config.llm["vocab_size"] == 261
    assert model.llm.lm_head.weight is model.llm.model.embed_tokens.weight
    Chat(tokenizer, 2, 4, "separators")
    assert tokenizer.convert_tokens_to_ids(list(SEPARATORS)) == [259, 260]
    rows = model.llm.model.embed_tokens.weight
    torch.testing.assert_close(rows[259:], rows[:259].mean(0, keepdim=True).expand(2, -1))


def test_a_checkpoint_is_taken_whole_and_in_float32(corpus: Path, tmp_path: Path) -> None:
    save_apollo(tiny.model(), tiny.tokenizer(), tmp_path / "half", dtype="bfloat16")
    model, tokenizer = begin(FromCheckpoint(method="checkpoint", folder=str(tmp_path / "half")))
    assert model.dtype == torch.float32
    write_outline(model, tokenizer, tmp_path / "start")
    assert not list((tmp_path / "start").rglob("*.safetensors"))
    shipped, _ = begin(FromCheckpoint(method="checkpoint", folder="builtin:apollo-tiny"))
    assert shipped.config.llm["hidden_size"] == shipped.llm.config.hidden_size


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"llm": "/nowhere/qwen"}, "/nowhere/qwen: no config.json there"),
        ({"llm": "builtin:apollo-tiny"}, "model_type is 'apollo'"),
    ],
)
def test_what_is_not_there_is_named(corpus: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        begin(parts(corpus, [published(corpus, tiny.SIGLIP)], **changes))


def test_a_tower_has_one_origin_and_an_integration_is_known(corpus: Path) -> None:
    with pytest.raises(ValidationError, match="give `weights` to read it, or `config` for a fresh one, not both"):
        parts(corpus, [{"name": "siglip-x"}])
    with pytest.raises(ValidationError, match="'prefix' is not one of plain, separators"):
        parts(corpus, [published(corpus, tiny.SIGLIP)], integration="prefix")

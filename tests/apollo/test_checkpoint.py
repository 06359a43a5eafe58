"""Checkpoints in the published layout: what is written is read back, and what does not fit is named."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from apollobench.apollo.checkpoint import load_apollo, load_tokenizer, revision, save_apollo
from apollobench.apollo.config import read_config
from apollobench.errors import InputError

from .. import tiny

LLM = "llm/model.safetensors"
SIGLIP = f"vision_tower/{tiny.SIGLIP}/model.safetensors"
INTERNVIDEO2 = "vision_tower/internvideo2/model.safetensors"
Tensors = dict[str, Tensor]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint") / "tiny"
    save_apollo(tiny.model(), tiny.tokenizer(), folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def edit(path: Path, change: Callable[[Tensors], Tensors]) -> None:
    save_file({name: x.contiguous() for name, x in change(load_file(path)).items()}, path)


@pytest.mark.parametrize("towers", [(tiny.SIGLIP, tiny.INTERNVIDEO2), (tiny.INTERNVIDEO2,), ()])
def test_round_trip(tmp_path: Path, towers: tuple[str, ...]) -> None:
    model = tiny.model(towers)
    save_apollo(model, tiny.tokenizer(), tmp_path)
    loaded, tokenizer = load_apollo(tmp_path)
    expected, found = model.state_dict(), loaded.state_dict()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert not loaded.training
    assert not any(x.is_meta for x in [*loaded.parameters(), *loaded.buffers()])
    assert tokenizer("a<|im_end|>", add_special_tokens=False).input_ids == [*tiny.tokenizer()("a").input_ids, 258]
    prompt = torch.tensor([[5, 6, 7]])
    assert torch.equal(loaded(prompt).logits, model(prompt).logits)


def test_a_loaded_model_trains(saved: Path) -> None:
    loaded, _ = load_apollo(saved)
    assert all(p.requires_grad for p in loaded.parameters())
    assert loaded.llm.lm_head.weight is loaded.llm.model.embed_tokens.weight


def test_half_precision_storage_and_loading(tmp_path: Path, saved: Path) -> None:
    model, tokenizer = load_apollo(saved)
    save_apollo(model, tokenizer, tmp_path, dtype="float16")
    stored = load_file(tmp_path / LLM)
    assert {x.dtype for x in stored.values()} == {torch.float16}
    assert load_apollo(tmp_path)[0].dtype == torch.float32
    assert load_apollo(tmp_path, dtype="bfloat16")[0].dtype == torch.bfloat16
    with pytest.raises(InputError, match="dtype 'int8' is not one of float32, bfloat16, float16"):
        load_apollo(tmp_path, dtype="int8")


def test_published_names_and_files(saved: Path) -> None:
    files = {p.relative_to(saved).as_posix() for p in saved.rglob("*.safetensors")}
    assert files == {LLM, SIGLIP, INTERNVIDEO2, "mm_connector/model.safetensors"}
    assert "lm_head.weight" not in load_file(saved / LLM)
    assert "blocks.0.ls1.gamma" in load_file(saved / INTERNVIDEO2)
    assert "resampler.norm.wheight" in load_file(saved / "mm_connector/model.safetensors")
    assert "vision_model.encoder.layers.1.self_attn.out_proj.bias" in load_file(saved / SIGLIP)


def test_layer_scale_may_be_called_weight(folder: Path, saved: Path) -> None:
    rename = {"ls1.gamma": "ls1.weight", "ls2.gamma": "ls2.weight"}
    edit(folder / INTERNVIDEO2, lambda t: {_renamed(name, rename): x for name, x in t.items()})
    (expected, _), (found, _) = load_apollo(saved), load_apollo(folder)
    assert all(torch.equal(a, b) for a, b in zip(expected.parameters(), found.parameters(), strict=True))


def test_missing_layer_scale_is_an_error(folder: Path) -> None:
    edit(folder / INTERNVIDEO2, lambda t: {name: x for name, x in t.items() if "ls2" not in name})
    with pytest.raises(InputError, match=r"internvideo2: .*missing: blocks.0.ls2.gamma, blocks.1.ls2.gamma"):
        load_apollo(folder)


def test_unknown_and_misshapen_tensors_are_errors(folder: Path) -> None:
    edit(folder / SIGLIP, lambda t: {**t, "vision_model.surprise": torch.zeros(1)})
    with pytest.raises(InputError, match=r"siglip-tiny: .*unexpected: vision_model.surprise"):
        load_apollo(folder)
    edit(folder / SIGLIP, lambda t: {name: x[:1] for name, x in t.items() if name != "vision_model.surprise"})
    with pytest.raises(InputError, match=r"embeddings.patch_embedding.bias is \[1\], expected \[16\].* and \d+ more"):
        load_apollo(folder)


def test_parts_that_the_computation_never_uses_are_accepted(folder: Path) -> None:
    head = {"vision_model.head.probe": torch.zeros(1), "vision_model.post_layernorm.bias": torch.zeros(1)}
    edit(folder / SIGLIP, lambda t: {**t, **head})
    rest = ("img_pos_embed", "clip_img_pos_embed", "clip_projector.norm1_q.bias", "final_clip_decoder.head.bias")
    edit(folder / INTERNVIDEO2, lambda t: {**t, **{name: torch.zeros(1) for name in rest}})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "mm_vision_select_layer": -2}))
    model, _ = load_apollo(folder)
    assert model.vision is not None
    assert [tower.layers_run for tower in model.vision.towers] == [1, 1]


def test_blocks_beyond_the_depth_are_not_accepted(folder: Path) -> None:
    edit(folder / INTERNVIDEO2, lambda t: {**t, "blocks.2.norm1.weight": torch.ones(16)})
    with pytest.raises(InputError, match=r"unexpected: blocks.2.norm1.weight"):
        load_apollo(folder)


def test_shards_are_read_through_their_index(folder: Path, saved: Path) -> None:
    tensors = load_file(folder / LLM)
    (folder / LLM).unlink()
    names = sorted(tensors)
    parts = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for part, own in parts.items():
        save_file({name: tensors[name] for name in own}, folder / "llm" / part)
    index = {"weight_map": {name: part for part, own in parts.items() for name in own}}
    (folder / "llm/model.safetensors.index.json").write_text(json.dumps(index))
    (expected, _), (found, _) = load_apollo(saved), load_apollo(folder)
    assert all(torch.equal(a, b) for a, b in zip(expected.parameters(), found.parameters(), strict=True))
    (folder / "llm/model-2.safetensors").unlink()
    with pytest.raises(InputError, match=r"model-2.safetensors: missing weights; .*index.json lists it, so fetch it"):
        load_apollo(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_not_finite_are_named(folder: Path, value: float) -> None:
    def spoil(tensors: Tensors) -> Tensors:
        tensors["pos_embed"][0, 3, 1] = value
        return tensors

    edit(folder / INTERNVIDEO2, spoil)
    with pytest.raises(InputError, match=r"internvideo2/model.safetensors: tensor pos_embed holds NaN or infinity"):
        load_apollo(folder)


def test_a_tied_head_in_the_file_is_a_duplicate(folder: Path) -> None:
    edit(folder / LLM, lambda t: {**t, "lm_head.weight": t["model.embed_tokens.weight"].clone()})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_apollo(folder)
    edit(folder / LLM, lambda t: {**t, "lm_head.weight": t["lm_head.weight"] + 1})
    with pytest.warns(UserWarning, match=r"lm_head.weight differs from the tied model.embed_tokens.weight"):
        model, _ = load_apollo(folder)
    assert model.llm.lm_head.weight is model.llm.model.embed_tokens.weight


@pytest.mark.parametrize("name", ["config.json", "llm/config.json", "mm_connector/config.json", INTERNVIDEO2])
def test_missing_files_are_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=name):
        load_apollo(folder)


def test_damaged_files_are_named(folder: Path) -> None:
    content = (folder / SIGLIP).read_bytes()
    (folder / SIGLIP).write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"siglip-tiny/model.safetensors: damaged"):
        load_apollo(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config.json: not JSON"):
        load_apollo(folder)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, r"no config.json, found model.safetensors; name the folder of an Apollo checkpoint"),
        (
            {"model_type": "qwen2_vl", "architectures": ["Qwen2VLForConditionalGeneration"], "text_config": {}},
            r"model_type 'qwen2_vl', architectures \['Qwen2VLForConditionalGeneration'\], .* no llm/config.json; name",
        ),
        ({"model_type": "qwen2", "vocab_size": 9}, r"model_type 'qwen2', architectures None, .* no llm/config.json"),
        ({"model_type": "apollo", "text_config": {"model_type": "qwen2"}}, r"config.json: has no vision_config"),
    ],
)
def test_folders_of_other_models_are_told_apart(tmp_path: Path, config: dict[str, Any] | None, message: str) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "model.safetensors")
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match=message):
        load_apollo(tmp_path)


def test_code_in_a_folder_is_never_run(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\nclass ApolloConfig: pass\nclass Apollo: pass\n"
    remote = {
        "auto_map": {"AutoConfig": "evil.ApolloConfig", "AutoModel": "evil.Apollo", "AutoTokenizer": "evil.Apollo"}
    }
    for place in (folder, folder / "llm", folder / "mm_connector", folder / "vision_tower"):
        (place / "evil.py").write_text(code)
        for name in ("config.json", "tokenizer_config.json"):
            path = place / name
            content = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps({**content, **remote}))
    load_apollo(folder)
    assert not marker.exists()


def test_tokenizers_that_are_missing_damaged_or_too_large_are_named(folder: Path) -> None:
    config, tokenizer = folder / "llm/config.json", folder / "llm/tokenizer.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "vocab_size": 258}))
    with pytest.raises(InputError, match=r"llm: the tokenizer has 259 tokens, but vocab_size in config.json is 258"):
        load_tokenizer(folder)
    tokenizer.write_text("{}")
    with pytest.raises(InputError, match=r"llm: no readable tokenizer"):
        load_tokenizer(folder)
    tokenizer.unlink()
    with pytest.raises(InputError, match=r"llm: no tokenizer; expected tokenizer.json"):
        load_tokenizer(folder)


def test_an_interrupted_save_is_not_a_checkpoint(tmp_path: Path, saved: Path) -> None:
    shutil.copytree(saved, tmp_path / "model")
    (tmp_path / "model" / "mm_connector").rename(tmp_path / "away")
    (tmp_path / "model" / "mm_connector").write_text("in the way")
    with pytest.raises(FileExistsError):
        save_apollo(tiny.model(), tiny.tokenizer(), tmp_path / "model")
    assert not (tmp_path / "model" / "config.json").exists()


def test_revision_tells_content_and_not_place(folder: Path, saved: Path) -> None:
    assert revision(folder) == revision(saved)
    edit(folder / SIGLIP, lambda t: {name: x + 1 for name, x in t.items()})
    assert revision(folder) != revision(saved)


def test_the_configuration_survives(saved: Path) -> None:
    assert read_config(saved) == tiny.config()


def _renamed(name: str, endings: dict[str, str]) -> str:
    for old, new in endings.items():
        name = name.replace(old, new)
    return name

"""An exported folder holds the model once, in shards, and everything here reads it like the checkpoint it came from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from apollobench.apollo.checkpoint import load_apollo, revision, save_apollo
from apollobench.apollo.hf.export import export_apollo
from apollobench.apollo.hf.layout import IMAGE, VIDEO
from apollobench.cli import app
from apollobench.errors import InputError
from apollobench.models.registry import load_model

from ... import tiny

INDEX = "model.safetensors.index.json"
PLACES = ("language_model.", "connector.", "vision.towers.0.", "vision.towers.1.")
Tensors = dict[str, Tensor]


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "copy"))


def shard_of(folder: Path, name: str) -> Path:
    return folder / json.loads((folder / INDEX).read_text())["weight_map"][name]


def edit(path: Path, change: Callable[[Tensors], Tensors]) -> None:
    save_file(change(load_file(path)), path, metadata={"format": "pt"})


def test_one_folder_with_everything_in_it(exported: Path) -> None:
    names = {path.name for path in exported.iterdir() if path.suffix != ".safetensors"}
    assert names == {
        *("config.json", "generation_config.json", "processor_config.json"),
        *("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", INDEX),
    }
    config = json.loads((exported / "config.json").read_text())
    assert config["model_type"] == "apollo"
    assert config["architectures"] == ["ApolloForConditionalGeneration"]
    assert (config["dtype"], config["text_config"]["model_type"]) == ("float32", "qwen2")
    generation = json.loads((exported / "generation_config.json").read_text())
    assert (generation["do_sample"], generation["repetition_penalty"]) == (False, 1.0)
    assert generation["eos_token_id"] == [258, 256]


def test_weights_are_in_shards_and_there_once(exported: Path) -> None:
    shards = sorted(exported.glob("model-*.safetensors"))
    assert len(shards) > 2
    stored = [name for shard in shards for name in load_file(shard)]
    assert len(stored) == len(set(stored))
    assert all(name.startswith(PLACES) for name in stored)
    assert "language_model.lm_head.weight" not in stored


def test_new_tokens_have_rows_that_are_never_chosen(published: Path, exported: Path) -> None:
    (before, _), (after, tokenizer) = load_apollo(published), load_apollo(exported)
    assert tokenizer.convert_tokens_to_ids([VIDEO, IMAGE]) == [259, 260]
    assert json.loads((exported / "config.json").read_text())["video_token_id"] == 259
    assert after.llm.config.vocab_size == 261
    prompt = torch.tensor([[5, 6, 7, 8]])
    old, new = before(prompt).logits, after(prompt).logits
    assert torch.equal(new[..., :259], old)
    torch.testing.assert_close(new[..., 259:], old.mean(-1, keepdim=True).expand(-1, -1, 2))


def test_tokens_that_a_tokenizer_knows_are_left_alone(exported: Path, tmp_path: Path) -> None:
    assert export_apollo(exported, tmp_path / "again", max_shard_size="20KB") == ()
    assert revision(tmp_path / "again") == revision(exported)


@pytest.mark.parametrize("towers", [(tiny.INTERNVIDEO2,), ()])
def test_every_kind_of_model(tmp_path: Path, towers: tuple[str, ...]) -> None:
    model = tiny.model(towers, llm={**tiny.config().llm, "tie_word_embeddings": False, "vocab_size": 300})
    save_apollo(model, tiny.tokenizer(), tmp_path / "published")
    export_apollo(tmp_path / "published", tmp_path / "exported", dtype="bfloat16")
    stored = load_file(tmp_path / "exported" / "model.safetensors")
    assert {x.dtype for x in stored.values()} == {torch.bfloat16}
    loaded, _ = load_apollo(tmp_path / "exported")
    assert loaded.dtype == torch.bfloat16
    assert loaded.config.vision == model.config.vision
    assert all(torch.equal(x.bfloat16(), loaded.state_dict()[name]) for name, x in model.state_dict().items())


def test_an_exported_folder_is_a_pretrained_one(exported: Path) -> None:
    model = load_model("apollo-7b", {"pretrained": str(exported), "max_clips": "2"})
    assert model.revision == revision(exported)
    assert model.sampling.max_clips == 2


def test_tensors_that_do_not_fit_are_named(folder: Path) -> None:
    name = "vision.towers.1.blocks.0.ls1.gamma"
    shard = shard_of(folder, name)
    edit(shard, lambda t: {key: x for key, x in t.items() if key != name})
    with pytest.raises(InputError, match=f"copy: .* missing: {name}$"):
        load_apollo(folder)
    edit(shard, lambda t: {**t, name: torch.ones(16), "vision.towers.7.x": torch.ones(1)})
    with pytest.raises(InputError, match=r"belong to no part of the model: \['vision.towers.7.x'\]"):
        load_apollo(folder)


def test_missing_shards_and_broken_values_are_named(folder: Path) -> None:
    name = "connector.resampler.latents"
    shard = shard_of(folder, name)
    edit(shard, lambda t: {**t, name: torch.full_like(t[name], torch.nan)})
    with pytest.raises(InputError, match=f"{shard.name}: tensor {name} holds NaN or infinity"):
        load_apollo(folder)
    shard.unlink()
    with pytest.raises(InputError, match=f"{shard.name}: missing weights; .*{INDEX} lists it"):
        load_apollo(folder)


def test_the_command_writes_the_same(published: Path, exported: Path, tmp_path: Path, capsys: Any) -> None:
    words = ["export", "--model", "apollo-7b", "--output-path", str(tmp_path / "by-hand"), "--max_shard_size", "20KB"]
    app([*words, "--model_args", f"pretrained={published}"], standalone_mode=False)
    assert capsys.readouterr().out == f"special tokens added: {VIDEO} {IMAGE}\nmodel: {tmp_path / 'by-hand'}\n"
    assert revision(tmp_path / "by-hand") == revision(exported)
    with pytest.raises(SystemExit, match="2"):
        app([*words, "--model_args", "device=cuda"])
    assert "unknown model argument 'device'; valid: pretrained, revision" in capsys.readouterr().err


def test_what_cannot_be_exported_says_why(published: Path, exported: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="max_shard_size '5 parsecs' is no size; expected one such as 5GB"):
        export_apollo(published, tmp_path / "new", max_shard_size="5 parsecs")
    with pytest.raises(InputError, match="dtype 'int8' is not one of"):
        export_apollo(published, tmp_path / "new", dtype="int8")
    for target in (published, exported):
        with pytest.raises(InputError, match="holds a checkpoint that was not exported there"):
            export_apollo(exported if target is exported else published, target)
    assert not (tmp_path / "new").exists()
    load_apollo(published)

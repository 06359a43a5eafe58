"""What the Auto loaders give is the same model: equal logits and ids for text, videos and images, alone or together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForImageTextToText, AutoProcessor

from apollobench.apollo.hf.model import ApolloForConditionalGeneration
from apollobench.apollo.model import VISUAL
from apollobench.errors import InputError

from ... import tiny
from .conftest import Pair

NEW = 12
QUESTION = {"type": "text", "text": "What happens?"}


def picture(seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (30, 44, 3), dtype=np.uint8)


def inputs(pair: Pair, *content: dict[str, Any]) -> Any:
    message = [{"role": "user", "content": [*content, QUESTION]}]
    return pair.processor.apply_chat_template(message, add_generation_prompt=True, tokenize=True, return_dict=True)


def places(pair: Pair, ids: Tensor) -> Tensor:
    """The same ids as `Apollo` takes them."""
    return ids.masked_fill(ids == pair.processor.video_token_id, VISUAL)


def shown(kind: str, film: Path) -> list[dict[str, Any]]:
    video, image = {"type": "video", "path": str(film)}, {"type": "image", "image": picture()}
    return {"text": [], "video": [video], "image": [image], "both": [image, video]}[kind]


@pytest.mark.parametrize("kind", ["text", "video", "image", "both"])
def test_logits_and_greedy_ids_are_equal(pair: Pair, film: Path, kind: str) -> None:
    given = inputs(pair, *shown(kind, film))
    ids, clips = places(pair, given["input_ids"]), given.get("pixel_values")
    assert (clips is None) == (kind == "text")
    with torch.inference_mode():
        expected, found = pair.apollo(ids, clips=clips).logits, pair.model(**given).logits
    assert torch.equal(found[..., : expected.shape[-1]], expected)
    new = pair.model.generate(**given, max_new_tokens=NEW)
    assert torch.equal(new[:, : ids.shape[1]], given["input_ids"])
    reference = pair.apollo.generate(ids, clips=clips, max_new_tokens=NEW, stop=pair.chat.stops)
    assert torch.equal(new[:, ids.shape[1] :], reference)


def test_a_batch_is_padded_on_the_left_and_changes_nothing(pair: Pair, film: Path) -> None:
    kinds = ("text", "both", "video")
    alone = [inputs(pair, *shown(kind, film)) for kind in kinds]
    messages = [[{"role": "user", "content": [*shown(kind, film), QUESTION]}] for kind in kinds]
    given = pair.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)
    together = pair.model.generate(**given, max_new_tokens=NEW)
    assert given["attention_mask"][0, 0] == 0
    width = given["input_ids"].shape[1]
    for row, one in zip(together, alone, strict=True):
        expected = pair.model.generate(**one, max_new_tokens=NEW)[0, one["input_ids"].shape[1] :].tolist()
        assert row[width : width + len(expected)].tolist() == expected


def test_beams_see_their_own_clips(pair: Pair, film: Path) -> None:
    rows = [inputs(pair, *shown(kind, film)) for kind in ("video", "both")]
    messages = [[{"role": "user", "content": [*shown(kind, film), QUESTION]}] for kind in ("video", "both")]
    given = pair.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)
    found = pair.model.generate(**given, max_new_tokens=4, num_beams=2, eos_token_id=None, pad_token_id=256)
    for row, one in zip(found, rows, strict=True):
        expected = pair.model.generate(**one, max_new_tokens=4, num_beams=2, eos_token_id=None, pad_token_id=256)
        assert row[-4:].tolist() == expected[0, -4:].tolist()


def test_loss_counts_what_labels_say(pair: Pair) -> None:
    given = inputs(pair, {"type": "image", "image": picture()})
    ids = places(pair, given["input_ids"])
    labels = torch.where(ids == VISUAL, -100, ids)
    expected = pair.apollo(ids, clips=given["pixel_values"], labels=ids).loss
    found = pair.model(**given, labels=labels).loss
    assert found.item() == pytest.approx(expected.item(), abs=0.05)  # two more tokens in the softmax
    found.backward()
    assert all(p.grad is not None for p in pair.model.connector.parameters())
    pair.model.zero_grad()


def test_places_without_clips_are_refused(pair: Pair) -> None:
    given = inputs(pair, {"type": "image", "image": picture()})
    with pytest.raises(ValueError, match="2 visual placeholders, but the clips give 0 vectors"):
        pair.model(input_ids=given["input_ids"])
    with pytest.raises(ValueError, match="either input_ids or inputs_embeds"):
        pair.model()


def test_saved_by_transformers_and_loaded_again(pair: Pair, film: Path, tmp_path: Path) -> None:
    pair.model.save_pretrained(tmp_path, max_shard_size="20KB")
    pair.processor.save_pretrained(tmp_path)
    model, processor = AutoModelForImageTextToText.from_pretrained(tmp_path), AutoProcessor.from_pretrained(tmp_path)
    expected = pair.model.state_dict()
    assert all(torch.equal(x, expected[name]) for name, x in model.state_dict().items())
    given = inputs(pair, *shown("video", film))
    again = inputs(pair._replace(processor=processor), *shown("video", film))
    assert torch.equal(model.generate(**again, max_new_tokens=NEW), pair.model.generate(**given, max_new_tokens=NEW))


def test_choices_at_load_time_reach_the_layers(exported: Path) -> None:
    model = AutoModelForImageTextToText.from_pretrained(exported, attn_implementation="eager", dtype="bfloat16")
    attention = model.language_model.model.layers[0].self_attn
    assert attention.config is model.config.text_config
    assert attention.config._attn_implementation == "eager"
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}
    model.resize_token_embeddings(300)
    assert model(input_ids=torch.tensor([[299]])).logits.shape[-1] == 300


@pytest.fixture
def folder(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "copy"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, name: {key: x for key, x in t.items() if key != name}, "missing_keys: {name}"),
        (lambda t, _: {**t, "connector.surprise": torch.zeros(1)}, "unexpected_keys: connector.surprise"),
        (lambda t, name: {**t, name: torch.full_like(t[name], torch.inf)}, "{shard}: tensor {name} holds NaN or inf"),
    ],
)
def test_loading_is_strict(folder: Path, change: Any, message: str) -> None:
    name = "connector.resampler.norm.wheight"
    shard = folder / json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"][name]
    save_file(change(load_file(shard), name), shard, metadata={"format": "pt"})
    with pytest.raises(InputError, match=message.format(name=name, shard=shard.name)):
        AutoModelForImageTextToText.from_pretrained(folder)


def test_missing_shards_are_named(folder: Path) -> None:
    shard = max(folder.glob("model-*.safetensors"))
    shard.unlink()
    with pytest.raises((OSError, InputError), match=shard.name):
        AutoModelForImageTextToText.from_pretrained(folder)


def test_a_fresh_model_keeps_the_initialisation_of_its_parts(pair: Pair) -> None:
    torch.manual_seed(0)
    fresh = ApolloForConditionalGeneration(pair.model.config)
    reference = tiny.model(llm={**tiny.config().llm, "vocab_size": 261})
    parts = {"vision": reference.vision, "connector": reference.connector, "language_model": reference.llm}
    for name, part in parts.items():
        assert part is not None
        found = fresh.get_submodule(name).state_dict()
        assert all(torch.equal(x, found[key]) for key, x in part.state_dict().items())

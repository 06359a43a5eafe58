"""The published files by name and shape: what they hold fits the full-size modules exactly, unused tensors and all.

Nothing here has values: the modules and the tensors of the files are on the meta device.
"""

from __future__ import annotations

from functools import cache
from math import prod
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from apollobench.apollo.config import ConnectorConfig
from apollobench.apollo.connector import PerceiverConnector
from apollobench.apollo.tensors import EMBEDDING, HEAD, match
from apollobench.apollo.towers.internvideo2 import InternVideo2, InternVideo2Config
from apollobench.apollo.towers.siglip import Siglip, SiglipConfig
from apollobench.errors import InputError

Shapes = dict[str, tuple[int, ...]]
HERE = Path("published")
# hidden, layers, heads, shared heads, inner, vocabulary, tied; parameters of connector and language model
SIZES = {
    "1.5B": ((1536, 28, 12, 2, 8960, 151936, True), 38_358_528, 1_543_714_304),
    "3B": ((2048, 36, 16, 2, 11008, 151936, True), 63_727_616, 3_085_938_688),
    "7B": ((3584, 28, 28, 4, 18944, 152064, False), 177_583_616, 7_615_616_512),
}


def linear(name: str, out: int, into: int, bias: bool = True) -> Shapes:
    return {f"{name}.weight": (out, into), **({f"{name}.bias": (out,)} if bias else {})}


def norm(name: str, width: int) -> Shapes:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def merged(*parts: Shapes) -> Shapes:
    return {name: shape for part in parts for name, shape in part.items()}


def internvideo2(scale: str = "gamma") -> Shapes:
    d, inner = 1408, 6144
    blocks = [
        {
            f"blocks.{n}.norm1.weight": (d,),
            f"blocks.{n}.norm2.weight": (d,),
            f"blocks.{n}.attn.qkv.weight": (3 * d, d),
            **linear(f"blocks.{n}.attn.proj", d, d),
            f"blocks.{n}.attn.q_norm.weight": (d,),
            f"blocks.{n}.attn.k_norm.weight": (d,),
            f"blocks.{n}.ls1.{scale}": (d,),
            f"blocks.{n}.ls2.{scale}": (d,),
            **linear(f"blocks.{n}.mlp.fc1", inner, d),
            **linear(f"blocks.{n}.mlp.fc2", d, inner),
        }
        for n in range(40)
    ]
    tables = {
        "cls_token": (1, 1, d),
        "pos_embed": (1, 1025, d),
        "img_pos_embed": (1, 257, d),
        "clip_pos_embed": (1, 1025, d),
        "clip_img_pos_embed": (1, 257, d),
        "patch_embed.proj.weight": (d, 3, 1, 14, 14),
        "patch_embed.proj.bias": (d,),
    }
    pool = merged(
        *(norm(f"clip_projector.norm1_{x}", d) for x in "qkv"),
        *(linear(f"clip_projector.cross_attn.{x}", d, d, bias=False) for x in "qkv"),
        {f"clip_projector.cross_attn.{x}_bias": (d,) for x in "qkv"},
        linear("clip_projector.cross_attn.proj", 768, d),
    )
    decoders = [{**linear(f"clip_decoder.{n}.head", 3200, d), **norm(f"clip_decoder.{n}.norm", 3200)} for n in range(6)]
    final = {**linear("final_clip_decoder.head", 768, 768), **norm("final_clip_decoder.norm", 768)}
    return merged(tables, *blocks, pool, *decoders, final)


def siglip() -> Shapes:
    d, inner = 1152, 4304
    layers = [
        merged(
            *(norm(f"vision_model.encoder.layers.{n}.layer_norm{i}", d) for i in (1, 2)),
            *(linear(f"vision_model.encoder.layers.{n}.self_attn.{x}_proj", d, d) for x in ("q", "k", "v", "out")),
            linear(f"vision_model.encoder.layers.{n}.mlp.fc1", inner, d),
            linear(f"vision_model.encoder.layers.{n}.mlp.fc2", d, inner),
        )
        for n in range(27)
    ]
    embeddings: Shapes = {
        "vision_model.embeddings.patch_embedding.weight": (d, 3, 14, 14),
        "vision_model.embeddings.patch_embedding.bias": (d,),
        "vision_model.embeddings.position_embedding.weight": (729, d),
    }
    head: Shapes = {
        "vision_model.head.probe": (1, 1, d),
        "vision_model.head.attention.in_proj_weight": (3 * d, d),
        "vision_model.head.attention.in_proj_bias": (3 * d,),
        **linear("vision_model.head.attention.out_proj", d, d),
        **norm("vision_model.head.layernorm", d),
        **linear("vision_model.head.mlp.fc1", inner, d),
        **linear("vision_model.head.mlp.fc2", d, inner),
    }
    return merged(embeddings, *layers, norm("vision_model.post_layernorm", d), head)


def connector(h: int) -> Shapes:
    layer = "resampler.layers.0."
    names = [f"{layer}{n}" for n in ("input_latents_norm", "input_context_norm", "post_attention_layernorm")]
    return merged(
        linear("proj.0", h, 2560),
        {"resampler.latents": (128, h)},
        *({f"{name}.wheight": (h,), **norm(f"{name}.norm", h)} for name in [*names, "resampler.norm"]),
        linear(f"{layer}self_attn.q_proj", 1536, h, bias=False),
        linear(f"{layer}self_attn.k_proj", 384, h, bias=False),
        linear(f"{layer}self_attn.v_proj", 384, h, bias=False),
        linear(f"{layer}self_attn.o_proj", h, 1536, bias=False),
        linear(f"{layer}mlp.gate_proj", 4 * h, h, bias=False),
        linear(f"{layer}mlp.up_proj", 4 * h, h, bias=False),
        linear(f"{layer}mlp.down_proj", h, 4 * h, bias=False),
    )


def language_model(hidden: int, layers: int, heads: int, shared: int, inner: int, vocabulary: int) -> Shapes:
    """With lm_head, which the files of tied models hold, too."""
    wide, narrow = hidden, hidden // heads * shared
    blocks = [
        merged(
            {f"model.layers.{n}.{name}.weight": (hidden,) for name in ("input_layernorm", "post_attention_layernorm")},
            linear(f"model.layers.{n}.self_attn.q_proj", wide, hidden),
            linear(f"model.layers.{n}.self_attn.k_proj", narrow, hidden),
            linear(f"model.layers.{n}.self_attn.v_proj", narrow, hidden),
            linear(f"model.layers.{n}.self_attn.o_proj", hidden, wide, bias=False),
            linear(f"model.layers.{n}.mlp.gate_proj", inner, hidden, bias=False),
            linear(f"model.layers.{n}.mlp.up_proj", inner, hidden, bias=False),
            linear(f"model.layers.{n}.mlp.down_proj", hidden, inner, bias=False),
        )
        for n in range(layers)
    ]
    return merged(
        {EMBEDDING: (vocabulary, hidden), "model.norm.weight": (hidden,), HEAD: (vocabulary, hidden)}, *blocks
    )


def tensors(shapes: Shapes) -> dict[str, Tensor]:
    return {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}


def count(shapes: Shapes) -> int:
    return sum(map(prod, shapes.values()))


@cache
def towers() -> tuple[InternVideo2, Siglip]:
    with torch.device("meta"):
        return InternVideo2(InternVideo2Config()), Siglip(SiglipConfig())


def assert_fits_exactly(module: nn.Module, shapes: Shapes) -> None:
    """The file's tensors are accepted, each that the module needs is needed, and no other is."""
    found = tensors(shapes)
    assert match(module, found, HERE).keys() == module.state_dict().keys()
    with pytest.raises(InputError, match="unexpected: surprise"):
        match(module, {**found, "surprise": torch.empty(1, device="meta")}, HERE)
    names = list(module.state_dict())
    some = names[len(names) // 2]
    with pytest.raises(InputError, match=f"missing: {some}"):
        match(module, {name: x for name, x in found.items() if name != some}, HERE)
    with pytest.raises(InputError, match=f"wrong shape: {some} is"):
        match(module, {**found, some: torch.empty(1, 2, 3, device="meta")}, HERE)


def test_internvideo2() -> None:
    shapes = internvideo2()
    assert len(shapes) == 569
    assert count(shapes) == 1_049_117_056
    assert_fits_exactly(towers()[0], shapes)
    assert match(towers()[0], tensors(internvideo2(scale="weight")), HERE).keys() == towers()[0].state_dict().keys()
    used = towers()[0].state_dict().keys()
    assert len(shapes.keys() - used) == 3 + 13 + 14 + 6 * 4 + 4


def test_siglip() -> None:
    shapes = siglip()
    assert count(shapes) == 428_225_600
    assert_fits_exactly(towers()[1], shapes)
    last = {name for name in shapes if name.startswith("vision_model.encoder.layers.26.")}
    assert shapes.keys() - towers()[1].state_dict().keys() >= last


def test_blocks_that_run_may_not_lack() -> None:
    found = tensors(internvideo2())
    del found["blocks.38.ls1.gamma"]
    with pytest.raises(InputError, match=r"missing: blocks.38.ls1.gamma$"):
        match(towers()[0], found, HERE)
    with pytest.raises(InputError, match=r"unexpected: blocks.40.norm1.weight$"):
        match(towers()[0], tensors({**internvideo2(), "blocks.40.norm1.weight": (1408,)}), HERE)


@pytest.mark.parametrize("size", SIZES)
def test_connector(size: str) -> None:
    (hidden, *_), parameters, _ = SIZES[size]
    with torch.device("meta"):
        module = PerceiverConnector(ConnectorConfig(2560, hidden))
    assert count(connector(hidden)) == parameters
    assert_fits_exactly(module, connector(hidden))


@pytest.mark.parametrize("size", SIZES)
def test_language_model(size: str) -> None:
    (hidden, layers, heads, shared, inner, vocabulary, tied), _, parameters = SIZES[size]
    config = Qwen2Config(
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=shared,
        intermediate_size=inner,
        vocab_size=vocabulary,
        tie_word_embeddings=tied,
    )
    with torch.device("meta"):
        module = Qwen2ForCausalLM(config)
    shapes = language_model(hidden, layers, heads, shared, inner, vocabulary)
    if tied:
        del shapes[HEAD]
    assert count(shapes) == parameters
    assert_fits_exactly(module, shapes)
    if tied:
        found = tensors(shapes)
        assert match(module, {**found, HEAD: found[EMBEDDING]}, HERE)[HEAD] is found[EMBEDDING]

"""Tiny random checkpoints of real video language models, each with the processor and the template of its family."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, ProcessorMixin

CONTEXT = 4096
LLM = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "tie_word_embeddings": True,
    "bos_token_id": None,
    "initializer_range": 0.3,
}
SIGLIP = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "patch_size": 8,
    "initializer_range": 0.3,
}
QWEN3_VISION = {
    "depth": 2,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_heads": 2,
    "out_hidden_size": 32,
    "num_position_embeddings": 16,
    "deepstack_visual_indexes": [0],
    "initializer_range": 0.3,
}
QWEN_SIZE = {"shortest_edge": 56 * 56, "longest_edge": 56 * 56}
END = "<|im_end|>"

# One user turn and, for what it is worth, the assistant's, as the published templates of these families write them.
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'video' %}VIDEO{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SMOL = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}: "
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'video' %}<video>{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)


def tokenizer(special: list[str], named: dict[str, str] | None = None, end: str = END) -> PreTrainedTokenizerFast:
    """Byte-level, with one merge: a blank and a letter can be one token, as in the tokenizers of large models."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Ġ", letter) for letter in "ABCDEFGHIJ"]
    vocabulary = {token: number for number, token in enumerate([*alphabet, *("".join(pair) for pair in merges)])}
    bytewise = Tokenizer(models.BPE(vocabulary, merges))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=bytewise, pad_token="<|endoftext|>", extra_special_tokens=named or {}
    )
    fast.add_special_tokens({"extra_special_tokens": special}, replace_extra_special_tokens=False)
    fast.eos_token = end
    return fast


def qwen2_vl(**changes: Any) -> tuple[Any, ProcessorMixin]:
    words = tokenizer(["<|im_start|>", END, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    vision = {"depth": 2, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2, "initializer_range": 0.3}
    text = {**LLM, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}, **changes}
    config = hf.Qwen2VLConfig(text_config=_text(text, words), vision_config=vision, **_qwen_ids(words))
    return hf.Qwen2VLForConditionalGeneration(config), _qwen_processor(
        hf.Qwen2VLProcessor, hf.Qwen2VLVideoProcessor(size=QWEN_SIZE), words
    )


def qwen2_5_vl() -> tuple[Any, ProcessorMixin]:
    words = tokenizer(["<|im_start|>", END, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "out_hidden_size": 32,
        "window_size": 56,
        "fullatt_block_indexes": [1],
        "tokens_per_second": 2,
        "initializer_range": 0.3,
    }
    text = {**LLM, "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}}
    config = hf.Qwen2_5_VLConfig(text_config=_text(text, words), vision_config=vision, **_qwen_ids(words))
    return hf.Qwen2_5_VLForConditionalGeneration(config), _qwen_processor(
        hf.Qwen2_5_VLProcessor, hf.Qwen2VLVideoProcessor(size=QWEN_SIZE), words
    )


def qwen3_vl() -> tuple[Any, ProcessorMixin]:
    words = tokenizer(["<|im_start|>", END, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    text = {**LLM, "head_dim": 8, "rope_scaling": {"rope_type": "default", "mrope_section": [2, 1, 1]}}
    config = hf.Qwen3VLConfig(text_config=_text(text, words), vision_config=QWEN3_VISION, **_qwen_ids(words))
    films = hf.Qwen3VLVideoProcessor(size={"shortest_edge": 64 * 64 * 2, "longest_edge": 64 * 64 * 4})
    return hf.Qwen3VLForConditionalGeneration(config), _qwen_processor(hf.Qwen3VLProcessor, films, words)


def qwen3_vl_moe() -> tuple[Any, ProcessorMixin]:
    _, processor = qwen3_vl()
    text = {
        **LLM,
        "head_dim": 8,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 16,
        "rope_scaling": {"rope_type": "default", "mrope_section": [2, 1, 1]},
    }
    words = processor.tokenizer
    config = hf.Qwen3VLMoeConfig(text_config=_text(text, words), vision_config=QWEN3_VISION, **_qwen_ids(words))
    return hf.Qwen3VLMoeForConditionalGeneration(config), processor


def llava_onevision() -> tuple[Any, ProcessorMixin]:
    words = tokenizer(["<|im_start|>", END, "<image>", "<video>"])
    config = hf.LlavaOnevisionConfig(
        text_config={**_text(LLM, words), "model_type": "qwen2"},
        vision_config={**SIGLIP, "model_type": "siglip_vision_model", "image_size": 32, "vision_use_head": False},
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=[[32, 32]],
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    size = {"height": 32, "width": 32}
    processor = hf.LlavaOnevisionProcessor(
        hf.LlavaOnevisionImageProcessor(size=size, image_grid_pinpoints=[[32, 32]]),
        words,
        hf.LlavaOnevisionVideoProcessor(size=size),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=CHATML.replace("VIDEO", "<video>\n"),
    )
    return hf.LlavaOnevisionForConditionalGeneration(config), processor


def internvl() -> tuple[Any, ProcessorMixin]:
    named = {
        "start_image_token": "<img>",
        "end_image_token": "</img>",
        "context_image_token": "<IMG_CONTEXT>",
        "video_token": "<video>",
    }
    words = tokenizer(["<|im_start|>", END, "<video>"], named)
    config = hf.InternVLConfig(
        text_config={**_text(LLM, words), "model_type": "qwen2"},
        vision_config={**SIGLIP, "image_size": [32, 32], "patch_size": [8, 8]},
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
    )
    size = {"height": 32, "width": 32}
    processor = hf.InternVLProcessor(
        hf.GotOcr2ImageProcessor(size=size),
        words,
        hf.InternVLVideoProcessor(size=size),
        image_seq_length=4,
        chat_template=CHATML.replace("VIDEO", "<video>\n"),
    )
    return hf.InternVLForConditionalGeneration(config), processor


def smolvlm() -> tuple[Any, ProcessorMixin]:
    end = "<end_of_utterance>"
    words = tokenizer(["<|im_start|>", end, "<fake_token_around_image>", "<image>", "<global-img>", "<video>"], end=end)
    config = hf.SmolVLMConfig(
        text_config={**_text(LLM, words), "model_type": "llama"},
        vision_config={**SIGLIP, "image_size": 32},
        image_token_id=words.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        tie_word_embeddings=True,
    )
    films = hf.SmolVLMVideoProcessor(
        size={"longest_edge": 32},
        max_image_size={"longest_edge": 32},
        video_sampling={"fps": 1, "max_frames": 6, "video_size": {"longest_edge": 32}},
    )
    stills = hf.SmolVLMImageProcessor(size={"longest_edge": 32}, max_image_size={"longest_edge": 32})
    processor = hf.SmolVLMProcessor(stills, words, films, image_seq_len=4, chat_template=SMOL)
    return hf.SmolVLMForConditionalGeneration(config), processor


# Those that share what is seen. Any other model (here `qwen3_vl_moe`) answers one question at a time.
FAMILIES: dict[str, Callable[[], tuple[Any, ProcessorMixin]]] = {
    "qwen2_vl": qwen2_vl,
    "qwen2_5_vl": qwen2_5_vl,
    "qwen3_vl": qwen3_vl,
    "llava_onevision": llava_onevision,
    "internvl": internvl,
    "smolvlm": smolvlm,
}


def write(family: Callable[[], tuple[Any, ProcessorMixin]], folder: Path) -> Path:
    """The checkpoint of a family; two calls write the same weights."""
    torch.manual_seed(0)
    model, processor = family()
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    model.generation_config.pad_token_id = processor.tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _text(llm: dict[str, Any], words: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {**llm, "vocab_size": len(words), "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}


def _qwen_ids(words: PreTrainedTokenizerFast) -> dict[str, Any]:
    names = {
        "image_token_id": "<|image_pad|>",
        "video_token_id": "<|video_pad|>",
        "vision_start_token_id": "<|vision_start|>",
        "vision_end_token_id": "<|vision_end|>",
    }
    return {"tie_word_embeddings": True, **{key: words.convert_tokens_to_ids(token) for key, token in names.items()}}


def _qwen_processor(kind: Any, films: Any, words: PreTrainedTokenizerFast) -> ProcessorMixin:
    shown = "<|vision_start|><|video_pad|><|vision_end|>"
    stills = hf.Qwen2VLImageProcessor()
    return kind(stills, words, films, chat_template=CHATML.replace("VIDEO", shown))

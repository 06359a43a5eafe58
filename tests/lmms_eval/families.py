"""Tiny random checkpoints of Qwen2.5-VL and LLaVA-OneVision, for the classes of lmms-eval that load them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers as hf
from transformers import PreTrainedTokenizerFast

from .. import tiny

SIDE = 56  # pixels; both families then take frames as they are
TEXT = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "initializer_range": 0.3,
    "bos_token_id": None,
    "tie_word_embeddings": True,
}
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% elif part['type'] == 'video' %}VIDEO"
    "{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_qwen(folder: Path) -> Path:
    torch.manual_seed(0)
    words = _words("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    vision = {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "out_hidden_size": 32,
        "window_size": 56,
        "fullatt_block_indexes": [1],
    }
    ids = {
        f"{key}_token_id": words.convert_tokens_to_ids(f"<|{name}|>")
        for key, name in (("image", "image_pad"), ("video", "video_pad"), ("vision_start", "vision_start"))
    }
    text = _text(words) | {"rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}}
    config = hf.Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **ids)
    shown = "<|vision_start|><|{}_pad|><|vision_end|>"
    processor = hf.Qwen2_5_VLProcessor(
        hf.Qwen2VLImageProcessor(),
        words,
        hf.Qwen2VLVideoProcessor(),
        chat_template=_template(shown.format("image"), shown.format("video")),
    )
    return _save(hf.Qwen2_5_VLForConditionalGeneration(config), processor, folder)


def write_llava(folder: Path) -> Path:
    torch.manual_seed(0)
    words = _words("<image>", "<video>")
    size = {"height": SIDE, "width": SIDE}
    config = hf.LlavaOnevisionConfig(
        text_config=_text(words) | {"model_type": "qwen2"},
        vision_config={
            "model_type": "siglip_vision_model",
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "patch_size": 14,
            "image_size": SIDE,
            "vision_use_head": False,
        },
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=[[SIDE, SIDE]],
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    processor = hf.LlavaOnevisionProcessor(
        hf.LlavaOnevisionImageProcessor(size=size, image_grid_pinpoints=[[SIDE, SIDE]]),
        words,
        hf.LlavaOnevisionVideoProcessor(size=size),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=_template("<image>\n", "<video>\n"),
    )
    return _save(hf.LlavaOnevisionForConditionalGeneration(config), processor, folder)


def _words(*special: str) -> PreTrainedTokenizerFast:
    words = tiny.tokenizer()
    words.add_special_tokens({"extra_special_tokens": list(special)}, replace_extra_special_tokens=False)
    words.eos_token = "<|im_end|>"
    return words


def _text(words: PreTrainedTokenizerFast) -> dict[str, Any]:
    return {**TEXT, "vocab_size": len(words), "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}


def _template(image: str, video: str) -> str:
    return TEMPLATE.replace("IMAGE", image).replace("VIDEO", video)


def _save(model: Any, processor: Any, folder: Path) -> Path:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


WRITERS = {"qwen": write_qwen, "llava": write_llava}

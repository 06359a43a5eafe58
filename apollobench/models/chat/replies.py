"""Greedy replies: one by one, or many that share a video, which the model then encodes and reads only once.

Shared replies follow the way of transformers to continue from a cache: the keys and values of what all prompts begin
with are computed once, with everything visual in it, and `generate` goes on from a copy of them for each question. The
questions stand right-aligned behind that beginning, and the mask hides the gap.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, GenerationConfig
from transformers.cache_utils import DynamicLayer

from apollobench.models.chat.prompts import Inputs

# Entries of a prompt that have one value for each token.
PER_TOKEN = ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")


@dataclass(frozen=True, slots=True)
class Reply:
    """logprobs: natural log-probabilities `[V]` (float32) of the first reply token. ids: the reply without its stop."""

    logprobs: Tensor
    ids: tuple[int, ...]


def greedy(max_new_tokens: int, stops: Sequence[int]) -> GenerationConfig:
    """Decoding without chance, penalties or beams, whatever a checkpoint's own configuration asks for."""
    return GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=list(stops),
        pad_token_id=stops[0],
        return_dict_in_generate=True,
        output_logits=True,
    )


@torch.inference_mode()
def plain_reply(model: Any, prompt: Inputs) -> Reply:
    """The reply to one prompt, as `generate` gives it."""
    (reply,) = _generated(model, {name: _placed(model, name, value) for name, value in prompt.items()})
    return reply


@torch.inference_mode()
def read_shared(model: Any, prompts: Sequence[Inputs], visual: frozenset[int]) -> tuple[DynamicCache, Tensor] | None:
    """What all prompts begin with, as keys and values and as ids `[P]`.

    None when not everything visual (ids of `visual`) stands in it, or when the model keeps anything but plain keys and
    values: then no beginning can be shared.
    """
    rows = [prompt["input_ids"][0] for prompt in prompts]
    length = _common(rows)
    if length < 1 or any(visual.intersection(row[length:].tolist()) for row in rows):
        return None
    beginning = {name: x[:, :length] if name in PER_TOKEN else x for name, x in prompts[0].items()}
    placed = {name: _placed(model, name, value) for name, value in beginning.items()}
    cache = model.base_model(**placed, use_cache=True).past_key_values
    if not all(type(layer) is DynamicLayer for layer in cache.layers):
        return None
    return cache, placed["input_ids"][0]


@torch.inference_mode()
def replies(model: Any, prompts: Sequence[Inputs], shared: tuple[DynamicCache, Tensor] | None) -> list[Reply]:
    """One reply for each prompt, all in one batch. shared: of `read_shared`; None for prompts of text alone."""
    cache, head = shared if shared is not None else (None, prompts[0]["input_ids"][0, :0])
    tails = [prompt["input_ids"][0, len(head) :] for prompt in prompts]
    pad = model.generation_config.pad_token_id
    ids = torch.nn.utils.rnn.pad_sequence(tails, True, pad, "left").to(model.device)
    lengths = torch.tensor([len(tail) for tail in tails], device=model.device)
    mask = (torch.arange(ids.shape[1], 0, -1, device=model.device) <= lengths[:, None]).long()
    beginning = head.to(model.device).expand(len(tails), -1)
    inputs: dict[str, Any] = {
        "input_ids": torch.cat([beginning, ids], dim=1),
        "attention_mask": torch.cat([torch.ones_like(beginning), mask], dim=1),
    }
    if cache is not None:
        inputs["past_key_values"] = copy.deepcopy(cache)
        inputs["past_key_values"].batch_repeat_interleave(len(tails))
    return _generated(model, inputs)


def _common(rows: Sequence[Tensor]) -> int:
    """How many ids all rows begin with, short of the last of any."""
    shortest = min(map(len, rows)) - 1
    columns = torch.stack([row[:shortest] for row in rows])
    return int((columns == columns[0]).all(dim=0).long().cumprod(dim=0).sum())


def _generated(model: Any, inputs: dict[str, Any]) -> list[Reply]:
    made = model.generate(**inputs, generation_config=model.generation_config)
    stops = set(model.generation_config.eos_token_id)
    logprobs = made.logits[0].float().log_softmax(-1).cpu()
    written = made.sequences[:, inputs["input_ids"].shape[1] :].tolist()
    return [Reply(row, _until(stops, ids)) for row, ids in zip(logprobs, written, strict=True)]


def _until(stops: set[int], ids: Sequence[int]) -> tuple[int, ...]:
    end = next((place for place, token in enumerate(ids) if token in stops), len(ids))
    return tuple(ids[:end])


def _placed(model: Any, name: str, value: Any) -> Any:
    """A tensor on the model's device, and in its dtype if it is a picture: other numbers keep theirs."""
    if not isinstance(value, Tensor):
        return value
    return value.to(model.device, model.dtype if name.startswith("pixel_values") else value.dtype)

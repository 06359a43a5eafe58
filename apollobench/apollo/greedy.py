"""Greedy replies to many questions that share a beginning, which the language model reads only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache, Qwen2ForCausalLM


@dataclass(frozen=True, slots=True)
class Reply:
    """logprobs: natural log-probabilities `[V]` (float32) of the first reply token. ids: the reply without its stop."""

    logprobs: Tensor
    ids: tuple[int, ...]


def read_prefix(llm: Qwen2ForCausalLM, embeds: Tensor) -> DynamicCache:
    """The keys and values of one beginning, `embeds` `[1, P, h]`."""
    cache = DynamicCache(config=llm.config)
    llm.model(inputs_embeds=embeds, past_key_values=cache, use_cache=True)
    return cache


def reply(
    llm: Qwen2ForCausalLM,
    prefix: DynamicCache | None,
    tails: Sequence[Sequence[int]],
    max_new_tokens: int,
    stops: Sequence[int],
) -> list[Reply]:
    """One greedy reply per tail of text tokens; all tails follow the same `prefix` and are run as one batch.

    A reply ends before the first id in `stops`, or after `max_new_tokens` (at least 1).
    """
    device = llm.lm_head.weight.device
    cache, shared = _repeated(llm, prefix, len(tails))
    lengths = torch.tensor([len(tail) for tail in tails], device=device)
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(tail) for tail in tails], batch_first=True).to(device)
    steps = torch.arange(ids.shape[1], device=device)
    mask = torch.cat([steps.new_ones(len(tails), shared), (steps < lengths[:, None]).long()], dim=1)
    hidden = llm.model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=(shared + steps).expand(len(tails), -1),
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    logits = llm.lm_head(hidden[torch.arange(len(tails), device=device), lengths - 1]).float()
    written = _continue(llm, cache, mask, shared + lengths, logits.argmax(-1), max_new_tokens, stops)
    logprobs = logits.log_softmax(-1).cpu()
    return [Reply(row, _until(stops, ids)) for row, ids in zip(logprobs, written.tolist(), strict=True)]


def _continue(
    llm: Qwen2ForCausalLM,
    cache: DynamicCache,
    mask: Tensor,
    positions: Tensor,
    tokens: Tensor,
    max_new_tokens: int,
    stops: Sequence[int],
) -> Tensor:
    """`[B, n]` ids beginning with `tokens`, until every row has met a stop."""
    ends = torch.tensor(list(stops), device=tokens.device)
    written, done = [tokens], torch.isin(tokens, ends)
    while len(written) < max_new_tokens and not bool(done.all()):
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        hidden = llm.model(
            input_ids=tokens[:, None],
            attention_mask=mask,
            position_ids=positions[:, None],
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        tokens, positions = llm.lm_head(hidden[:, -1]).argmax(-1), positions + 1
        written.append(tokens)
        done |= torch.isin(tokens, ends)
    return torch.stack(written, dim=1)


def _repeated(llm: Qwen2ForCausalLM, prefix: DynamicCache | None, count: int) -> tuple[DynamicCache, int]:
    """A cache of `count` rows that all begin with `prefix`, and the length of that beginning."""
    if prefix is None:
        return DynamicCache(config=llm.config), 0
    rows = [(keys.expand(count, -1, -1, -1), values.expand(count, -1, -1, -1)) for keys, values, *_ in prefix]
    return DynamicCache(rows, config=llm.config), prefix.get_seq_length()


def _until(stops: Sequence[int], ids: Sequence[int]) -> tuple[int, ...]:
    end = next((i for i, token in enumerate(ids) if token in stops), len(ids))
    return tuple(ids[:end])

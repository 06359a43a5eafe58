"""Apollo (Zohar et al., arXiv 2412.10360): clips become a few vectors each, which a language model reads as tokens."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

from apollobench.apollo.config import ApolloConfig
from apollobench.apollo.connector import build_connector
from apollobench.apollo.towers.hybrid import HybridTower

VISUAL = -200
IGNORE = -100


class Apollo(nn.Module):
    """`vision` (None when blind): clips to features; `connector`: features to vectors; `llm`: a Qwen2 language model.

    Clips are a list with one tensor per tower, in the configured order: `[Nc, T, 3, S, S]`, or `[Nc, 3, T, S, S]` for
    towers that look at channels first (InternVideo2). In token ids, `VISUAL` stands for one visual vector.
    """

    def __init__(self, config: ApolloConfig) -> None:
        super().__init__()
        self.config = config
        self.vision = HybridTower(config.vision) if config.vision else None
        self.connector = build_connector(config.connector) if config.connector else None
        self.llm = Qwen2ForCausalLM(Qwen2Config.from_dict(dict(config.llm)))

    @property
    def device(self) -> torch.device:
        return self.llm.lm_head.weight.device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> torch.dtype:
        return self.llm.lm_head.weight.dtype  # type: ignore[no-any-return]

    def encode(self, clips: Sequence[Tensor]) -> Tensor:
        """Clips -> visual vectors `[Nc, tokens_per_clip, h]`, in equal parts of at most `encode_batch_size` clips."""
        if self.vision is None or self.connector is None:
            raise ValueError("a blind model has no towers and takes no clips")
        parts = math.ceil(len(clips[0]) / self.config.encode_batch_size)
        portions = zip(*(tower.tensor_split(parts) for tower in clips), strict=True)
        return torch.cat([self.connector(self.vision(portion)) for portion in portions])

    def merge(self, input_ids: Tensor, visual: Tensor | None) -> Tensor:
        """Token ids `[B, L]` with `VISUAL` placeholders -> embeddings `[B, L, h]`; vectors fill them in reading order.

        visual: `[..., h]`, flattened clip by clip. Raises `ValueError` when the counts differ.
        """
        places = input_ids == VISUAL
        vectors = 0 if visual is None else visual.numel() // visual.shape[-1]
        if (wanted := int(places.sum())) != vectors:
            raise ValueError(f"the prompt has {wanted} visual placeholders, but the clips give {vectors} vectors")
        embeds = self.llm.get_input_embeddings()(input_ids.masked_fill(places, 0))
        if visual is None:
            return embeds  # type: ignore[no-any-return]
        return embeds.masked_scatter(places[..., None], visual.to(embeds.dtype))  # type: ignore[no-any-return]

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        clips: Sequence[Tensor] | None = None,
        labels: Tensor | None = None,
    ) -> CausalLMOutputWithPast:
        """Logits `[B, L, V]`, and the mean next-token loss when `labels` `[B, L]` are given (`IGNORE` is left out).

        `input_ids` and `attention_mask` are `[B, L]`, padded on the right; visual places never count in the loss.
        """
        embeds = self.merge(input_ids, self.encode(clips) if clips is not None else None)
        if labels is not None:
            labels = labels.masked_fill(input_ids == VISUAL, IGNORE)
        keep = self._kept_length(input_ids)
        return self.llm(  # type: ignore[no-any-return]
            inputs_embeds=embeds[:, :keep],
            attention_mask=None if attention_mask is None else attention_mask[:, :keep],
            labels=None if labels is None else labels[:, :keep],
        )

    @torch.inference_mode()
    def generate(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        clips: Sequence[Tensor] | None = None,
        max_new_tokens: int = 256,
        stop: Sequence[int] | None = None,
    ) -> Tensor:
        """Greedy continuation: new token ids only, `[B, <= max_new_tokens]`.

        stop: ids that end it (the language model's eos by default). The repetition penalty is 1 whatever a
        checkpoint's generation_config.json says.
        """
        embeds = self.merge(input_ids, self.encode(clips) if clips is not None else None)
        keep = self._kept_length(input_ids)
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        eos = self.llm.config.eos_token_id
        ends = list(stop) if stop is not None else [eos] if isinstance(eos, int) else list(eos or [])
        settings = GenerationConfig(
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            max_new_tokens=max_new_tokens,
            eos_token_id=ends or None,
            pad_token_id=ends[0] if ends else None,
        )
        continuation: Tensor = self.llm.generate(  # type: ignore[misc, assignment]
            inputs_embeds=embeds[:, :keep], attention_mask=mask[:, :keep], generation_config=settings
        )
        return continuation

    def _kept_length(self, input_ids: Tensor) -> int:
        limit = self.config.max_length
        if input_ids.shape[1] > limit:
            lost = int((input_ids[:, limit:] == VISUAL).sum())
            warnings.warn(
                f"prompt of {input_ids.shape[1]} tokens cut to {limit}; {lost} visual tokens lost", stacklevel=3
            )
        return min(input_ids.shape[1], limit)

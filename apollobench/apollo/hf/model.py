"""Apollo as a transformers model: the modules of `apollo.model`, under the names of an exported folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText, Cache, GenerationMixin, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from apollobench.apollo.hf.config import HfApolloConfig
from apollobench.apollo.model import VISUAL, Apollo
from apollobench.apollo.tensors import file_of, first_not_finite
from apollobench.errors import InputError


class ApolloForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """`vision`, `connector` (None when blind) and `language_model` of one `Apollo`.

    pixel_values: a list with one tensor per tower, as `Apollo` takes clips: those of all videos and images, in the
    order in which they stand in `input_ids`. There, `config.video_token_id` stands for one visual vector.
    """

    config_class = HfApolloConfig
    main_input_name = "input_ids"
    _supports_sdpa = True
    _supports_flash_attn = True

    def __init__(self, config: HfApolloConfig) -> None:
        super().__init__(config)
        apollo = Apollo(config.apollo)
        apollo.llm.set_attn_implementation(config.text_config._attn_implementation or self.config._attn_implementation)
        config.text_config = apollo.llm.config  # one object, so that a later change reaches the layers
        if apollo.vision is not None:
            apollo.vision.to(torch.get_default_dtype())  # its fresh position tables are float32
        self.vision, self.connector, self.language_model = apollo.vision, apollo.connector, apollo.llm
        self._whole = (apollo,)  # the same parts; in a tuple, which does not register them a second time
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def from_pretrained(cls, *args: Any, output_loading_info: bool = False, **kwargs: Any) -> Any:
        """As in transformers, but strict: every tensor must be there, finite, and belong to the model.

        Raises `InputError` naming the tensors. Code in the folder is never run.
        """
        loaded: Any = super().from_pretrained(*args, output_loading_info=True, **kwargs)
        model, told = loaded
        folder = Path(model.name_or_path)
        for what in ("missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"):
            if told.get(what):
                names = ", ".join(sorted(map(str, told[what]))[:8])
                raise InputError(f"{folder}: the weights do not fit its config.json; {what}: {names}")
        if (broken := first_not_finite(model.state_dict())) is not None:
            raise InputError(f"{file_of(folder, broken)}: tensor {broken} holds NaN or infinity; fetch the file again")
        return loaded if output_loading_info else model

    def get_input_embeddings(self) -> nn.Module:
        return self.language_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        return self.language_model.get_output_embeddings()  # type: ignore[no-any-return]

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        self.language_model.set_output_embeddings(new_embeddings)

    def embed(self, input_ids: Tensor, pixel_values: Sequence[Tensor] | None = None) -> Tensor:
        """Token ids `[B, L]` -> embeddings `[B, L, h]`, the clips' vectors in their places.

        Raises `ValueError` when the places and the vectors differ in number.
        """
        (apollo,) = self._whole
        ids = input_ids.masked_fill(input_ids == self.config.video_token_id, VISUAL)
        clips = None if pixel_values is None else [clip.to(self.device, self.dtype) for clip in pixel_values]
        return apollo.merge(ids, None if clips is None else apollo.encode(clips))

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        pixel_values: Sequence[Tensor] | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Logits `[B, L, V]`, and the loss for `labels`, as of the language model; either ids or embeddings are given.

        With a filled cache, ids are text that follows, so that a generated `video_token_id` is a token like others.
        """
        follows = past_key_values is not None and past_key_values.get_seq_length() > 0
        if inputs_embeds is None and not follows:
            if input_ids is None:
                raise ValueError("either input_ids or inputs_embeds must be given")
            inputs_embeds, input_ids = self.embed(input_ids, pixel_values), None
        return self.language_model(  # type: ignore[no-any-return]
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            labels=labels,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
            **kwargs,
        )

    @torch.no_grad()
    def generate(  # type: ignore[override]
        self, input_ids: Tensor | None = None, pixel_values: Sequence[Tensor] | None = None, **kwargs: Any
    ) -> Any:
        """As in transformers: prompt and continuation `[B, L + new]`. The clips are encoded once, before it begins."""
        if input_ids is not None and "inputs_embeds" not in kwargs:
            kwargs["inputs_embeds"] = self.embed(input_ids, pixel_values)
        return super().generate(input_ids, **kwargs)  # type: ignore[misc]

    def _init_weights(self, module: nn.Module) -> None:
        """The parts initialise themselves when they are made."""


AutoModelForImageTextToText.register(HfApolloConfig, ApolloForConditionalGeneration, exist_ok=True)

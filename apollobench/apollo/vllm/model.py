"""Apollo as a vLLM model: the towers and the connector of this package, and Qwen2 by vLLM's own layers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from vllm.config import VllmConfig
from vllm.model_executor.models.interfaces import SupportsMultiModal, SupportsPP
from vllm.model_executor.models.utils import AutoWeightsLoader, init_vllm_registered_model, maybe_prefix
from vllm.model_executor.models.vision import run_dp_sharded_vision_model
from vllm.multimodal import MULTIMODAL_REGISTRY
from vllm.sequence import IntermediateTensors

from apollobench.apollo.connector import build_connector
from apollobench.apollo.hf.config import HfApolloConfig
from apollobench.apollo.processing import to_clips
from apollobench.apollo.towers.hybrid import HybridTower
from apollobench.apollo.vllm.processing import PLACES, ApolloDummies, ApolloInfo, ApolloProcessing


@MULTIMODAL_REGISTRY.register_processor(ApolloProcessing, info=ApolloInfo, dummy_inputs=ApolloDummies)
class ApolloForConditionalGeneration(nn.Module, SupportsMultiModal, SupportsPP):  # type: ignore[misc]
    """Tensor names are those of an exported folder: `vision`, `connector` (None when blind), `language_model`.

    With --mm-encoder-tp-mode data, ranks encode different clips; otherwise each encodes all of them.
    """

    supports_encoder_tp_data: ClassVar[bool] = True

    def __init__(self, *, vllm_config: VllmConfig, prefix: str = "") -> None:
        super().__init__()
        hf_config: HfApolloConfig = vllm_config.model_config.hf_config
        self.apollo = hf_config.apollo
        self.by_rank = vllm_config.model_config.multimodal_config.mm_encoder_tp_mode == "data"
        self.vision, self.connector = None, None
        if self.apollo.vision is not None and self.apollo.connector is not None:
            with self._mark_tower_model(vllm_config, {"image", "video"}):  # type: ignore[operator]
                # Fresh position tables are float32, whatever the dtype in which vLLM builds models.
                self.vision = HybridTower(self.apollo.vision).to(torch.get_default_dtype())
                self.connector = build_connector(self.apollo.connector)
        with self._mark_language_model(vllm_config):  # type: ignore[operator]
            self.language_model = init_vllm_registered_model(
                vllm_config=vllm_config,
                hf_config=hf_config.text_config,
                prefix=maybe_prefix(prefix, "language_model"),
                architectures=["Qwen2ForCausalLM"],
            )
        self.make_empty_intermediate_tensors = self.language_model.make_empty_intermediate_tensors

    @classmethod
    def get_placeholder_str(cls, modality: str, i: int) -> str | None:
        return PLACES[modality]

    def embed_multimodal(self, **fields: Any) -> list[Tensor]:
        """One tensor `[clips * tokens_per_clip, h]` per video or image, from the fields of `ApolloProcessing`."""
        embeddings: list[Tensor] = []
        for modality in PLACES:
            counts = fields.get(f"{modality}_clips")
            if counts is None:
                continue
            names = sorted(name for name in fields if name.startswith(f"{modality}_pictures_"))
            vectors = self._encode([_joined(fields[name]) for name in names])
            sizes = [int(count) for count in torch.as_tensor(counts).flatten()]
            embeddings += [part.flatten(0, 1) for part in vectors.split(sizes)]
        return embeddings

    def _encode(self, pictures: list[Tensor]) -> Tensor:
        """Squares of every clip, a tensor per tower -> `[clips, tokens_per_clip, h]`."""
        numbers = torch.arange(len(pictures[0]), device=pictures[0].device)
        if self.by_rank:
            return run_dp_sharded_vision_model(numbers, lambda mine: self._encode_some(pictures, mine))  # type: ignore[no-any-return]
        return self._encode_some(pictures, numbers)

    def _encode_some(self, pictures: list[Tensor], numbers: Tensor) -> Tensor:
        """The clips with these numbers, a few at a time, so that memory does not grow with the videos of a batch."""
        assert self.vision is not None
        assert self.connector is not None
        dtype = next(self.connector.parameters()).dtype
        parts = []
        for some in numbers.tensor_split(math.ceil(len(numbers) / self.apollo.encode_batch_size)):
            clips = to_clips([tower[some] for tower in pictures], self.vision.config)
            parts.append(self.connector(self.vision([clip.to(dtype) for clip in clips])))
        return torch.cat(parts)

    def forward(
        self,
        input_ids: Tensor | None,
        positions: Tensor,
        intermediate_tensors: IntermediateTensors | None = None,
        inputs_embeds: Tensor | None = None,
        **kwargs: object,
    ) -> Tensor | IntermediateTensors:
        return self.language_model.model(input_ids, positions, intermediate_tensors, inputs_embeds=inputs_embeds)

    def compute_logits(self, hidden_states: Tensor) -> Tensor | None:
        return self.language_model.compute_logits(hidden_states)  # type: ignore[no-any-return]

    def load_weights(self, weights: Iterable[tuple[str, Tensor]]) -> set[str]:
        return AutoWeightsLoader(self).load_weights(weights)  # type: ignore[no-any-return]


def _joined(pictures: Tensor | list[Tensor]) -> Tensor:
    return pictures if isinstance(pictures, Tensor) else torch.cat(pictures)

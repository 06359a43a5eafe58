"""What of a video or an image reaches an Apollo model in vLLM: uint8 squares of each tower, and the prompt's token ids.

A processed item has, for its modality, `pictures_N` for tower N (uint8 `[clips, frames, S, S, 3]`; normalised on the
device, so a quarter of the bytes travel between processes) and its `clips`; what is said of it is tokenised piece by
piece, as `apollo.chat` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from transformers import BatchFeature
from vllm.multimodal.inputs import MultiModalFieldConfig, MultiModalKwargsItems
from vllm.multimodal.parse import MultiModalDataItems, MultiModalDataParser
from vllm.multimodal.processing import (
    BaseDummyInputsBuilder,
    BaseMultiModalProcessor,
    BaseProcessingInfo,
    PromptReplacement,
    PromptUpdate,
    PromptUpdateDetails,
)

from apollobench.apollo.config import ApolloConfig
from apollobench.apollo.hf.config import HfApolloConfig
from apollobench.apollo.hf.layout import IMAGE, VIDEO
from apollobench.apollo.hf.visuals import Shown, frames_as_video, image_as_still
from apollobench.apollo.integration import pieces
from apollobench.apollo.processing import make_pictures
from apollobench.errors import InputError
from apollobench.types import FramePlan, Sampling
from apollobench.video.budget import clips_that_fit

PLACES = {"video": VIDEO, "image": IMAGE}
DUMMY_SIDE = 64


class ApolloInfo(BaseProcessingInfo):  # type: ignore[misc]
    """What the model takes, from its config alone; there is no processor of transformers in between."""

    @cached_property
    def apollo(self) -> ApolloConfig:
        config: HfApolloConfig = self.ctx.get_hf_config(HfApolloConfig)
        return config.apollo

    @property
    def sees(self) -> bool:
        return self.apollo.vision is not None

    def get_supported_mm_limits(self) -> Mapping[str, int | None]:
        return {"video": None, "image": None} if self.sees else {"video": 0, "image": 0}

    def get_data_parser(self) -> MultiModalDataParser:
        return MultiModalDataParser(
            video_needs_metadata=True,
            expected_hidden_size=self._get_expected_hidden_size(),
            allow_missing_mm_embeddings=self.allow_missing_mm_embeddings,
        )

    def get_supported_mm_processor_kwargs(self) -> dict[str, set[str]]:
        return {}

    def get_mm_max_tokens_per_item(self, seq_len: int, mm_counts: Mapping[str, int]) -> Mapping[str, int]:
        if not self.sees:
            return {}
        tokens = self.apollo.tokens_per_clip
        return {"video": self.most_clips(seq_len) * tokens, "image": tokens}

    def most_clips(self, seq_len: int) -> int:
        """Clips of one video that the model's context, or a shorter `seq_len`, has room for."""
        return max(1, clips_that_fit(min(seq_len, self.apollo.max_length), self.apollo.tokens_per_clip, ratio=1.0))


class ApolloDummies(BaseDummyInputsBuilder[ApolloInfo]):  # type: ignore[misc]
    """The largest input there is, by which vLLM measures the memory it needs."""

    def get_dummy_text(self, mm_counts: Mapping[str, int]) -> str:
        return "".join(PLACES[modality] * count for modality, count in mm_counts.items())

    def get_dummy_mm_data(self, seq_len: int, mm_counts: Mapping[str, int], mm_options: Any) -> dict[str, Any]:
        vision = self.info.apollo.vision
        if vision is None:
            return {}
        count = self.info.most_clips(seq_len) * vision.clip_frames
        frames = np.zeros((count, DUMMY_SIDE, DUMMY_SIDE, 3), np.uint8)
        video = (frames, {"fps": 2.0, "frames_indices": list(range(count)), "duration": count / 2})
        return {
            "video": [video] * mm_counts.get("video", 0),
            "image": self._get_dummy_images(width=DUMMY_SIDE, height=DUMMY_SIDE, num_images=mm_counts.get("image", 0)),
        }


class ApolloProcessing(BaseMultiModalProcessor[ApolloInfo]):  # type: ignore[misc]
    """Raises ValueError, which the server answers with 400, for what cannot be shown."""

    def _apply_hf_processor_main(self, mm_items: MultiModalDataItems, hf_kwargs: Mapping[str, object]) -> BatchFeature:
        """All that is in `mm_items`, which is only what no cache holds."""
        data: dict[str, Any] = {}
        for modality, items in mm_items.items():
            shown = [self._shown(modality, items.get(number)) for number in range(items.get_count())]
            if not shown:
                continue
            towers = zip(*(self._pictures(one) for one in shown), strict=True)
            data |= {f"{modality}_pictures_{n}": torch.cat(tower) for n, tower in enumerate(towers)}
            data[f"{modality}_clips"] = torch.tensor([_clips_of(one.plan) for one in shown])
            data[f"{modality}_told"] = [_told(one.plan) for one in shown]
        return BatchFeature(data)

    def _shown(self, modality: str, item: Any) -> Shown:
        try:
            if modality == "image":
                return image_as_still(getattr(item, "media", item))
            frames, metadata = item
            return _planned(np.asarray(frames), metadata) or frames_as_video(
                frames, metadata, self.info.apollo.sampling
            )
        except InputError as error:
            raise ValueError(str(error)) from error

    def _pictures(self, shown: Shown) -> list[torch.Tensor]:
        vision = self.info.apollo.vision
        if vision is None:
            raise ValueError("a blind model takes no videos or images")
        try:
            pictures = make_pictures(shown.frames, vision)
        except InputError as error:
            raise ValueError(str(error)) from error
        made, told = len(pictures[0]), _clips_of(shown.plan)
        if made != told:
            raise ValueError(f"the frames make {made} clips, but the plan tells of {told}")
        if made > (most := self.info.most_clips(self.info.ctx.model_config.max_model_len)):
            raise ValueError(
                f"the video has {made} clips and the model takes {most}; sample fewer frames, for example with "
                'media_io_kwargs {"video": {"video_backend": "apollobench", "sampling": {...}}}'
            )
        return pictures

    def _get_mm_fields_config(
        self, hf_inputs: BatchFeature, hf_processor_mm_kwargs: Mapping[str, object]
    ) -> Mapping[str, MultiModalFieldConfig]:
        fields: dict[str, MultiModalFieldConfig] = {}
        for name in hf_inputs:
            modality, _, what = name.partition("_")
            if what.startswith("pictures"):
                fields[name] = MultiModalFieldConfig.flat_from_sizes(modality, hf_inputs[f"{modality}_clips"])
            else:
                fields[name] = MultiModalFieldConfig.batched(modality, keep_on_cpu=True)
        return fields

    def _get_prompt_updates(
        self,
        mm_items: MultiModalDataItems,
        hf_processor_mm_kwargs: Mapping[str, object],
        out_mm_kwargs: MultiModalKwargsItems,
    ) -> Sequence[PromptUpdate]:
        config, tokenizer = self.info.apollo, self.info.get_tokenizer()
        places = {modality: tokenizer.convert_tokens_to_ids(token) for modality, token in PLACES.items()}
        place = places["video"]

        def written(modality: str, number: int) -> PromptUpdateDetails:
            plan = _as_told(out_mm_kwargs[modality][number][f"{modality}_told"].data)
            first, *rest = pieces(config.integration, plan, config.clip_duration)
            ids = tokenizer.encode(first, add_special_tokens=False)
            for piece in rest:
                ids += [place] * config.tokens_per_clip + tokenizer.encode(piece, add_special_tokens=False)
            return PromptUpdateDetails.select_token_id(ids, place)

        return [
            PromptReplacement(modality, [token], lambda number, modality=modality: written(modality, number))
            for modality, token in places.items()
            if modality in mm_items
        ]


def _planned(frames: np.ndarray, metadata: Mapping[str, Any]) -> Shown | None:
    """Frames of the loader `apollobench` with the plan that it states; None for those of other loaders."""
    if not metadata or "clips" not in metadata:
        return None
    clips = tuple((float(first), float(last)) for first, last in metadata["clips"])
    indices = tuple(metadata["frames_indices"])
    return Shown(frames, FramePlan(Sampling("uniform"), indices, (), clips, float(metadata["duration"])))


def _clips_of(plan: FramePlan | None) -> int:
    return 1 if plan is None else len(plan.clips)


def _told(plan: FramePlan | None) -> list[float]:
    """What the prompt says of a plan, as numbers that travel beside the pixels; a duration alone for an image."""
    return [0.0] if plan is None else [plan.duration, *(time for clip in plan.clips for time in clip)]


def _as_told(numbers: Sequence[float]) -> FramePlan | None:
    """The plan, as far as prompts read it, that `_told` made these numbers of."""
    duration, *times = (float(number) for number in numbers)
    if not times:
        return None
    clips = tuple(zip(times[::2], times[1::2], strict=True))
    return FramePlan(Sampling("uniform"), (), (), clips, duration)

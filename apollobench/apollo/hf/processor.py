"""From texts, videos and images to what an exported Apollo model takes: the released prompt in token ids, and clips."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoProcessor, BatchFeature, PreTrainedTokenizerBase, ProcessorMixin

from apollobench.apollo.hf.config import HfApolloConfig
from apollobench.apollo.hf.layout import IMAGE, VIDEO, unnest
from apollobench.apollo.hf.visuals import Shown, frames_as_video, image_as_still, read_video
from apollobench.apollo.integration import pieces
from apollobench.apollo.processing import make_clips
from apollobench.errors import InputError
from apollobench.video.budget import fitted

MARKER = re.compile(f"({re.escape(VIDEO)}|{re.escape(IMAGE)})")


class ApolloProcessor(ProcessorMixin):
    """Texts with `<|video_pad|>` and `<|image_pad|>` where something is shown, as the chat template writes them.

    apollo: what config.json says of the model. The ids are those of `chat.Chat.prompt`, with the id of `<|video_pad|>`
    for each visual vector: the text between two clips is tokenised by itself, as in the released code.
    """

    video_token, image_token = VIDEO, IMAGE

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, apollo: dict[str, Any], chat_template: str | None = None
    ) -> None:
        super().__init__(tokenizer, chat_template=chat_template)  # type: ignore[no-untyped-call]
        self.apollo = apollo
        self.config = unnest(apollo, Path("processor_config.json"))
        self.sampling = self.config.sampling
        if self.config.connector:
            self.sampling = fitted(self.sampling, self.config.max_length, self.config.tokens_per_clip)
        self.video_token_id = tokenizer.convert_tokens_to_ids(VIDEO)

    def __call__(
        self,
        images: Any = None,
        text: str | Sequence[str] | None = None,
        videos: Any = None,
        audio: None = None,
        video_metadata: Any = None,
        padding: bool | str = True,
        return_tensors: str = "pt",
    ) -> BatchFeature:
        """`input_ids` and `attention_mask` `[B, L]`, padded on the left, as generation needs it.

        With anything shown, `pixel_values`: the clips of all that is shown, a list with one tensor per tower.

        videos: one, a list in the order of the texts, or a list of lists, one per text. Each is the path of a file, of
        which the model's own sampling chooses the frames, or chosen frames, uint8 `[T, H, W, 3]`, with their entry in
        `video_metadata` (None for a file). images: pictures, arrays or paths.
        Raises `InputError` naming the text or the file.
        """
        texts = [text] if isinstance(text, str) else list(text or ())
        if not texts or audio is not None or return_tensors != "pt":
            raise InputError("needed are a text, no audio, and return_tensors='pt'")
        shown = self._shown(texts, images, videos, video_metadata)
        rows = [self._ids(part, own) for part, own in zip(texts, shown, strict=True)]
        padded = self.tokenizer.pad({"input_ids": rows}, padding=padding, padding_side="left", return_tensors="pt")
        data = dict(padded)
        clips = [self._clips(one) for own in shown for one in own]
        if clips:
            data["pixel_values"] = [torch.cat(tower) for tower in zip(*clips, strict=True)]
        return BatchFeature(data)

    def _shown(self, texts: list[str], images: Any, videos: Any, metadata: Any) -> list[list[Shown]]:
        """What stands at the markers of each text."""
        films, stills = _in_order(videos, texts, VIDEO), iter(_in_order(images, texts, IMAGE))
        facts = _flat(metadata)[0] or [None] * len(films)
        if len(facts) != len(films):
            raise InputError(f"{len(films)} videos are given, but video_metadata has {len(facts)} entries")
        pairs = iter(zip(films, facts, strict=True))
        return [
            [
                image_as_still(next(stills)) if marker == IMAGE else self._film(*next(pairs))
                for marker in MARKER.findall(text)
            ]
            for text in texts
        ]

    def _film(self, video: Any, metadata: Any) -> Shown:
        if isinstance(video, str | Path):
            return read_video(video, self.sampling)
        return frames_as_video(video, metadata, self.sampling)

    def _ids(self, text: str, shown: list[Shown]) -> list[int]:
        """Token ids of one text; `texts` are those before each clip, and after the last."""
        waiting, texts = iter(shown), [""]
        for part in MARKER.split(text):
            if MARKER.fullmatch(part):
                first, *rest = pieces(self.config.integration, next(waiting).plan, self.config.clip_duration)
                texts = [*texts[:-1], texts[-1] + first, *rest]
            else:
                texts[-1] += part
        first, *rest = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        places = [self.video_token_id] * self.config.tokens_per_clip
        ids = [*first, *(token for piece in rest for token in (*places, *piece))]
        if len(ids) > self.config.max_length:
            raise InputError(
                f"the text {text[-80:]!r} needs {len(ids)} tokens with its {len(rest)} clips, "
                f"and the model takes {self.config.max_length}; show fewer or shorter videos"
            )
        return ids

    def _clips(self, shown: Shown) -> list[torch.Tensor]:
        if self.config.vision is None:
            raise InputError("a blind model takes no videos or images")
        return make_clips(shown.frames, self.config.vision)


def _flat(given: Any) -> tuple[list[Any], list[int] | None]:
    """Everything in a list, and how many of each inner list where there are such."""
    rows = [] if given is None else given if isinstance(given, list) else [given]
    if rows and all(isinstance(row, list) for row in rows):
        return [one for row in rows for one in row], [len(row) for row in rows]
    return rows, None


def _in_order(given: Any, texts: list[str], marker: str) -> list[Any]:
    """What is given, in the order of the markers. Raises `InputError` when there are more or fewer markers."""
    flat, counts = _flat(given)
    marked = [text.count(marker) for text in texts]
    if counts not in (None, marked) or len(flat) != sum(marked):
        raise InputError(f"the texts have {marked} places {marker}, but {counts or len(flat)} are given to show")
    return flat


AutoProcessor.register(HfApolloConfig, ApolloProcessor, exist_ok=True)

"""What can be chosen when a chat model is loaded, and how it samples videos unless told otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from apollobench.apollo.config import parse_dtype
from apollobench.errors import InputError
from apollobench.models.options import Parser, above_zero, parse_options, whole
from apollobench.types import Sampling

FRAMES = 32  # of a model that does not say how it samples
MOST_FRAMES = 64  # of one that does, unless max_frames asks for more: frames are decoded at their full size

PARSERS: Mapping[str, Parser] = {
    "dtype": parse_dtype,
    "device": str,
    "max_new_tokens": whole,
    "batch_size": whole,
    "frames": whole,
    "fps": above_zero,
    "max_frames": whole,
    "attn_implementation": str,
}


@dataclass(frozen=True, slots=True)
class Options:
    """Choices at load time. dtype: of the weights in memory, the checkpoint's own by default.

    max_new_tokens: longest reply; one token is a letter, and a model that puts its answer in words needs more.
    batch_size: questions answered at once (speed and memory only). frames: that many over the whole video; fps: so many
    a second, at most `max_frames`. attn_implementation: a name that transformers knows, its own choice by default.
    """

    dtype: str | None = None
    device: str = "cpu"
    max_new_tokens: int = 1
    batch_size: int = 8
    frames: int | None = None
    fps: float | None = None
    max_frames: int | None = None
    attn_implementation: str | None = None

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> Options:
        """From `--model_args` texts. Raises `InputError` that lists the valid keys, or names the bad value."""
        options = cls(**parse_options(arguments, PARSERS))
        if options.frames and (options.fps or options.max_frames):
            raise InputError("model argument frames means frames over the whole video; leave out fps and max_frames")
        return options

    def sampling(self, own: Sampling) -> Sampling:
        """The model's `own` sampling with these changes. Raises `InputError` for one that it would not read."""
        if self.frames:
            return Sampling(kind="uniform", frames=self.frames, clip_frames=own.clip_frames)
        if self.fps:
            limit = self.max_frames or MOST_FRAMES
            return Sampling(kind="fps", fps=self.fps, frames=limit, clip_frames=own.clip_frames)
        if self.max_frames and own.kind != "fps":
            raise InputError(
                f"model argument max_frames changes nothing: the model takes {own.frames} frames over the whole video; "
                "use frames, or fps together with max_frames"
            )
        return replace(own, frames=self.max_frames) if self.max_frames else own


def own_sampling(video_processor: Any) -> Sampling:
    """How a video processor of transformers samples, with fewer frames where it would take very many.

    Frames come in groups as large as the patches that the vision tower cuts in time: the last one is repeated to fill
    its group, and a single frame becomes a group of itself.
    """
    group = int(getattr(video_processor, "temporal_patch_size", None) or 1)
    fps, frames = getattr(video_processor, "fps", None), getattr(video_processor, "num_frames", None)
    if fps:
        limit = frames or getattr(video_processor, "max_frames", None) or MOST_FRAMES
        return Sampling(kind="fps", fps=float(fps), frames=min(int(limit), MOST_FRAMES), clip_frames=group)
    return Sampling(kind="uniform", frames=int(frames or FRAMES), clip_frames=group)

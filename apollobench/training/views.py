"""How a recipe says that videos are sampled: each choice gives a `Sampling` in clips of the model's length."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from apollobench.recipe.fields import Count, Section
from apollobench.types import Sampling

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Uniform(Section):
    """`frames` frames of every video, however long it is."""

    kind: Literal["uniform"]
    frames: Count

    def sampling(self, clip_frames: int) -> Sampling:
        return Sampling("uniform", frames=self.frames, clip_frames=clip_frames)


class Fps(Section):
    """`fps` frames per second of the whole video; frames for more than `max_clips` clips are spread evenly instead."""

    kind: Literal["fps"]
    fps: Positive
    max_clips: Count

    def sampling(self, clip_frames: int) -> Sampling:
        return Sampling("fps", fps=self.fps, frames=self.max_clips * clip_frames, clip_frames=clip_frames)


class Clips(Section):
    """Clips of `clip_seconds` seconds; when the video has more than `max_clips` of them, they are spaced."""

    kind: Literal["clips"]
    clip_seconds: Positive
    max_clips: Count

    def sampling(self, clip_frames: int) -> Sampling:
        return Sampling("clips", clip_seconds=self.clip_seconds, clip_frames=clip_frames, max_clips=self.max_clips)


class Released(Section):
    """`clips` in the index arithmetic of the released Apollo loader."""

    kind: Literal["released"]
    clip_seconds: Positive
    max_clips: Count

    def sampling(self, clip_frames: int) -> Sampling:
        # A little less than the whole budget, so that rounding up cannot add a clip.
        whole = Sampling("released", clip_seconds=self.clip_seconds, clip_frames=clip_frames, ratio=1 - 1e-9)
        return replace(whole, tokens_per_clip=1, token_budget=self.max_clips)


VideoSampling = Annotated[Uniform | Fps | Clips | Released, Field(discriminator="kind")]

"""What a token budget buys of a video: clips, their spacing, how much of the video they show, and what limits them.

The quantities are those of the Apollo paper (arXiv 2412.10360, section 4): a clip of N frames lasts d = N / fps seconds
and becomes T tokens, so tokens per frame are T / N, and tokens per second are T / d = fps x tokens per frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from apollobench.errors import InputError
from apollobench.types import Sampling

RELEASED_RATIO = 0.65  # share of the context that the released loader gives to a video
TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Budget:
    """duration: seconds. ratio: share of `budget` (tokens) for the video. max_clips: a limit of its own, or None."""

    duration: float
    fps: float
    tokens_per_clip: int
    budget: int
    clip_frames: int = 4
    ratio: float = RELEASED_RATIO
    max_clips: int | None = None

    def __post_init__(self) -> None:
        for name in ("duration", "fps", "tokens_per_clip", "budget", "clip_frames", "ratio"):
            if not 0 < getattr(self, name) < math.inf:
                raise InputError(f"{name} is {getattr(self, name)}; it must be above 0")
        if self.fitting < 1:
            raise InputError(
                f"not one clip of {self.tokens_per_clip} tokens fits {self.ratio:g} of a budget of {self.budget}; "
                "lower the tokens per clip or raise the budget"
            )

    @property
    def clip_seconds(self) -> float:
        return self.clip_frames / self.fps

    @property
    def tokens_per_frame(self) -> float:
        return self.tokens_per_clip / self.clip_frames

    @property
    def tokens_per_second(self) -> float:
        """Of what is shown."""
        return self.tokens_per_clip / self.clip_seconds

    @property
    def wanted(self) -> int:
        """Clips, back to back, that show all of the video."""
        return max(1, math.ceil(self.duration / self.clip_seconds - TOLERANCE))

    @property
    def fitting(self) -> int:
        """Clips that the budget has room for."""
        return clips_that_fit(self.budget, self.tokens_per_clip, self.ratio)

    @property
    def clips(self) -> int:
        return min(self.wanted, self.fitting, self.max_clips or self.wanted)

    @property
    def tokens(self) -> int:
        return self.clips * self.tokens_per_clip

    @property
    def coverage(self) -> float:
        """Share of the video that lies in a clip."""
        return min(1.0, self.clips * self.clip_seconds / self.duration)

    @property
    def spacing(self) -> float:
        """Seconds from the start of a clip to the next."""
        return self.duration / self.clips

    @property
    def saturated(self) -> str:
        """What keeps the model from seeing more: `budget`, `max_clips`, or `duration` when it sees everything."""
        if self.clips == self.wanted:
            return "duration"
        return "budget" if self.clips == self.fitting else "max_clips"


def clips_that_fit(budget: int, tokens_per_clip: int, ratio: float = RELEASED_RATIO) -> int:
    """How many clips `ratio` of the budget has room for."""
    return int(budget * ratio / tokens_per_clip + TOLERANCE)


def fitted(sampling: Sampling, budget: int, tokens_per_clip: int) -> Sampling:
    """The sampling with its clips or frames limited to what fits, so that a long video is seen with wider gaps.

    `released` has this rule built in, and `uniform` and `center` name their number of frames themselves.
    """
    limit = max(1, clips_that_fit(budget, tokens_per_clip, sampling.ratio))
    if sampling.kind == "clips":
        return replace(sampling, max_clips=min(limit, sampling.max_clips or limit))
    if sampling.kind == "fps":
        frames = limit * sampling.clip_frames
        return replace(sampling, frames=min(frames, sampling.frames or frames))
    return sampling

"""Frames that several questions show are preprocessed once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from transformers import BatchFeature


class Once:
    """A processor's video processor that remembers what it made of the last video it was given.

    The processor still writes every prompt itself, with as many visual places as the video has; only resizing and
    cutting into patches is not repeated. Everything else of the video processor is reached through this one.
    """

    def __init__(self, video_processor: Any) -> None:
        self._inner = video_processor
        self._frames: NDArray[np.uint8] | None = None
        self._made = BatchFeature()

    def __call__(self, videos: Any, **choices: Any) -> BatchFeature:
        frames = videos
        while isinstance(frames, list):
            (frames,) = frames
        if frames is not self._frames:
            self._made, self._frames = self._inner(videos, **choices), frames
        return BatchFeature(dict(self._made))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

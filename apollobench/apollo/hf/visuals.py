"""From what a caller shows (a video file, frames with their metadata, an image) to frames and their plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.image_utils import load_image

from apollobench.errors import InputError
from apollobench.types import FramePlan, Sampling


@dataclass(frozen=True, slots=True)
class Shown:
    """frames: uint8 RGB `[T, H, W, 3]`. plan: what is told about them; None for an image, of which nothing is told."""

    frames: NDArray[np.uint8]
    plan: FramePlan | None


def read_video(path: str | Path, sampling: Sampling) -> Shown:
    """The frames that `sampling` chooses. Raises `InputError` naming the file when it cannot be read."""
    from apollobench.video.decode import decode
    from apollobench.video.plan import plan
    from apollobench.video.probe import probe

    probed = probe(Path(path))
    chosen = plan(probed, sampling)
    return Shown(decode(probed, chosen.indices), chosen)


def frames_as_video(frames: Any, metadata: Any, sampling: Sampling) -> Shown:
    """Frames that were chosen already: uint8 array or tensor `[T, H, W, 3]`.

    metadata: a mapping or transformers' `VideoMetadata` with `fps` of the video; `frames_indices` (by default the first
    T) and `duration` or `total_num_frames` where known. Every `clip_frames` frames make a clip, the last frame fills up
    the last one. Raises `InputError` when a time cannot be told.
    """
    pictures = np.asarray(frames.cpu() if isinstance(frames, torch.Tensor) else frames)
    told = asdict(metadata) if is_dataclass(metadata) and not isinstance(metadata, type) else metadata
    fps = told.get("fps") if isinstance(told, Mapping) else None
    if fps is None or not fps > 0:
        raise InputError("frames need video_metadata that tells their fps; a video file needs none")
    chosen = told.get("frames_indices")
    indices = list(range(len(pictures)) if chosen is None else chosen)
    if len(indices) != len(pictures) or not indices:
        raise InputError(f"{len(pictures)} frames are given, but video_metadata has {len(indices)} frames_indices")
    size = sampling.clip_frames
    indices += indices[-1:] * (-len(indices) % size)
    times = tuple(float(index / fps) for index in indices)
    clips = tuple((times[first], times[first + size - 1]) for first in range(0, len(times), size))
    duration = told.get("duration") or (told.get("total_num_frames") or indices[-1] + 1) / fps
    return Shown(pictures, FramePlan(sampling, tuple(map(int, indices)), times, clips, float(duration)))


def image_as_still(image: Any) -> Shown:
    """A picture, or an array or tensor `[H, W, 3]`, or where one is stored, as a single frame."""
    if isinstance(image, torch.Tensor | np.ndarray):
        return Shown(np.asarray(image)[None], None)
    try:
        return Shown(np.asarray(load_image(image).convert("RGB"))[None], None)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"image {str(image)[:80]!r} cannot be read: {error}") from error

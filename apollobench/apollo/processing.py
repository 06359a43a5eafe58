"""From decoded frames to the clip tensors of each vision tower.

A frame is centred on a square of the tower's own mean grey, scaled with the tower's own filter, and normalised. Both
filters matter: they are those the towers were trained with, and others give visibly different pictures.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from apollobench.apollo.config import VisionConfig
from apollobench.apollo.look import FILTERS, Frames, Look
from apollobench.apollo.towers.base import kind_of
from apollobench.errors import InputError


def make_clips(frames: Frames, config: VisionConfig) -> list[Tensor]:
    """Frames uint8 `[T, H, W, 3]` (RGB) -> float32 clip tensors, one per tower in the configured order.

    Every `clip_frames` frames make a clip; the last clip is filled up by repeating the last frame, so one frame alone
    becomes a still clip. SigLIP: `[Nc, clip_frames, 3, S, S]`; InternVideo2: `[Nc, 3, clip_frames, S, S]`.
    Raises `InputError` when the frames have another shape or type.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise InputError(f"frames must be uint8 [T, H, W, 3] with T >= 1, found {frames.dtype} {list(frames.shape)}")
    return [_tower_clips(frames, kind_of(name).look, tower.pixels, config.clip_frames) for name, tower in config.towers]


def pad_to_square(frames: Frames, colour: tuple[int, int, int]) -> Frames:
    """`[T, H, W, 3]` -> `[T, S, S, 3]` with S = max(H, W); an odd rest goes to the bottom or the right."""
    count, height, width, _ = frames.shape
    if height == width:
        return frames
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    square = np.empty((count, side, side, 3), np.uint8)
    square[:] = colour
    square[:, top : top + height, left : left + width] = frames
    return square


def _tower_clips(frames: Frames, look: Look, side: int, clip_frames: int) -> Tensor:
    resize = FILTERS[look.filter]
    small = np.stack([resize(frame, side) for frame in pad_to_square(frames, look.border)])
    mean, std = np.asarray(look.mean, np.float32), np.asarray(look.std, np.float32)
    values = (small.astype(np.float32) / 255 - mean) / std
    missing = -len(values) % clip_frames
    if missing:
        values = np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])
    clips = torch.from_numpy(values).view(-1, clip_frames, side, side, 3)
    return clips.permute(0, 4, 1, 2, 3) if look.channels_first else clips.permute(0, 1, 4, 2, 3)

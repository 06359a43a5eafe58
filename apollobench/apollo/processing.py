"""From decoded frames to the clip tensors of each vision tower.

A frame is centred on a square of the tower's own mean grey, scaled with the tower's own filter, and normalised. Both
filters matter: they are those the towers were trained with, and others give visibly different pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from apollobench.apollo.config import SiglipConfig, TowerConfig, VisionConfig
from apollobench.errors import InputError

Frames = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Look:
    """How a tower sees: its resize of one square uint8 frame to a side, and the statistics it normalises with."""

    resize: Callable[[Frames, int], Frames]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @property
    def border(self) -> tuple[int, int, int]:
        """The colour of padding."""
        red, green, blue = (int(255 * x) for x in self.mean)
        return red, green, blue


def _bicubic(frame: Frames, side: int) -> Frames:
    return np.asarray(Image.fromarray(frame).resize((side, side), Image.Resampling.BICUBIC))


def _bilinear(frame: Frames, side: int) -> Frames:
    return np.asarray(cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


SIGLIP = Look(_bicubic, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
INTERNVIDEO2 = Look(_bilinear, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def make_clips(frames: Frames, config: VisionConfig) -> list[Tensor]:
    """Frames uint8 `[T, H, W, 3]` (RGB) -> float32 clip tensors, one per tower in the configured order.

    Every `clip_frames` frames make a clip; the last clip is filled up by repeating the last frame, so one frame alone
    becomes a still clip. SigLIP: `[Nc, clip_frames, 3, S, S]`; InternVideo2: `[Nc, 3, clip_frames, S, S]`.
    Raises `InputError` when the frames have another shape or type.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise InputError(f"frames must be uint8 [T, H, W, 3] with T >= 1, found {frames.dtype} {list(frames.shape)}")
    return [_tower_clips(frames, tower, config.clip_frames) for _, tower in config.towers]


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


def _tower_clips(frames: Frames, tower: TowerConfig, clip_frames: int) -> Tensor:
    look = SIGLIP if isinstance(tower, SiglipConfig) else INTERNVIDEO2
    side = tower.image_size if isinstance(tower, SiglipConfig) else tower.img_size
    small = np.stack([look.resize(frame, side) for frame in pad_to_square(frames, look.border)])
    mean, std = np.asarray(look.mean, np.float32), np.asarray(look.std, np.float32)
    values = (small.astype(np.float32) / 255 - mean) / std
    missing = -len(values) % clip_frames
    if missing:
        values = np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])
    clips = torch.from_numpy(values).view(-1, clip_frames, side, side, 3)
    return clips.permute(0, 1, 4, 2, 3) if look is SIGLIP else clips.permute(0, 4, 1, 2, 3)

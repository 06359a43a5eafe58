"""From decoded frames to the clip tensors of each vision tower.

A frame is centred on a square of the tower's own mean grey, scaled with the tower's own filter, and normalised. Both
filters matter: they are those the towers were trained with, and others give visibly different pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from apollobench.apollo.config import VisionConfig
from apollobench.apollo.look import Look
from apollobench.apollo.resize import fit
from apollobench.apollo.towers.base import kind_of
from apollobench.errors import InputError

Frames = NDArray[np.uint8]


def make_clips(
    frames: Frames | Tensor, config: VisionConfig, *, device: torch.device | str = "cpu", exact: bool = True
) -> list[Tensor]:
    """Frames uint8 `[T, H, W, 3]` (RGB) -> float32 clip tensors on `device`, one per tower in the configured order.

    SigLIP: `[Nc, clip_frames, 3, S, S]`; InternVideo2: `[Nc, 3, clip_frames, S, S]`. Otherwise as `make_pictures`.
    """
    return to_clips(make_pictures(frames, config, device=device, exact=exact), config)


def make_pictures(
    frames: Frames | Tensor, config: VisionConfig, *, device: torch.device | str = "cpu", exact: bool = True
) -> list[Tensor]:
    """Frames uint8 `[T, H, W, 3]` (RGB) -> squares uint8 `[Nc, clip_frames, S, S, 3]`, one tensor per tower.

    Every `clip_frames` frames make a clip; the last clip is filled up by repeating the last frame, so one frame alone
    becomes a still clip. Every device gives the same bits. `exact` False is quicker on the CPU and may change bicubic
    pixels (see `resize`). Raises `InputError` when the frames have another shape or type.
    """
    found = str(frames.dtype).removeprefix("torch.")
    if frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape or found != "uint8":
        raise InputError(f"frames must be uint8 [T, H, W, 3] with T, H, W >= 1, found {found} {list(frames.shape)}")
    if not isinstance(frames, Tensor):
        frames = torch.from_numpy(np.require(frames, requirements=["C_CONTIGUOUS", "WRITEABLE"]))
    frames = frames.to(device)
    looks = [(kind_of(name).look, tower.pixels) for name, tower in config.towers]
    pictures = {(look.filter, look.border, side): look for look, side in looks}
    fitted = {key: fit(frames, look, key[-1], exact) for key, look in pictures.items()}
    return [_grouped(fitted[look.filter, look.border, side], config.clip_frames) for look, side in looks]


def to_clips(pictures: Sequence[Tensor], config: VisionConfig) -> list[Tensor]:
    """What `make_pictures` made -> normalised float32 clip tensors as `make_clips` gives them, on the same device."""
    return [_normal(tower, kind_of(name).look) for tower, (name, _) in zip(pictures, config.towers, strict=True)]


def _grouped(pictures: Tensor, clip_frames: int) -> Tensor:
    missing = -len(pictures) % clip_frames
    if missing:
        pictures = torch.cat([pictures, pictures[-1:].expand(missing, -1, -1, -1)])
    return pictures.unflatten(0, (-1, clip_frames))  # type: ignore[no-any-return]


def _normal(pictures: Tensor, look: Look) -> Tensor:
    # Divisors are tensors: by a number, some devices multiply with its rounded reciprocal.
    full, mean, std = (torch.tensor(x, device=pictures.device).view(-1, 1, 1) for x in (255.0, look.mean, look.std))
    clips = pictures.permute(0, 1, 4, 2, 3).contiguous().float().div_(full).sub_(mean).div_(std)
    return clips.transpose(1, 2) if look.channels_first else clips

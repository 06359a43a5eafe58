"""Frames centred on a square and scaled to a tower's side, as Pillow and OpenCV do it, on the CPU and on other devices.

The towers were trained on what these libraries make of uint8 frames, rounding included. Both reckon in whole numbers,
so the same sums as integer tensors give the same pixels on any device. A border is plain, and filters leave what is
plain as it is: each axis is padded just before it is scaled, which gives the pixels of a scaled square for less work.

Against Pillow 13 and OpenCV 5 on noise, on four frames of each of 33 films and on rendered scenes, shrunk and enlarged
to the towers' sides, the sums of both filters differ in no pixel. `torch_bicubic` alone does, by 2 grey levels at most:
in 0.06 % of the values of films (0.33 % of the worst), 0.8 % of noise, and 2.3 % of noise of black and white.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
import torch.nn.functional as fn
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from apollobench.apollo.look import Look

Colour = tuple[int, int, int]
Weights = tuple[NDArray[np.int64], NDArray[np.int32]]

ROWS, COLUMNS = 1, 2
CUBIC_BITS, LINEAR_BITS = 22, 11
FRAMES_AT_ONCE = 32


def fit(frames: Tensor, look: Look, side: int, exact: bool = True) -> Tensor:
    """uint8 `[T, H, W, 3]` -> uint8 `[T, side, side, 3]` on the same device: padded to a square, then scaled.

    `exact` False lets torch do Pillow's part on the CPU, in about a fifth of the time; elsewhere it changes nothing.
    """
    on_cpu = frames.device.type == "cpu"
    parts = frames.split(1 if on_cpu else FRAMES_AT_ONCE)
    if look.filter == "bilinear":
        scale_square = opencv_bilinear if on_cpu else bilinear
        return torch.cat([scale_square(pad_to_square(part, look.border), side) for part in parts])
    scale = bicubic if not on_cpu else pillow_bicubic if exact else torch_bicubic
    return torch.cat([by_axis(scale, part, side, look.border) for part in parts])


def pad_to_square(frames: Tensor, colour: Colour) -> Tensor:
    """`[T, H, W, 3]` -> `[T, S, S, 3]` with S = max(H, W); an odd rest goes to the bottom or the right."""
    size = max(frames.shape[1:3])
    return _pad(_pad(frames, ROWS, size, colour), COLUMNS, size, colour)


def by_axis(scale: Callable[[Tensor, int, int], Tensor], frames: Tensor, side: int, border: Colour) -> Tensor:
    """Columns first, as Pillow does. `scale(frames, axis, size)` rounds and clamps to uint8."""
    size = max(frames.shape[1:3])
    narrow = scale(_pad(frames, COLUMNS, size, border), COLUMNS, side)
    return scale(_pad(narrow, ROWS, size, border), ROWS, side)


def _pad(frames: Tensor, axis: int, size: int, colour: Colour) -> Tensor:
    length = frames.shape[axis]
    if length == size:
        return frames
    shape = list(frames.shape)
    shape[axis] = size
    row = torch.tensor(colour, dtype=torch.uint8, device=frames.device).repeat(shape[2])
    padded = row.expand(*shape[:2], -1).contiguous().view(shape)
    padded.narrow(axis, (size - length) // 2, length).copy_(frames)
    return padded


def pillow_bicubic(frames: Tensor, axis: int, size: int) -> Tensor:
    """One axis of uint8 `[T, H, W, 3]` to `size` by Pillow's bicubic filter, which smooths when it shrinks."""
    target = (size, frames.shape[ROWS]) if axis == COLUMNS else (frames.shape[COLUMNS], size)
    images = (Image.fromarray(frame) for frame in frames.numpy())
    return torch.from_numpy(np.stack([np.asarray(x.resize(target, Image.Resampling.BICUBIC)) for x in images]))


def torch_bicubic(frames: Tensor, axis: int, size: int) -> Tensor:
    """`pillow_bicubic` with weights of 16 bits."""
    target = (frames.shape[ROWS], size) if axis == COLUMNS else (size, frames.shape[COLUMNS])
    scaled = fn.interpolate(frames.permute(0, 3, 1, 2), size=target, mode="bicubic", antialias=True)
    return scaled.permute(0, 2, 3, 1)


def bicubic(frames: Tensor, axis: int, size: int) -> Tensor:
    """`pillow_bicubic` on any device, to the bit."""
    half = torch.tensor(1 << CUBIC_BITS - 1, dtype=torch.int32, device=frames.device)
    total = sum(_products(frames, axis, cubic_weights(frames.shape[axis], size)), start=half)
    return (total >> CUBIC_BITS).clamp(0, 255).to(torch.uint8)


def opencv_bilinear(squares: Tensor, side: int) -> Tensor:
    """uint8 `[T, S, S, 3]` to `side` by OpenCV's linear interpolation, which does not smooth."""
    scaled = [cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR) for frame in squares.numpy()]
    return torch.from_numpy(np.stack(scaled).astype(np.uint8, copy=False))


def bilinear(squares: Tensor, side: int) -> Tensor:
    """`opencv_bilinear` on any device, to the bit: it cuts 4 bits off a row's sums and 16 off what rows then give."""
    weights = linear_weights(squares.shape[ROWS], side)
    rows = torch.stack(list(_products(squares, COLUMNS, weights))).sum(0, dtype=torch.int32) >> 4
    two = torch.tensor(2, dtype=torch.int32, device=squares.device)
    return (sum((x >> 16 for x in _products(rows, ROWS, weights)), start=two) >> 2).to(torch.uint8)


def _products(frames: Tensor, axis: int, weights: Weights) -> Iterator[Tensor]:
    """For each tap, the pixels it takes along `axis` times their weights (int32)."""
    places, factors = (torch.from_numpy(x).to(frames.device) for x in weights)
    for place, factor in zip(places, factors, strict=True):
        yield frames.index_select(axis, place) * factor.view((-1,) + (1,) * (3 - axis))


def cubic_weights(source: int, target: int) -> Weights:
    """Places and weights `[taps, target]` of Keys' cubic (a = -0.5), which widens by as much as the axis shrinks.

    Weights are normed to 1 and held in units of 2^-22.
    """
    scale = source / target
    width = max(scale, 1.0)
    centre = (np.arange(target) + 0.5) * scale
    first = (centre - 2 * width + 0.5).astype(np.int64).clip(min=0)
    end = (centre + 2 * width + 0.5).astype(np.int64).clip(max=source)
    places = first + np.arange((end - first).max())[:, None]
    x = np.abs((places + 0.5 - centre) / width)
    kernel = np.where(x < 1, (1.5 * x - 2.5) * x * x + 1, np.where(x < 2, ((x - 5) * x + 8) * x * -0.5 + 2, 0))
    kernel[places >= end] = 0
    fixed = kernel / kernel.sum(0) * (1 << CUBIC_BITS)
    return places.clip(max=source - 1), np.trunc(fixed + np.copysign(0.5, fixed)).astype(np.int32)


def linear_weights(source: int, target: int) -> Weights:
    """Places and weights `[2, target]` of the two neighbours, in units of 2^-11."""
    centre = ((np.arange(target) + 0.5) * (1 / (target / source)) - 0.5).astype(np.float32)
    left = np.floor(centre).astype(np.int64)
    share = centre - left.astype(np.float32)
    weights = np.rint(np.stack([1 - share, share]) * np.float32(1 << LINEAR_BITS)).astype(np.int32)
    return np.stack([left, left + 1]).clip(0, source - 1), weights

"""How a tower sees: the filter that scales its frames, the statistics that normalise them, and the order of axes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Frames = NDArray[np.uint8]
Filter = Literal["bicubic", "bilinear"]


def bicubic(frame: Frames, side: int) -> Frames:
    """Pillow's bicubic filter, which smooths when it shrinks: uint8 `[S, S, 3]` -> `[side, side, 3]`."""
    return np.asarray(Image.fromarray(frame).resize((side, side), Image.Resampling.BICUBIC))


def bilinear(frame: Frames, side: int) -> Frames:
    """OpenCV's linear interpolation, which does not smooth: uint8 `[S, S, 3]` -> `[side, side, 3]`."""
    return np.asarray(cv2.resize(frame, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


FILTERS: dict[Filter, Callable[[Frames, int], Frames]] = {"bicubic": bicubic, "bilinear": bilinear}


@dataclass(frozen=True, slots=True)
class Look:
    """filter: name in `FILTERS`. mean, std: of values in 0..1. channels_first: [3, T, S, S], not [T, 3, S, S]."""

    filter: Filter
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channels_first: bool = False

    @property
    def border(self) -> tuple[int, int, int]:
        """The colour of padding."""
        red, green, blue = (int(255 * x) for x in self.mean)
        return red, green, blue


HALF = (0.5, 0.5, 0.5)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIGLIP = Look("bicubic", HALF, HALF)
INTERNVIDEO2 = Look("bilinear", IMAGENET_MEAN, IMAGENET_STD, channels_first=True)

"""How a tower sees: the filter that scales its frames, the statistics that normalise them, and the order of axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Filter = Literal["bicubic", "bilinear"]


@dataclass(frozen=True, slots=True)
class Look:
    """filter: as in `resize`. mean, std: of values in 0..1. channels_first: [3, T, S, S], not [T, 3, S, S]."""

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

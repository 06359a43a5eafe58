"""The frames that models saw, as small pictures: of each video one or more sheets with every frame of its plans.

A sheet is a grid of cells; pages show a cell of it with the time at which the frame appears. Which frame stands where
follows from the plans alone, so that a sheet can be made when it is asked for, or all of them at once.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from apollobench.errors import InputError
from apollobench.types import FramePlan
from apollobench.video.decode import decode
from apollobench.video.probe import Probe, probe

LONGER_SIDE = 160  # pixels of a picture
COLUMNS, PER_SHEET = 8, 64
QUALITY, EFFORT = 70, 1


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame that was shown `times` times in a row. sheet, x, y: where it stands; seconds: when it appears."""

    sheet: int
    x: int
    y: int
    seconds: float
    times: int


@dataclass(frozen=True, slots=True)
class Film:
    """The sheets of one video. indices: every frame of its plans, sorted. width, height: of a cell in pixels."""

    probe: Probe
    indices: tuple[int, ...]
    width: int
    height: int

    @property
    def sheets(self) -> int:
        return -(-len(self.indices) // PER_SHEET)

    def size(self, sheet: int) -> tuple[int, int]:
        """Width and height of a sheet in pixels."""
        count = len(self._on(sheet))
        return min(count, COLUMNS) * self.width, -(-count // COLUMNS) * self.height

    def pictures(self, plan: FramePlan) -> list[Picture]:
        """The frames of a plan in the order shown, repeats in a row as one."""
        found: list[Picture] = []
        previous = None
        for index in plan.indices:
            if index == previous:
                last = found.pop()
                found.append(Picture(last.sheet, last.x, last.y, last.seconds, last.times + 1))
                continue
            place = int(np.searchsorted(self.indices, index))
            sheet, cell = divmod(place, PER_SHEET)
            x, y = cell % COLUMNS * self.width, cell // COLUMNS * self.height
            found.append(Picture(sheet, x, y, float(self.probe.times[index]), 1))
            previous = index
        return found

    def webp(self, sheet: int) -> bytes:
        """A sheet as a WebP file. Raises InputError when frames cannot be decoded."""
        frames = decode(self.probe, self._on(sheet), (self.height, self.width))
        width, height = self.size(sheet)
        canvas = np.zeros((height, width, 3), np.uint8)
        for cell, frame in enumerate(frames):
            x, y = cell % COLUMNS * self.width, cell // COLUMNS * self.height
            canvas[y : y + self.height, x : x + self.width] = frame
        file = io.BytesIO()
        Image.fromarray(canvas).save(file, "webp", quality=QUALITY, method=EFFORT)
        return file.getvalue()

    def _on(self, sheet: int) -> tuple[int, ...]:
        return self.indices[sheet * PER_SHEET : (sheet + 1) * PER_SHEET]


@lru_cache(maxsize=512)
def film(path: Path, plans: tuple[FramePlan, ...]) -> Film:
    """The sheets for all of a video's plans. Raises InputError for a video that is not the one that was shown."""
    if path == Path():
        raise InputError("where the video lies is not known; say with --benchmark which benchmark this is a result on")
    if not path.is_file():
        raise InputError(f"the video is not at hand: {path.name}; say with --data_root where the videos are")
    probed = probe(path)
    for plan in plans:
        _check(probed, plan)
    shown_width = probed.width * probed.pixel_aspect
    scale = min(1.0, LONGER_SIDE / max(shown_width, probed.height))
    width, height = (max(2, round(side * scale)) for side in (shown_width, probed.height))
    indices = sorted({index for plan in plans for index in plan.indices})
    return Film(probed, tuple(indices), width, height)


def plans_of(names: Iterable[str], plans: Mapping[str, FramePlan]) -> tuple[FramePlan, ...]:
    """Plans by fingerprint, each once, those that are not known left out."""
    return tuple(plans[name] for name in sorted(set(names)) if name in plans)


def _check(probed: Probe, plan: FramePlan) -> None:
    """The frames have to appear when the plan says; shuffling moves pictures and leaves times where they were."""
    indices = np.sort(np.asarray(plan.indices, dtype=np.int64))
    inside = len(indices) == 0 or (indices[0] >= 0 and indices[-1] < probed.frames)
    if not inside or not np.allclose(probed.times[indices], np.sort(plan.timestamps), atol=1e-3):
        raise InputError(f"{probed.path.name} is not the video that the model was shown: its frames have other times")

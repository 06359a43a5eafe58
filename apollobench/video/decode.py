"""Frames of a video by number. Backends differ in speed, never in which frame a number means."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.video.probe import Probe

# (video, frame numbers without repeats, array to fill, row of the array for each frame number)
Read = Callable[[Probe, NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]], None]

BACKENDS: Mapping[str, str] = {
    "planned": "apollobench.video.planned",
    "decord": "apollobench.video.decord_backend",
}


def decode(
    probe: Probe, indices: Sequence[int], size: tuple[int, int] | None = None, backend: str = "planned"
) -> NDArray[np.uint8]:
    """Frames number `indices` of a video as uint8 RGB [len(indices), height, width, 3], turned upright.

    indices: frame numbers in presentation order, in any order, repeats allowed; each is decoded once.
    size: (height, width) to scale to (bicubic), or None for the native size. Fields of interlaced video are not
    separated, and pixels that are not square stay as they are stored.
    Raises InputError for an unknown backend, an index outside the video, a size below 1, or frames that cannot be read.
    """
    if backend not in BACKENDS:
        raise InputError(f"unknown decoding backend {backend!r}; the backends are {', '.join(BACKENDS)}.")
    wrong = [index for index in indices if not 0 <= index < probe.frames]
    if wrong:
        raise InputError(f"{probe.path}: no frame number {wrong[0]}; the video has frames 0 to {probe.frames - 1}.")
    if size is not None and min(size) < 1:
        raise InputError(f"{probe.path}: cannot scale to height {size[0]}, width {size[1]}; both must be at least 1.")
    read: Read = import_module(BACKENDS[backend]).read
    height, width = size or (probe.height, probe.width)
    frames = np.empty((len(indices), height, width, 3), np.uint8)
    unique, places, inverse = np.unique(np.asarray(indices, np.int64), return_index=True, return_inverse=True)
    if len(unique):
        read(probe, unique, frames, places)
    for row, place in enumerate(places[inverse]):
        if row != place:
            frames[row] = frames[place]
    return frames

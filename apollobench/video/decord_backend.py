"""The decord reader (optional extra `decord`), kept for comparison: slower, same frames.

Imported only when asked for: loading decord beside some inference engines has crashed interpreters at exit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.video.probe import Probe


def read(probe: Probe, indices: NDArray[np.int64], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Frames `indices` (increasing, no repeats) as uint8 RGB [len(indices), height, width, 3]; decord turns them.

    size: (height, width) after rotation. Raises InputError if decord is absent, cannot read the file, or counts
    another number of frames than the probe (its numbers would then mean other frames).
    """
    try:
        import decord
    except ImportError as error:
        raise InputError("the decord backend needs decord: run `pip install 'apollobench[decord]'`.") from error
    height, width = size or (-1, -1)
    try:
        video: Any = decord.VideoReader(str(probe.path), num_threads=1, width=width, height=height)
    except (decord.DECORDError, RuntimeError) as error:
        raise InputError(f"{probe.path}: decord cannot open it. Use the `planned` backend.") from error
    if len(video) != probe.frames:
        raise InputError(
            f"{probe.path}: decord counts {len(video)} frames where the file shows {probe.frames}, so its numbers "
            "mean other frames. Use the `planned` backend."
        )
    frames: NDArray[np.uint8] = video.get_batch(indices.tolist()).asnumpy()
    return frames

"""The decord reader (optional extra `decord`), kept for comparison.

At the native size its pixels are those of the planned reader to the bit for 8-bit video; 10-bit video and scaling
differ, as decord scales bilinearly and not bicubically. Where decord 0.6 would give other frames than the numbers mean,
it is refused: it counts output pictures after a seek, so it goes astray where a decoder leaves pictures out.
Imported only when asked for: loading decord beside some inference engines has crashed interpreters at exit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.video.probe import Probe

INSTEAD = "Use the `planned` backend."


def read(probe: Probe, indices: NDArray[np.int64], frames: NDArray[np.uint8], places: NDArray[np.int64]) -> None:
    """Put frame `indices[i]` (increasing, no repeats) into `frames[places[i]]`, uint8 RGB; decord scales and turns.

    Raises InputError if decord is absent or cannot give exactly these frames.
    """
    try:
        import decord
    except ImportError as error:
        raise InputError("the decord backend needs decord: run `pip install 'apollobench[decord]'`.") from error
    _refuse_inexact(probe)
    height, width = frames.shape[1:3]
    if (height, width) == (probe.height, probe.width):
        height, width = -1, -1
    try:
        video: Any = decord.VideoReader(str(probe.path), num_threads=1, width=width, height=height)
        _check_times(probe, video)
        frames[places] = video.get_batch(indices.tolist()).asnumpy()
    except (decord.DECORDError, RuntimeError) as error:
        raise InputError(f"{probe.path}: decord cannot read it. {INSTEAD}") from error


def _refuse_inexact(probe: Probe) -> None:
    if probe.table.counted:
        raise InputError(f"{probe.path}: decord needs frame times, which {probe.container} does not carry. {INSTEAD}")
    if probe.table.leading:
        raise InputError(f"{probe.path}: decord miscounts frames shown before their keyframe (open GOP). {INSTEAD}")
    if probe.rotation and probe.container != "mov":
        raise InputError(f"{probe.path}: decord does not see the rotation that {probe.container} stores. {INSTEAD}")


def _check_times(probe: Probe, video: Any) -> None:
    """Decord may choose another stream of the file, or count frames that are not shown."""
    times = video.get_frame_timestamp(range(len(video)))[:, 0].astype(np.float64)
    ours = probe.times - probe.times[0]
    if len(times) != len(ours) or np.abs(times - times[0] - ours).max() > 1e-3 + 1e-6 * probe.duration:
        raise InputError(
            f"{probe.path}: decord lists {len(times)} frames at other times than the {len(ours)} of the first video "
            f"stream. {INSTEAD}"
        )

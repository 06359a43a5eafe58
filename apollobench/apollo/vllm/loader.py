"""vLLM's video loader `apollobench`: the frames of a plan, or of a sampling, read by the planned reader.

A request, or the server's --media-io-kwargs, chooses it: `{"video": {"video_backend": "apollobench", ...}}` with

    plan      `indices`, `clips` and `duration` of a `FramePlan`: exactly these frames
    sampling  fields of a `Sampling`: the server plans as `apollobench eval` does
    neither   `num_frames` frames over the whole video
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vllm.multimodal.video import VIDEO_LOADER_REGISTRY, VideoLoader

from apollobench.errors import InputError
from apollobench.types import FramePlan, Sampling

LOADER = "apollobench"
Loaded = tuple[NDArray[np.uint8], dict[str, Any]]


@VIDEO_LOADER_REGISTRY.register(LOADER)
class PlannedLoader(VideoLoader):  # type: ignore[misc]
    """Frames uint8 `[T, H, W, 3]`, and metadata that states each clip's bounds in seconds beside vLLM's own fields."""

    @classmethod
    def load_bytes(
        cls,
        data: bytes,
        num_frames: int = -1,
        *,
        plan: Mapping[str, Any] | None = None,
        sampling: Mapping[str, Any] | None = None,
        **_: Any,
    ) -> Loaded:
        """Raises ValueError, which the server answers with 400, for what cannot be read or sampled."""
        with tempfile.NamedTemporaryFile(prefix="apollobench-") as file:
            file.write(data)
            file.flush()
            try:
                return _load(Path(file.name), num_frames, plan, sampling)
            except (InputError, TypeError, KeyError) as error:
                raise ValueError(f"the video cannot be shown: {error}".replace(file.name, "the file")) from error


def _load(path: Path, num_frames: int, given: Mapping[str, Any] | None, sampling: Mapping[str, Any] | None) -> Loaded:
    from apollobench.video.decode import decode
    from apollobench.video.plan import plan
    from apollobench.video.probe import probe

    probed = probe(path)
    if given is None:
        chosen = plan(probed, _sampling(num_frames, sampling, probed.frames))
    else:
        times = [float(probed.times[index]) for index in given["indices"] if 0 <= index < probed.frames]
        if not times or len(times) != len(given["indices"]):
            raise InputError(f"the plan names frames outside 0 to {probed.frames - 1}")
        clips = tuple((float(first), float(last)) for first, last in given["clips"])
        chosen = FramePlan(Sampling("uniform"), tuple(given["indices"]), tuple(times), clips, float(given["duration"]))
    return decode(probed, chosen.indices), {
        "total_num_frames": probed.frames,
        "fps": probed.fps,
        "duration": chosen.duration,
        "frames_indices": list(chosen.indices),
        "clips": [list(clip) for clip in chosen.clips],
        "video_backend": LOADER,
        "do_sample_frames": False,
    }


def _sampling(num_frames: int, fields: Mapping[str, Any] | None, frames: int) -> Sampling:
    if fields is not None:
        return Sampling(**fields)
    return Sampling("uniform", frames=num_frames if num_frames > 0 else frames, clip_frames=1)

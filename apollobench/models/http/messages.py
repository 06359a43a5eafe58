"""How a video becomes content parts of a chat message: pictures, a video made of JPEGs, or the file itself."""

from __future__ import annotations

import base64
import io
import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apollobench.errors import InputError
from apollobench.types import FramePlan, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Part = Mapping[str, Any]


def jpegs(frames: Iterable[NDArray[np.uint8]], quality: int, max_side: int | None) -> list[str]:
    """Each frame (uint8 RGB [H, W, 3]) as a JPEG in base64; none is larger than `max_side` pixels either way."""
    from PIL import Image

    made = []
    for frame in frames:
        picture = Image.fromarray(frame)
        if max_side is not None:
            picture.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
        data = io.BytesIO()
        picture.save(data, "JPEG", quality=quality)
        made.append(base64.b64encode(data.getvalue()).decode("ascii"))
    return made


def image_part(jpeg: str, detail: str | None = None) -> Part:
    """One picture. detail: how finely the server looks at it, where it offers a choice."""
    shown = {"url": f"data:image/jpeg;base64,{jpeg}"}
    return {"type": "image_url", "image_url": shown if detail is None else {**shown, "detail": detail}}


def video_part(url: str) -> Part:
    return {"type": "video_url", "video_url": {"url": url}}


def jpeg_video_url(pictures: Iterable[str]) -> str:
    """A video of JPEGs, as vLLM takes it: in base64, separated by commas."""
    return f"data:video/jpeg;base64,{','.join(pictures)}"


def file_data_url(path: Path) -> str:
    """The file itself in base64."""
    kind = mimetypes.guess_type(path.name)[0] or "video/mp4"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def frames_of(request: Request) -> NDArray[np.uint8]:
    """The frames of the request's plan, uint8 RGB [T, H, W, 3]; read from the file where it does not carry them."""
    if request.frames is not None:
        return request.frames
    if request.plan is None:
        raise InputError(f"{request.item.id}: mode {request.mode} was asked without a frame plan")
    from apollobench.video.decode import decode
    from apollobench.video.probe import probe

    union = sorted(set(request.plan.indices))
    rows = {index: row for row, index in enumerate(union)}
    pictures = decode(probe(request.item.video.path), union, request.plan.size)
    return pictures[[rows[index] for index in request.plan.indices]]


def jpeg_video_times(plan: FramePlan) -> dict[str, Any]:
    """What vLLM must be told about a video of JPEGs to know when each was shown (its `media_io_kwargs` of video).

    Without it vLLM takes the first 32 pictures and one second between them. Times stand for frame numbers at the rate
    of the plan's own numbers, so shuffled pictures keep their places in time.
    """
    last = max(range(len(plan.indices)), key=lambda i: plan.timestamps[i])
    moment, number = plan.timestamps[last], max(plan.indices)
    fps = number / moment if moment > 0 and number > 0 else 1.0
    numbers = [round(time * fps) for time in plan.timestamps]
    return {
        "num_frames": len(plan.indices),
        "fps": fps,
        "frames_indices": numbers,
        "total_num_frames": max(len(numbers), max(numbers) + 1, round(plan.duration * fps)),
        "duration": plan.duration,
        "do_sample_frames": False,
    }

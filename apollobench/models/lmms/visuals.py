"""Decoded frames in the forms that the model classes of lmms-eval take: images, lists of images, files."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from PIL import Image

from apollobench.errors import InputError
from apollobench.models.lmms.handling import Form
from apollobench.types import Mode, Request, digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PICTURES = 2  # of each frame in a file, a second in all


class Visuals:
    """What requests show, in one form. Frames that several share become pictures, or a file in `folder`, once."""

    def __init__(self, form: Form, folder: Path) -> None:
        self.form, self.folder = form, folder
        self._made: dict[str, list[Any]] = {}

    def of(self, request: Request) -> list[Any]:
        """The visuals of a request, in their order: a list of frames that is one video counts as one.

        Raises `InputError` for a request that lacks the frames of its mode.
        """
        if request.mode is Mode.TEXT:
            return []
        if request.frames is None or request.plan is None:
            raise InputError(f"{request.item.id}: mode {request.mode} was asked without frames")
        shown = digest([request.item.video.id, str(request.item.video.path), request.plan.fingerprint])
        if shown not in self._made:
            self._made[shown] = self._make(shown, request.frames)
        return list(self._made[shown])

    def content(self, request: Request) -> list[dict[str, Any]]:
        """The visuals as parts of a chat message."""
        kind = "video" if self.form in ("frames", "file") else "image"
        return [{"type": kind, "url": visual} for visual in self.of(request)]

    def _make(self, name: str, frames: NDArray[np.uint8]) -> list[Any]:
        if self.form == "file":
            path = self.folder / f"{name}.mp4"
            write_lossless(path, frames)
            return [str(path)]
        pictures = [Image.fromarray(frame) for frame in frames]
        if self.form == "png":
            path = self.folder / f"{name}.png"
            pictures[0].save(path)
            return [str(path)]
        return [pictures] if self.form == "frames" else pictures


def write_lossless(path: Path, frames: NDArray[np.uint8] | Sequence[NDArray[np.uint8]]) -> None:
    """An MP4 file (H.264, RGB, lossless) that shows every frame, uint8 [height, width, 3], for a second: twice.

    Whoever takes as many pictures as there are frames gets each frame once and in order, be it evenly from the first
    to the last, from the middles of equal parts, or one a second. (Of a file with one picture for each frame, the
    middles would leave out the last and repeat another.)
    """
    height, width = frames[0].shape[:2]
    with av.open(path, "w") as file:
        stream = file.add_stream("libx264rgb", rate=PICTURES, options={"qp": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        stream.codec_context.time_base = Fraction(1, PICTURES)
        for number in range(PICTURES * len(frames)):
            picture = av.VideoFrame.from_ndarray(frames[number // PICTURES], format="rgb24")
            picture.pts = number
            file.mux(stream.encode(picture))
        file.mux(stream.encode(None))

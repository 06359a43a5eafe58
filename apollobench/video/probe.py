"""What a video file holds, told without decoding it wherever the container allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.stream import Discard, Disposition
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.video.header import promised_bytes
from apollobench.video.mp4 import is_upright
from apollobench.video.table import FrameTable, decoded, table_readers

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

REPLACE = "Replace the file, for example by downloading it again."


class NoVideoError(InputError):
    """A file that can be opened and holds no video stream."""


class CutShortError(InputError):
    """A file with fewer bytes than its header promises."""


@dataclass(frozen=True)
class Probe:
    """A video file's shape. Compared without its arrays.

    duration: seconds from time 0 to the end of the last frame. fps: average frames per second. width, height: pixels of
    a frame as it is to be seen, after rotation; pixels are not stretched where `pixel_aspect` (width / height of one
    pixel) is not 1. rotation: degrees counterclockwise that decoded frames are turned by (0, 90, 180, 270).
    times: float64 [frames], seconds at which each shown frame appears. keyframes: int64, numbers of the frames that
    decoding can start at. container: FFmpeg's first name for the file format (`mov` for MP4).
    """

    path: Path
    duration: float
    frames: int
    fps: float
    width: int
    height: int
    rotation: int
    codec: str
    container: str
    pixel_aspect: float
    times: NDArray[np.float64] = field(repr=False, compare=False)
    keyframes: NDArray[np.int64] = field(repr=False, compare=False)
    table: FrameTable = field(repr=False, compare=False)


def probe(path: Path) -> Probe:
    """Read the shape of `path` and the presentation time of each of its frames.

    Raises InputError that names the file if it is missing, empty, not a video, without a video stream (NoVideoError),
    cut short (CutShortError: fewer bytes than its header promises), or not decodable.
    """
    with open_video(path) as (container, stream):
        _check_complete(path, stream)
        cheapest, *others = table_readers(container)
        table = cheapest(container, stream, path)
        if table is not None:
            return _describe(path, container, stream, table)
    for read in others:
        with open_video(path) as (container, stream):
            table = read(container, stream, path)
            if table is not None:
                return _describe(path, container, stream, table)
    raise InputError(f"{path}: no frame of its video stream can be decoded. {REPLACE}")


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open `path` for reading its first real video stream on one thread; every other stream is discarded.

    Raises InputError as `probe` does for files that cannot be opened or hold no video.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file. Check the path, or fetch the source's videos first.")
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty (0 bytes). {REPLACE}")
    try:
        container = av.open(str(path), metadata_errors="replace")  # titles may be in any encoding
    except (av.error.FFmpegError, OSError) as error:
        raise _failure(path, "not a readable video file", error) from error
    try:
        with container:
            stream = _video_stream(path, container)
            for other in container.streams:
                if other is not stream:
                    other.discard = Discard.all
            stream.codec_context.thread_count = 1
            stream.codec_context.thread_type = "SLICE"
            yield container, stream
    except av.error.FFmpegError as error:
        raise _failure(path, "reading it failed", error) from error


def _failure(path: Path, what: str, error: Exception) -> InputError:
    reason = str(getattr(error, "strerror", None) or error)
    promised, present = promised_bytes(path), path.stat().st_size
    if promised is not None and promised > present:
        lost = f"cut short, {present} of {promised} promised bytes are there ({reason})"
        return CutShortError(f"{path}: {what}: {lost}. {REPLACE}")
    return InputError(f"{path}: {what}: {reason}. {REPLACE}")


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    """The first video stream that is not a cover picture."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if not stream.codec_context or not stream.codec_context.is_decoder:
                raise InputError(f"{path}: its video codec is not supported by this build of PyAV. Re-encode the file.")
            return stream
    kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
    cover = " (the picture is a cover image)" if container.streams.video else ""
    raise NoVideoError(f"{path}: no video stream; the file holds only {kinds}{cover}. Point the item to a video file.")


def _check_complete(path: Path, stream: VideoStream) -> None:
    """Compare what the header promises with what is there: some decoders stop at the end of the data in silence."""
    present, promised = path.stat().st_size, promised_bytes(path)
    if promised is None or promised <= present:
        return
    entries = stream.index_entries
    if stream.frames and len(entries) == stream.frames:
        lost = sum(entry.pos + entry.size > present for entry in entries)
        if not lost:
            return
        counts = f"its index lists {stream.frames} frames, the data of {lost} of them is missing"
    else:
        counts = "the rest is missing"
    raise CutShortError(f"{path}: truncated: {present} of {promised} promised bytes are there; {counts}. {REPLACE}")


def _describe(path: Path, container: InputContainer, stream: VideoStream, table: FrameTable) -> Probe:
    origin = round(Fraction(container.start_time or 0, av.time_base) / table.time_base)
    fps = _average_fps(table, stream)
    step = float(np.median(np.diff(table.pts))) if len(table.pts) > 1 else float(1 / (fps * table.time_base))
    tick = table.time_base.numerator / table.time_base.denominator
    times = (table.pts - origin) * table.time_base.numerator / table.time_base.denominator
    rotation = 0 if is_upright(path, stream.id) else _rotation(path)
    stored = stream.codec_context
    height, width = (stored.width, stored.height) if rotation % 180 else (stored.height, stored.width)
    return Probe(
        path=path,
        duration=float(times[-1] + step * tick),
        frames=len(table.pts),
        fps=fps,
        width=width,
        height=height,
        rotation=rotation,
        codec=stream.codec_context.codec.canonical_name,
        container=container.format.name.split(",")[0],
        pixel_aspect=float(stream.sample_aspect_ratio or 1),
        times=times,
        keyframes=np.searchsorted(table.pts, table.keys),
        table=table,
    )


def _rotation(path: Path) -> int:
    """Degrees counterclockwise that frames are to be turned by; only a decoded frame tells, whatever the container."""
    with open_video(path) as (container, stream):
        first = next(decoded(container, stream), None)
    if first is None:
        raise InputError(f"{path}: the first frame of its video stream cannot be decoded. {REPLACE}")
    return round(first.rotation / 90) * 90 % 360


def _average_fps(table: FrameTable, stream: VideoStream) -> float:
    """The container's average rate where the frame times bear it out within a tenth, otherwise the times' own."""
    gaps = np.diff(table.pts)
    if not len(gaps):
        return float(stream.average_rate or stream.guessed_rate or 25)
    span = Fraction(int(table.pts[-1] - table.pts[0])) + Fraction(float(np.median(gaps)))
    measured = len(table.pts) / (span * table.time_base)
    stated = stream.average_rate
    return float(stated if stated and abs(stated / measured - 1) < 0.1 else measured)

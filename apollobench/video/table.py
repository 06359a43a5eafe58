"""When every shown frame of a video stream is shown, and where decoding can start.

Three ways to the same table, cheapest first: the container's own sample index (MP4, MOV), one pass over packet headers
(Matroska, WebM, FLV, fragmented MP4), or decoding everything (AVI, transport streams, GIF, streams without times).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from apollobench.video.header import composition_offsets

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

TIMED_FORMATS = frozenset({"mov", "mp4", "matroska", "webm", "flv"})
CHECKED_PACKETS = 48


@dataclass(frozen=True, eq=False)
class FrameTable:
    """Times of the shown frames in presentation order, in units of `time_base` seconds.

    pts: int64 [frames], strictly increasing. keys: int64 [keyframes], presentation times of the frames where decoding
    can start. seeks: int64 [keyframes], the time to seek to for each. counted: the container's times cannot be relied
    on to find a frame, so frame number n is the n-th frame that decoding from the start gives.
    """

    pts: NDArray[np.int64]
    keys: NDArray[np.int64]
    seeks: NDArray[np.int64]
    time_base: Fraction
    counted: bool = False


@dataclass(frozen=True, eq=False)
class Samples:
    """Coded samples in storage order: presentation and decoding times, keyframe marks, and marks of those shown."""

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    key: NDArray[np.bool_]
    shown: NDArray[np.bool_]

    def table(self, time_base: Fraction) -> FrameTable | None:
        """None if two shown frames share one time or there is nothing to start decoding from."""
        pts = np.sort(self.pts[self.shown])
        if not len(pts) or not self.key.any() or (np.diff(pts) <= 0).any():
            return None
        order = np.argsort(self.pts[self.key], kind="stable")
        keys, key_dts = self.pts[self.key][order], self.dts[self.key][order]
        # A seek finds the last keyframe whose decoding time is not later. Asking for the presentation time is right
        # unless the next keyframe is already decoded by then.
        following = np.append(key_dts[1:], np.iinfo(np.int64).max)
        return FrameTable(pts, keys, np.where(following > keys, keys, key_dts), time_base)


def is_timed(container: InputContainer) -> bool:
    """Whether the container format stores a presentation time for every packet."""
    return not TIMED_FORMATS.isdisjoint(container.format.name.split(","))


def time_base_of(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, av.time_base)


def index_table(container: InputContainer, stream: VideoStream, path: Path) -> FrameTable | None:
    """The table from an MP4 sample index, or None if there is none or the first packets contradict it."""
    entries = stream.index_entries
    if "mp4" not in container.format.name or not stream.frames or len(entries) != stream.frames:
        return None
    flags = np.fromiter((entry.flags for entry in entries), np.int64, len(entries))
    dts = np.fromiter((entry.timestamp for entry in entries), np.int64, len(entries))
    offsets = composition_offsets(path, stream.id)
    pts = dts.copy() if offsets is None else _shifted(dts, offsets, container, stream)
    if pts is None:
        return None
    samples = Samples(pts, dts, key=(flags & 1) > 0, shown=(flags & 2) == 0)
    return samples.table(time_base_of(stream)) if _agrees(samples, container, stream) else None


def packet_table(container: InputContainer, stream: VideoStream) -> FrameTable | None:
    """The table from one pass over packet headers, or None if a packet has no time."""
    packets = list(_facts(container, stream))
    if not packets or any(pts is None for pts, _, _, _ in packets):
        return None
    pts, dts, key, shown = zip(*packets, strict=True)
    times = np.array(pts, np.int64)
    starts = np.array([at if when is None else when for at, when in zip(pts, dts, strict=True)], np.int64)
    return Samples(times, starts, np.array(key, bool), np.array(shown, bool)).table(time_base_of(stream))


def counted_table(container: InputContainer, stream: VideoStream) -> tuple[FrameTable | None, av.VideoFrame | None]:
    """The table from decoding every frame, and the first frame; None for both if nothing can be decoded.

    Times that are missing or do not increase are replaced by frame number / average rate.
    """
    first = None
    times: list[int | None] = []
    for frame in decoded(container, stream):
        first = first or frame
        times.append(frame.pts)
    if not times:
        return None, None
    time_base = time_base_of(stream)
    known = [time for time in times if time is not None]
    pts = np.array(known, np.int64)
    if len(known) != len(times) or (np.diff(pts) <= 0).any():
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        time_base, pts = 1 / Fraction(rate), np.arange(len(times), dtype=np.int64)
    return FrameTable(pts, pts[:1], pts[:1], time_base, counted=True), first


def decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Every frame that decoding from the current place gives; packets that the decoder refuses are passed over."""
    for packet in container.demux(stream):
        try:
            yield from stream.codec_context.decode(packet if packet.size else None)
        except av.error.EOFError:
            return
        except av.error.InvalidDataError:
            continue


def _shifted(
    dts: NDArray[np.int64], offsets: NDArray[np.int64], container: InputContainer, stream: VideoStream
) -> NDArray[np.int64] | None:
    """dts + offsets + the constant by which the demuxer shifts them, told from the first packet."""
    first = next(_facts(container, stream), None)
    container.seek(int(dts[0]), stream=stream)
    if len(offsets) != len(dts) or first is None or first[0] is None:
        return None
    return dts + offsets + (first[0] - int(dts[0]) - int(offsets[0]))


def _agrees(samples: Samples, container: InputContainer, stream: VideoStream) -> bool:
    """Whether the first packets have the times and marks that the samples say."""
    seen = list(islice(_facts(container, stream), CHECKED_PACKETS))
    container.seek(int(samples.dts[0]), stream=stream)
    columns: Sequence[NDArray[np.int64] | NDArray[np.bool_]] = (samples.pts, samples.dts, samples.key, samples.shown)
    return all(packet == tuple(column[row] for column in columns) for row, packet in enumerate(seen))


def _facts(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int | None, int | None, bool, bool]]:
    """(presentation time, decoding time, keyframe?, shown?) of each packet from the current place on."""
    hides = stream.codec_context.codec.name in ("vp8", "libvpx")
    for packet in container.demux(stream):
        if packet.size:
            shown = not packet.is_discard and not (hides and _is_hidden_vp8(packet))
            yield packet.pts, packet.dts, packet.is_keyframe, shown


def _is_hidden_vp8(packet: Packet[VideoStream]) -> bool:
    """VP8 stores reference pictures that are never shown; bit 4 of the frame tag tells (RFC 6386, section 9.1)."""
    return not bytes(packet)[0] & 0x10

"""When every shown frame of a video stream is shown, and where decoding can start.

Three ways to the same table, cheapest first: the container's own sample index (MP4, MOV), one pass over packet headers
(Matroska, WebM, FLV, fragmented MP4), or decoding everything (AVI, transport streams, GIF, streams without times).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from apollobench.video.mp4 import sample_table

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

TIMED_FORMATS = frozenset({"matroska", "webm", "flv"})
CHECKED_ENTRIES, CHECKED_PACKETS = 64, 48


@dataclass(frozen=True, eq=False)
class FrameTable:
    """Times of the shown frames in presentation order, in units of `time_base` seconds.

    pts: int64 [frames], strictly increasing. keys: int64 [keyframes], presentation times of the frames where decoding
    can start. seeks: int64 [keyframes], the time to seek to for each. counted: the container's times cannot be relied
    on to find a frame, so frame number n is the n-th frame that decoding from the start gives. leading: some frames are
    stored after a keyframe that they are shown before, so not everything after a keyframe can be decoded from it.
    """

    pts: NDArray[np.int64]
    keys: NDArray[np.int64]
    seeks: NDArray[np.int64]
    time_base: Fraction
    counted: bool = False
    leading: bool = False


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
        earliest_from_here = np.minimum.accumulate(self.pts[::-1])[::-1]
        leading = bool((earliest_from_here < self.pts)[self.key].any())
        return FrameTable(pts, keys, np.where(following > keys, keys, key_dts), time_base, leading=leading)


ReadTable = Callable[["InputContainer", "VideoStream", Path], FrameTable | None]


def table_readers(container: InputContainer) -> tuple[ReadTable, ...]:
    """The ways to a table that fit the container format, cheapest first; each wants a freshly opened file."""
    names = set(container.format.name.split(","))
    if "mp4" in names:
        return index_table, packet_table, counted_table
    return (packet_table, counted_table) if names & TIMED_FORMATS else (counted_table,)


def time_base_of(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, av.time_base)


def index_table(container: InputContainer, stream: VideoStream, path: Path) -> FrameTable | None:
    """The table from an MP4 file's own tables, or None if there are none or what the demuxer says contradicts them.

    Edit lists and damaged tables show in the demuxer's index and in the packets it gives, which are therefore compared
    at places spread over the file and at its start.
    """
    entries = stream.index_entries
    stored = sample_table(path, stream.id) if stream.frames else None
    if stored is None or not len(entries) == stream.frames == len(stored.key):
        return None
    dts = stored.decoding + entries[0].timestamp
    for place in np.unique(np.linspace(0, len(dts) - 1, CHECKED_ENTRIES).astype(int)):
        entry = entries[int(place)]
        if (entry.timestamp, entry.is_keyframe, entry.is_discard) != (dts[place], stored.key[place], False):
            return None
    seen = list(islice(_facts(container, stream), CHECKED_PACKETS))
    if not seen or seen[0][0] is None:
        return None
    pts = dts + stored.offset + (seen[0][0] - dts[0] - stored.offset[0])
    samples = Samples(pts, dts, stored.key, shown=np.ones(len(dts), bool))
    columns: Sequence[NDArray[np.int64] | NDArray[np.bool_]] = (samples.pts, samples.dts, samples.key, samples.shown)
    if any(packet != tuple(column[row] for column in columns) for row, packet in enumerate(seen)):
        return None
    return samples.table(time_base_of(stream))


def packet_table(container: InputContainer, stream: VideoStream, path: Path) -> FrameTable | None:
    """The table from one pass over packet headers, or None if a packet has no time."""
    packets = list(_facts(container, stream))
    if not packets or any(pts is None for pts, _, _, _ in packets):
        return None
    pts, dts, key, shown = zip(*packets, strict=True)
    times = np.array(pts, np.int64)
    starts = np.array([at if when is None else when for at, when in zip(pts, dts, strict=True)], np.int64)
    return Samples(times, starts, np.array(key, bool), np.array(shown, bool)).table(time_base_of(stream))


def counted_table(container: InputContainer, stream: VideoStream, path: Path) -> FrameTable | None:
    """The table from decoding every frame, or None if nothing can be decoded.

    Times that are missing or do not increase are replaced by frame number / average rate.
    """
    times = [frame.pts for frame in decoded(container, stream)]
    if not times:
        return None
    time_base = time_base_of(stream)
    known = [time for time in times if time is not None]
    pts = np.array(known, np.int64)
    if len(known) != len(times) or (np.diff(pts) <= 0).any():
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        time_base, pts = 1 / Fraction(rate), np.arange(len(times), dtype=np.int64)
    return FrameTable(pts, pts[:1], pts[:1], time_base, counted=True)


def decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """Every frame that decoding from the current place gives; packets that the decoder refuses are passed over."""
    for packet in container.demux(stream):
        try:
            yield from stream.codec_context.decode(packet if packet.size else None)
        except av.error.EOFError:
            return
        except av.error.InvalidDataError:
            continue


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

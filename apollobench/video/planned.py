"""The planned reader: seek once per keyframe interval that holds wanted frames and decode no further than needed.

Between wanted frames the decoder leaves out pictures that no other picture refers to (H.264, HEVC). A frame counts as
found only if its presentation time is exactly the wanted one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import av
import numpy as np
from av.codec.context import Flags
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.video.probe import Probe, open_video
from apollobench.video.table import FrameTable, decoded, packet_table

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

SKIPPING_CODECS = ("h264", "hevc")


def read(probe: Probe, indices: NDArray[np.int64], size: tuple[int, int] | None) -> NDArray[np.uint8]:
    """Frames `indices` (increasing, no repeats) as uint8 RGB [len(indices), height, width, 3], rotation applied.

    size: (height, width) after rotation. Raises InputError that names the file and the frames which do not decode.
    """
    canvas = Canvas(probe, len(indices), size)
    with open_video(probe.path) as (container, stream):
        if probe.table.counted:
            missing = _read_counted(container, stream, indices, canvas)
        else:
            missing = _read_timed(container, stream, probe, indices, canvas)
    if missing:
        times = ", ".join(f"{index} ({probe.times[index]:.3f} s)" for index in indices[sorted(missing)[:5]])
        raise InputError(
            f"{probe.path}: {len(missing)} of {len(indices)} wanted frames cannot be decoded, first of them: {times}. "
            "The file is damaged there or its index is wrong: replace it or drop the items that use it."
        )
    return canvas.pixels


class Canvas:
    """The output array; frames are scaled (bicubic, inside the color conversion), turned and put into their rows."""

    def __init__(self, probe: Probe, rows: int, size: tuple[int, int] | None) -> None:
        height, width = size or (probe.height, probe.width)
        self.pixels = np.empty((rows, height, width, 3), np.uint8)
        self._turns = probe.rotation // 90
        self._height, self._width = (width, height) if self._turns % 2 else (height, width)
        self._scaler = VideoReformatter()

    def put(self, row: int, frame: VideoFrame) -> None:
        picture = self._scaler.reformat(
            frame, self._width, self._height, "rgb24", interpolation=Interpolation.BICUBIC, threads=1
        ).to_ndarray()
        self.pixels[row] = np.rot90(picture, self._turns)


def _read_counted(
    container: InputContainer, stream: VideoStream, indices: NDArray[np.int64], canvas: Canvas
) -> set[int]:
    """Decode from the start and count; the rows that were not reached are returned."""
    rows = {int(index): row for row, index in enumerate(indices)}
    for number, frame in enumerate(decoded(container, stream)):
        if number in rows:
            canvas.put(rows.pop(number), frame)
        if not rows:
            break
    return set(rows.values())


def _read_timed(
    container: InputContainer, stream: VideoStream, probe: Probe, indices: NDArray[np.int64], canvas: Canvas
) -> set[int]:
    """Read by presentation time; rows that stay away even from a table of the real packets are returned."""
    table = probe.table
    missing = _Reader(container, stream, table, canvas).read(_rows(table, indices))
    if not missing:
        return set()
    container.seek(int(table.seeks[0]), stream=stream)
    actual = packet_table(container, stream)
    if actual is None or len(actual.pts) != len(table.pts) or (actual.pts == table.pts).all():
        return set(missing.values())
    anew = {int(actual.pts[indices[row]]): row for row in missing.values()}
    return set(_Reader(container, stream, actual, canvas).read(anew).values())


def _rows(table: FrameTable, indices: NDArray[np.int64]) -> dict[int, int]:
    return {int(table.pts[index]): row for row, index in enumerate(indices)}


class _Reader:
    """Reads one stream by keyframe intervals; `rows` maps the presentation time of a wanted frame to its row."""

    def __init__(self, container: InputContainer, stream: VideoStream, table: FrameTable, canvas: Canvas) -> None:
        self._container, self._stream, self._table, self._canvas = container, stream, table, canvas
        self._decoder = stream.codec_context
        self._decoder.flags |= Flags.output_corrupt
        self._skips = stream.codec_context.codec.canonical_name in SKIPPING_CODECS
        self._packets: Iterator[Packet[VideoStream]] = iter(())
        self._last_key = -2

    def read(self, rows: dict[int, int]) -> dict[int, int]:
        """Put every frame that can be found; the others are returned."""
        missing: dict[int, int] = {}
        wanted = np.array(sorted(rows), np.int64)
        runs = np.maximum(np.searchsorted(self._table.keys, wanted, side="right") - 1, 0)
        for key in np.unique(runs):
            left = {int(pts): rows[int(pts)] for pts in wanted[runs == key]}
            for start in dict.fromkeys((int(key), max(int(key) - 1, 0), max(int(key) - 2, 0), 0)):
                left = self._run(start, left)
                if not left:
                    break
            missing |= left
        return missing

    def _run(self, key: int, rows: dict[int, int]) -> dict[int, int]:
        """Decode from keyframe number `key` until all of `rows` have appeared; those that did not are returned."""
        left, unsent, last = dict(rows), set(rows), max(rows)
        for packet in self._from(key):
            if packet.dts is not None and packet.dts > last:
                break
            self._decode(packet, wanted=packet.pts in unsent, left=left, trusted=key == 0)
            unsent.discard(packet.pts)
            if not unsent:
                break
        self._decode(None, wanted=True, left=left, trusted=key == 0)
        self._decoder.flush_buffers()
        return left

    def _from(self, key: int) -> Iterator[Packet[VideoStream]]:
        """Packets from keyframe number `key` on. Goes on without a seek if that keyframe is the next one to come."""
        start = int(self._table.keys[key])
        if self._last_key != key - 1:
            self._container.seek(int(self._table.seeks[key]), stream=self._stream)
            self._packets = self._container.demux(self._stream)
        reached = False
        for packet in self._packets:
            if not packet.size:
                return
            if packet.is_keyframe and packet.pts is not None:
                self._last_key = int(np.searchsorted(self._table.keys, packet.pts))
            reached = reached or packet.pts == start
            if reached:
                yield packet
            elif packet.dts is not None and packet.dts > start:
                return

    def _decode(self, packet: Packet[VideoStream] | None, wanted: bool, left: dict[int, int], trusted: bool) -> None:
        """Send one packet (None: the end) and put the wanted frames that come out.

        A frame that the decoder marks as corrupt is what a player shows if it was decoded from the start of the file
        (`trusted`); after a seek it may only be lacking its references.
        """
        if self._skips:
            skip: Literal["DEFAULT", "NONREF"] = "DEFAULT" if wanted else "NONREF"
            if self._decoder.skip_frame != skip:
                self._decoder.skip_frame = skip
        try:
            frames = self._decoder.decode(packet)
        except (av.error.InvalidDataError, av.error.EOFError):
            return
        for frame in frames:
            if frame.pts in left and (trusted or not frame.is_corrupt):
                self._canvas.put(left.pop(frame.pts), frame)

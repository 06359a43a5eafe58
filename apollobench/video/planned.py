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
from av.video.frame import PictureType
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
INTER = (PictureType.P, PictureType.B)


def read(probe: Probe, indices: NDArray[np.int64], frames: NDArray[np.uint8], places: NDArray[np.int64]) -> None:
    """Put frame `indices[i]` (increasing, no repeats) into `frames[places[i]]`, uint8 RGB [rows, height, width, 3].

    Scales to the size of `frames` and turns upright. Raises InputError that names the file and the frames which do not
    decode.
    """
    canvas = Canvas(probe, frames, places)
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


class Canvas:
    """The output array; frames are scaled (bicubic, inside the color conversion), turned and put into their places."""

    def __init__(self, probe: Probe, pixels: NDArray[np.uint8], places: NDArray[np.int64]) -> None:
        self._pixels, self._places = pixels, places
        height, width = pixels.shape[1:3]
        self._turns = probe.rotation // 90
        self._height, self._width = (width, height) if self._turns % 2 else (height, width)
        self._scaler = VideoReformatter()

    def put(self, row: int, frame: VideoFrame) -> None:
        picture = self._scaler.reformat(
            frame, self._width, self._height, "rgb24", interpolation=Interpolation.BICUBIC, threads=1
        ).to_ndarray()
        self._pixels[self._places[row]] = np.rot90(picture, self._turns)


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
    actual = packet_table(container, stream, probe.path)
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
        self._skips = stream.codec_context.codec.canonical_name in SKIPPING_CODECS
        self._packets: Iterator[Packet[VideoStream]] = iter(())
        self._last_key = -2

    def read(self, rows: dict[int, int]) -> dict[int, int]:
        """Put every frame that can be found; the others are returned.

        What does not come out after its own keyframe is looked for from one and two keyframes before; what is still
        missing in the end is looked for in one pass from the start.
        """
        missing: dict[int, int] = {}
        wanted = np.array(sorted(rows), np.int64)
        runs = np.maximum(np.searchsorted(self._table.keys, wanted, side="right") - 1, 0)
        for key in np.unique(runs):
            left = {int(pts): rows[int(pts)] for pts in wanted[runs == key]}
            for start in range(int(key), max(int(key) - 3, -1), -1):
                left = self._run(start, left)
                if not left:
                    break
            missing |= left
        return self._run(0, missing) if missing else missing

    def _run(self, key: int, rows: dict[int, int]) -> dict[int, int]:
        """Decode from keyframe number `key` until all of `rows` have appeared; those that did not are returned.

        Frames are taken once the keyframe itself has come out as an intra picture. Streams that are refreshed bit by
        bit mark places as keyframes after which the pictures are incomplete for a while. From the start of the file
        everything is taken, as every player shows it.
        """
        left, clean = dict(rows), key == 0
        self._decoder.flags = self._decoder.flags & ~Flags.output_corrupt | (Flags.output_corrupt if clean else 0)
        for frame in self._frames(key, set(rows)):
            clean = clean or (frame.pts == self._table.keys[key] and frame.pict_type not in INTER)
            if clean and frame.pts in left:
                self._canvas.put(left.pop(frame.pts), frame)
        return left

    def _frames(self, key: int, unsent: set[int]) -> Iterator[VideoFrame]:
        """Decode from keyframe number `key` until the packets of all of `unsent` are in, then drain the decoder."""
        last = max(unsent)
        for packet in self._from(key):
            if packet.dts is not None and packet.dts > last:
                break
            yield from self._decode(packet, wanted=packet.pts in unsent)
            unsent.discard(packet.pts)
            if not unsent:
                break
        yield from self._decode(None, wanted=True)
        self._decoder.flush_buffers()

    def _decode(self, packet: Packet[VideoStream] | None, wanted: bool) -> list[VideoFrame]:
        """What comes out for one packet (None: the end). A packet that the decoder refuses gives nothing."""
        if self._skips:
            skip: Literal["DEFAULT", "NONREF"] = "DEFAULT" if wanted else "NONREF"
            if self._decoder.skip_frame != skip:
                self._decoder.skip_frame = skip
        try:
            return self._decoder.decode(packet)
        except (av.error.InvalidDataError, av.error.EOFError):
            return []

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

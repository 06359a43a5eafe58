"""Small real video files whose every picture carries its own number, so that a test can tell which frame it got."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

BITS = 12
CELL = 8
WIDTH, HEIGHT = BITS * CELL, 64

MakeClip = Callable[..., Path]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> MakeClip:
    """clip(name, **how): the path of a numbered video, written once per session (see `write_clip`)."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str, **how: object) -> Path:
        path = folder / name
        return path if path.exists() else write_clip(path, **how)  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def numbers_of() -> Callable[[NDArray[np.uint8]], list[int]]:
    """The numbers that decoded pictures [n, height, width, 3] spell."""
    return lambda frames: [number_of(frame) for frame in frames]


@pytest.fixture(scope="session")
def sound_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP4 file with an audio track only."""
    path = tmp_path_factory.mktemp("sound") / "sound.mp4"
    with av.open(str(path), "w") as container:
        write_silence(container, container.add_stream("aac", rate=16000, layout="mono"), 1.0)
    return path


def picture(number: int) -> NDArray[np.uint8]:
    """A 96 x 64 RGB picture: a moving gradient under a row of black and white cells that spell `number` in binary."""
    row, column = np.mgrid[0:HEIGHT, 0:WIDTH]
    image = np.stack([(column * 2 + number * 3) % 200, (row * 3 + number) % 200, (row + column) % 200], axis=-1)
    for bit in range(BITS):
        image[:CELL, bit * CELL : (bit + 1) * CELL] = 255 if number >> bit & 1 else 0
    return image.astype(np.uint8)


def number_of(image: NDArray[np.uint8]) -> int:
    """The number that one decoded picture of any size spells."""
    height, width = image.shape[:2]
    cells = image[: height * CELL // HEIGHT].mean(axis=(0, 2))
    middles = [(2 * bit + 1) * width // (2 * BITS) for bit in range(BITS)]
    return sum(int(cells[at] > 128) << bit for bit, at in enumerate(middles))


def write_clip(
    path: Path,
    frames: int = 60,
    rate: Fraction = Fraction(30),
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rotation: int = 0,
    audio: bool = False,
    pix_fmt: str = "yuv420p",
) -> Path:
    """Encode numbered pictures. ticks: presentation times in units of `time_base`, for a changing frame rate."""
    with av.open(str(path), "w", options=dict(container_options or {})) as container:
        stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        stream.codec_context.thread_count = 1
        if time_base:
            stream.time_base = stream.codec_context.time_base = time_base
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=16000, layout="mono") if audio else None
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts = ticks[number] if ticks else number
            frame.time_base = time_base or 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            write_silence(container, sound, float(frames / rate))
    return path


def write_silence(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    for start in range(0, int(seconds * 16000), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))

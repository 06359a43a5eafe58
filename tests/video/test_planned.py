"""The planned reader against files of many kinds: every frame asked for must be that very frame."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.video.decode import decode
from apollobench.video.probe import probe

NumbersOf = Callable[[NDArray[np.uint8]], list[int]]

OPEN_GOP = {"x264-params": "open-gop=1:keyint=12:bframes=3:scenecut=0:b-adapt=0"}
REFRESH = {"x264-params": "intra-refresh=1:keyint=20:scenecut=0"}
ALT_REF = {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "40", "b": "200k"}
X265 = "keyint=24:bframes=4:scenecut=0:log-level=none"


def plain_decode(path: Path, indices: list[int], rotation: int) -> NDArray[np.uint8]:
    """Frames `indices` by decoding everything from the start with PyAV."""
    with av.open(str(path)) as container:
        frames = dict(zip(range(max(indices) + 1), container.decode(video=0), strict=False))
    pictures = [frames[index].to_ndarray(format="rgb24", interpolation="BICUBIC") for index in indices]
    return np.stack([np.rot90(picture, rotation // 90) for picture in pictures])


KINDS: dict[str, dict[str, Any]] = {
    "plain.mp4": {},
    "ntsc.mp4": {"rate": Fraction(30000, 1001)},
    "gop10.mp4": {"options": {"g": "10", "bf": "3"}, "frames": 130},
    "gop250.mp4": {"options": {"g": "250", "bf": "3"}, "frames": 260},
    "intra.mp4": {"options": {"g": "1"}},
    "gop3.mp4": {"options": {"x264-params": "keyint=3:bframes=2:b-adapt=0:scenecut=0:b-pyramid=none"}},
    "open.mp4": {"options": OPEN_GOP, "frames": 100},
    "open.mkv": {"options": OPEN_GOP, "frames": 100},
    "open.flv": {"options": OPEN_GOP, "frames": 100},
    "refresh.mp4": {"options": REFRESH, "frames": 140},
    "interlaced.mp4": {"options": {"flags": "+ilme+ildct", "x264-params": "tff=1:keyint=20"}},
    "fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}, "options": {"g": "15"}},
    "first_fragment.mp4": {"container_options": {"movflags": "frag_keyframe"}, "options": {"g": "15"}},
    "negative.mp4": {"container_options": {"movflags": "negative_cts_offsets"}, "options": {"bf": "3"}},
    "sound.mkv": {"audio": True, "options": {"g": "15"}},
    "late.mp4": {"audio": True, "ticks": range(30, 90), "time_base": Fraction(1, 30)},
    "vfr.mp4": {"ticks": [n * n // 3 + n for n in range(60)], "time_base": Fraction(1, 600)},
    "vfr.mkv": {"ticks": [n * n // 3 + 2 * n for n in range(60)], "time_base": Fraction(1, 600)},
    "one.mp4": {"frames": 1},
    "one.mkv": {"frames": 1},
    "slow.mp4": {"frames": 9, "rate": Fraction(1, 2)},
    "hevc_layers.mp4": {
        "codec": "libx265",
        "options": {"x265-params": X265 + ":temporal-layers=3:b-adapt=0:b-pyramid=1"},
        "frames": 80,
    },
    "hevc_open.mp4": {"codec": "libx265", "options": {"x265-params": X265 + ":open-gop=1"}, "frames": 80},
    "altref.webm": {"codec": "libvpx", "options": ALT_REF, "frames": 80},
    "vp9.webm": {"codec": "libvpx-vp9", "options": ALT_REF | {"cpu-used": "8"}, "frames": 80},
    "av1.mp4": {"codec": "libsvtav1", "options": {"g": "20", "preset": "12"}},
    "mjpeg.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "mpeg4.mp4": {"codec": "mpeg4", "options": {"bf": "2", "g": "15"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "15"}},
    "h264.avi": {"options": {"bf": "2", "g": "15"}},
    "h264.ts": {"options": {"bf": "2", "g": "15"}, "audio": True},
    "raw.h264": {"options": {"bf": "2", "g": "15"}},
    "moving.gif": {"codec": "gif", "pix_fmt": "rgb8", "rate": Fraction(10), "frames": 30},
}


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_is_the_one_asked_for(name: str, clip: Callable[..., Path], numbers_of: NumbersOf) -> None:
    try:
        path = clip(name, **KINDS[name])
    except av.codec.codec.UnknownCodecError as error:
        pytest.skip(f"this PyAV build cannot write it: {error}")
    shape = probe(path)
    assert shape.frames == KINDS[name].get("frames", 60)
    everything = decode(shape, range(shape.frames))
    assert numbers_of(everything) == list(range(shape.frames))
    pick = random.Random(name)
    for count in (1, 2, 3, 7, 15):
        indices = [pick.randrange(shape.frames) for _ in range(count)]
        assert (decode(shape, indices) == everything[indices]).all(), f"frames {indices} differ from a full decode"


def test_frames_come_in_the_order_asked_for_with_repeats(clip: Callable[..., Path], numbers_of: NumbersOf) -> None:
    shape = probe(clip("plain.mp4"))
    assert numbers_of(decode(shape, [50, 3, 3, 17, 50, 0])) == [50, 3, 3, 17, 50, 0]


def test_no_indices_give_no_frames(clip: Callable[..., Path]) -> None:
    assert decode(probe(clip("plain.mp4")), []).shape == (0, 64, 96, 3)
    assert decode(probe(clip("plain.mp4")), [], (32, 48)).shape == (0, 32, 48, 3)


@pytest.mark.parametrize("size", [(64, 96), (32, 48), (37, 151), (384, 384)])
def test_size_is_height_and_width(size: tuple[int, int], clip: Callable[..., Path], numbers_of: NumbersOf) -> None:
    frames = decode(probe(clip("plain.mp4")), [5, 41], size)
    assert frames.shape == (2, *size, 3)
    assert frames.dtype == np.uint8
    assert numbers_of(frames) == [5, 41]


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_frames_are_turned_upright(rotation: int, clip: Callable[..., Path], numbers_of: NumbersOf) -> None:
    path = clip(f"turned{rotation}.mp4", rotation=rotation, frames=20)
    shape = probe(path)
    assert shape.rotation == rotation % 360
    assert (shape.height, shape.width) == ((64, 96) if rotation == 180 else (96, 64))
    upright = decode(shape, [4, 19])
    assert (upright == plain_decode(path, [4, 19], rotation)).all()
    assert numbers_of(np.rot90(upright, -rotation // 90, axes=(1, 2))) == [4, 19]
    assert decode(shape, [4], (48, 32)).shape == (1, 48, 32, 3)


def test_a_wrong_index_names_file_and_range(clip: Callable[..., Path]) -> None:
    shape = probe(clip("plain.mp4"))
    for index in (-1, 60):
        with pytest.raises(InputError, match=rf"plain\.mp4: no frame number {index}; the video has frames 0 to 59"):
            decode(shape, [0, index])


def test_a_wrong_size_or_backend_is_named(clip: Callable[..., Path]) -> None:
    shape = probe(clip("plain.mp4"))
    with pytest.raises(InputError, match="height 0, width 5"):
        decode(shape, [0], (0, 5))
    with pytest.raises(InputError, match=r"'fastest'.*planned, decord"):
        decode(shape, [0], backend="fastest")


def test_a_damaged_frame_is_an_error_and_never_its_neighbour(clip: Callable[..., Path], tmp_path: Path) -> None:
    whole = clip("gop10.mp4", **KINDS["gop10.mp4"])
    with av.open(str(whole)) as container:
        samples = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(whole.read_bytes())
    for start, size in samples[50:]:
        data[start : start + size] = bytes(size)
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    shape = probe(damaged)
    assert (decode(shape, [0, 33]) == decode(probe(whole), [0, 33])).all()
    with pytest.raises(InputError, match=r"damaged\.mp4: 1 of 2 wanted frames cannot be decoded.* 100 \(3\.333 s\)"):
        decode(shape, [3, 100])


def test_a_probe_of_a_replaced_file_gives_an_error_or_the_right_frames(
    clip: Callable[..., Path], tmp_path: Path, numbers_of: NumbersOf
) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(clip("plain.mp4").read_bytes())
    shape = probe(path)
    path.write_bytes(clip("vfr.mp4", **KINDS["vfr.mp4"]).read_bytes())
    assert numbers_of(decode(shape, [1, 30, 59])) == [1, 30, 59]
    path.write_bytes(clip("short.mp4", frames=20).read_bytes())
    with pytest.raises(InputError, match="wanted frames cannot be decoded"):
        decode(shape, [30, 59])


REAL = [
    "asl_gesture_book.mkv",
    "bbb_30s_vp8.webm",
    "bbb_480p_30s.mp4",
    "bikes_plot_text.mp4",
    "blocks.mp4",
    "bottles_table_40s.mp4",
    "friday_cc0_bw_film.mp4",
    "indoor_rotated180.mp4",
    "nasa_13013_h264_2audio.mp4",
    "phone_sideways_rotated.mov",
    "rotate_meta_270.mov",
    "testcard_av1.mkv",
    "testsrc_bt709_full_range.mp4",
    "testsrc_hevc_10bit.mp4",
    "unordered_packets.mov",
    "derived/flower_mpeg2.ts",
    "derived/flower_mpeg4.avi",
    "derived/flower_vp9.webm",
    "derived/flower_hevc.mp4",
]


@pytest.mark.parametrize("name", REAL)
def test_real_files_equal_a_plain_decode_from_the_start(name: str, shared: Path) -> None:
    path = shared / "data" / "videos" / name
    shape = probe(path)
    indices = sorted(random.Random(name).sample(range(min(shape.frames, 150)), min(shape.frames, 6)))
    assert (decode(shape, indices) == plain_decode(path, indices, shape.rotation)).all()


def test_needles_of_a_20_minute_file_are_found_to_the_frame(shared: Path) -> None:
    shape = probe(shared / "data" / "videos" / "derived" / "long_20min_needles.mp4")
    assert (shape.frames, shape.fps, shape.duration) == (4800, 4.0, 1200.0)
    for start, channel in ((137, 0), (611, 2), (1093, 1)):
        first = start * 4
        inside, outside = decode(shape, [first, first + 15]), decode(shape, [first - 1, first + 16])
        assert shape.times[first] == start
        others = [other for other in range(3) if other != channel]
        colors = inside.mean(axis=(1, 2))
        assert (colors[:, channel] > 120).all()
        assert (colors[:, others] < 20).all()
        assert (np.ptp(outside.mean(axis=(1, 2)), axis=1) < 60).all()


def test_burnt_in_times_of_a_vfr_file_are_the_probed_times(shared: Path) -> None:
    """Each digit, compared with the mean picture of every digit in its place, is that of the probed time."""
    shape = probe(shared / "data" / "videos" / "derived" / "vfr_known_times.mp4")
    late = [index for index in range(shape.frames) if shape.times[index] >= 10]
    strips = decode(shape, late)[:, 4:24].mean(axis=-1)
    tenths = np.round(shape.times[late] * 10).astype(int)
    assert np.allclose(shape.times[late] * 10, tenths)
    for left, right, digits in ((31, 41, tenths // 100), (41, 50, tenths // 10 % 10), (53, 64, tenths % 10)):
        cells = strips[:, :, left:right].reshape(len(late), -1)
        known = np.unique(digits)
        means = np.stack([cells[digits == digit].mean(axis=0) for digit in known])
        nearest = known[((cells[:, None] - means) ** 2).sum(axis=-1).argmin(axis=1)]
        assert (nearest == digits).all()

"""What a probe says of whole files, and what it answers to broken ones."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from apollobench.errors import InputError
from apollobench.video.header import promised_bytes
from apollobench.video.mp4 import sample_table
from apollobench.video.probe import probe

Clip = Callable[..., Path]


def test_shape_of_a_plain_file(clip: Clip) -> None:
    shape = probe(clip("plain.mp4"))
    assert (shape.frames, shape.fps, shape.duration, shape.width, shape.height) == (60, 30.0, 2.0, 96, 64)
    assert (shape.rotation, shape.codec, shape.container, shape.pixel_aspect) == (0, "h264", "mov", 1.0)
    assert np.allclose(shape.times, np.arange(60) / 30)
    assert shape.keyframes.tolist() == [0]


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25), Fraction(1, 2)])
@pytest.mark.parametrize("kind", ["mp4", "mkv"])
def test_rates_are_exact(rate: Fraction, kind: str, clip: Clip) -> None:
    shape = probe(clip(f"rate{rate.numerator}.{kind}", rate=rate, frames=30))
    assert shape.fps == float(rate)
    assert shape.duration == pytest.approx(30 / rate, abs=0.001 if kind == "mkv" else 1e-9)


def test_times_of_a_changing_rate_are_the_true_ones(clip: Clip) -> None:
    ticks = [n * n // 3 + n for n in range(60)]
    shape = probe(clip("vfr.mp4", ticks=ticks, time_base=Fraction(1, 600)))
    assert np.allclose(shape.times, np.array(ticks) / 600)
    assert shape.fps == pytest.approx(60 / shape.duration, rel=0.1)


def test_a_late_start_keeps_the_clock_of_the_file(clip: Clip) -> None:
    shape = probe(clip("late.mp4", audio=True, ticks=range(30, 90), time_base=Fraction(1, 30)))
    assert shape.times[[0, -1]] == pytest.approx([1.0, 1.0 + 59 / 30])


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("gop10.mp4", {"options": {"g": "10", "bf": "3"}, "frames": 130}),
        (
            "open.mp4",
            {"options": {"x264-params": "open-gop=1:keyint=12:bframes=3:scenecut=0:b-adapt=0"}, "frames": 100},
        ),
        ("sound.mp4", {"audio": True, "options": {"g": "15"}}),
        ("negative.mp4", {"container_options": {"movflags": "negative_cts_offsets"}, "options": {"bf": "3"}}),
    ],
)
def test_sample_tables_give_the_times_of_the_packets(name: str, how: dict[str, object], clip: Clip) -> None:
    path = clip(name, **how)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        stored = sample_table(path, stream.id)
    assert stored is not None
    assert sample_table(path, 99) is None
    assert stored.key.tolist() == [packet.is_keyframe for packet in packets]
    assert np.ptp([packet.dts for packet in packets] - stored.decoding) == 0
    assert np.ptp([packet.pts for packet in packets] - stored.decoding - stored.offset) == 0
    shape = probe(path)
    assert shape.table.pts.tolist() == sorted(packet.pts for packet in packets)
    assert len(shape.keyframes) == stored.key.sum()


def test_an_edit_list_hides_frames(clip: Clip, tmp_path: Path) -> None:
    """The first 10 frames are stored and not shown: the demuxer marks them and their packets are left out."""
    path = clip("plain.mp4")
    data = bytearray(path.read_bytes())
    place = data.index(b"elst")
    with av.open(str(path)) as container:
        tick = round(1 / 30 / container.streams.video[0].time_base)
    start = int.from_bytes(data[place + 16 : place + 20], "big")
    data[place + 16 : place + 20] = (start + 10 * tick).to_bytes(4, "big")
    edited = tmp_path / "edited.mp4"
    edited.write_bytes(data)
    with av.open(str(edited)) as container:
        shown = [frame.pts for frame in container.decode(video=0)]
    assert probe(edited).table.pts.tolist() == shown
    assert len(shown) == 50


def test_a_probe_travels_to_a_worker(clip: Clip) -> None:
    shape = probe(clip("plain.mp4"))
    copy = pickle.loads(pickle.dumps(shape))
    assert copy == shape
    assert (copy.times == shape.times).all()


def refused(path: Path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        probe(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_missing_and_empty_files(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.mp4", "no such file")
    refused(tmp_path, "no such file")
    (tmp_path / "empty.mp4").touch()
    refused(tmp_path / "empty.mp4", r"the file is empty \(0 bytes\)")


def test_files_that_are_no_video(tmp_path: Path, sound_file: Path) -> None:
    text = tmp_path / "page.mp4"
    text.write_text("<html>404 not found</html>" * 50)
    refused(text, "not a readable video file")
    refused(sound_file, "no video stream; the file holds only audio")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("index_first.mp4", {"container_options": {"movflags": "faststart"}}),
        ("index_last.mp4", {}),
        ("fragments.mp4", {"container_options": {"movflags": "frag_keyframe+empty_moov"}, "options": {"g": "15"}}),
        ("cut.mkv", {}),
        ("cut.avi", {"codec": "mpeg4"}),
    ],
)
def test_cut_off_files(share: float, name: str, how: dict[str, object], clip: Clip, tmp_path: Path) -> None:
    whole = clip(name, **how).read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, rf"{path.stat().st_size} of \d+ promised bytes are there")


def test_a_cut_off_file_says_how_many_frames_are_missing(clip: Clip, tmp_path: Path) -> None:
    whole = clip("index_first.mp4", container_options={"movflags": "faststart"})
    with av.open(str(whole)) as container:
        ends = [packet.pos + packet.size for packet in container.demux(video=0) if packet.size]
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: ends[20]])
    refused(path, "its index lists 60 frames, the data of 39 of them is missing")


def test_a_header_without_its_data(clip: Clip, tmp_path: Path) -> None:
    path = tmp_path / "header.mp4"
    path.write_bytes(clip("plain.mp4").read_bytes()[:48])
    refused(path, "cut short|not a readable video file")


def test_damaged_sample_tables_are_not_believed(clip: Clip, tmp_path: Path) -> None:
    """Whatever one wrong number in a table does to the demuxer, the probe gives its packets' times or an error."""
    data = clip("plain.mp4").read_bytes()
    for box in (b"stts", b"ctts", b"stss", b"stsz"):
        for shift in (8, 12, 16):
            changed = bytearray(data)
            place = changed.index(box) + shift
            changed[place : place + 4] = b"\x7f\xff\xff\xff"
            path = tmp_path / "damaged.mp4"
            path.write_bytes(changed)
            try:
                shape = probe(path)
            except InputError:
                continue
            with av.open(str(path)) as container:
                packets = [packet.pts for packet in container.demux(video=0) if packet.size and not packet.is_discard]
            assert shape.table.counted or shape.table.pts.tolist() == sorted(packets)


def test_promised_bytes_are_the_size_of_a_whole_file(clip: Clip) -> None:
    for name in ("plain.mp4", "plain.mkv", "plain.avi"):
        path = clip(name)
        assert promised_bytes(path) == path.stat().st_size
    assert promised_bytes(clip("plain.ts")) is None


def test_real_files_hold_what_is_known_of_them(shared: Path) -> None:
    videos = shared / "data" / "videos"
    for name, frames, fps, rotation, size in (
        ("dog.mp4", 289, 30000 / 1001, 0, (1280, 720)),
        ("asl_gesture_book.mkv", 109, 30.0, 0, (640, 480)),
        ("bbb_30s_vp8.webm", 720, 24.0, 0, (1280, 720)),
        ("phone_sideways_rotated.mov", 25, 625 / 26, 270, (480, 640)),
        ("indoor_rotated180.mp4", 25, 750000 / 71393, 180, (1280, 720)),
        ("derived/flower_mpeg2.ts", 150, 30000 / 1001, 0, (480, 270)),
        ("derived/flower_mpeg4.avi", 150, 30000 / 1001, 0, (480, 270)),
        ("testcard_av1.mkv", 125, 25.0, 0, (640, 360)),
    ):
        shape = probe(videos / name)
        assert (shape.frames, shape.rotation) == (frames, rotation), name
        assert (shape.width, shape.height) == size, name
        assert shape.fps == pytest.approx(fps), name


def test_real_broken_files(shared: Path) -> None:
    videos = shared / "data" / "videos"
    refused(videos / "broken_header.mp4", "not a readable video file")
    refused(videos / "derived" / "audio_only.mp4", "no video stream")
    refused(videos / "derived" / "truncated_40pct.mp4", "truncated: 1316767 of 3291918 promised bytes.*1394 frames")

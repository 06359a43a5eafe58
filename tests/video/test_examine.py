"""What is found of single files: good ones, odd ones, and ones broken in many ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from apollobench.video.examine import examine
from apollobench.video.health import Facts, Kind
from apollobench.video.media import media_digest

Clip = Callable[..., Path]


def kinds(path: Path) -> list[Kind]:
    return [finding.kind for finding in examine(path).findings]


def test_a_good_file_has_facts_and_no_findings(clip: Clip) -> None:
    path = clip("plain.mp4")
    health = examine(path)
    assert (health.status, health.findings) == ("ok", ())
    assert health.facts == Facts(2.0, 30.0, 60, 96, 64, 0, "h264", "mov")
    assert health.digest == media_digest(path)
    assert (health.size, health.modified) == (path.stat().st_size, path.stat().st_mtime_ns)


@pytest.mark.parametrize("name", ["plain.mkv", "plain.webm", "plain.avi", "plain.ts", "plain.gif"])
def test_good_files_of_every_kind_have_no_findings(name: str, clip: Clip) -> None:
    how = {"plain.webm": {"codec": "libvpx"}, "plain.gif": {"codec": "gif", "rate": Fraction(25), "pix_fmt": "rgb8"}}
    assert examine(clip(name, **how.get(name, {}))).findings == ()


def test_rotation_is_a_note(clip: Clip) -> None:
    health = examine(clip("turned.mp4", rotation=90))
    assert (health.status, [finding.kind for finding in health.findings]) == ("ok", [Kind.ROTATED])
    assert "turned by 90 degrees" in health.findings[0].text
    assert health.facts is not None
    assert (health.facts.width, health.facts.height, health.facts.rotation) == (64, 96, 90)


@pytest.mark.parametrize(
    ("name", "ticks"),
    [
        ("faster_and_slower.mp4", [n * n // 3 + n for n in range(60)]),
        ("one_left_out.mp4", [20 * n + 20 * (n > 30) for n in range(60)]),
        ("two_rates.mp4", [20 * n if n < 30 else 600 + 25 * (n - 30) for n in range(60)]),
    ],
)
def test_a_changing_frame_rate_is_a_note(name: str, ticks: list[int], clip: Clip) -> None:
    health = examine(clip(name, ticks=ticks, time_base=Fraction(1, 600)))
    assert (health.status, [finding.kind for finding in health.findings]) == ("ok", [Kind.VARIABLE_RATE])
    assert "s apart" in health.findings[0].text


def test_rounded_times_are_no_changing_rate(clip: Clip) -> None:
    """Matroska tells times in milliseconds, so even gaps come out uneven by one."""
    assert kinds(clip("fast.mkv", rate=Fraction(120), frames=240)) == []


def test_files_that_are_no_video(tmp_path: Path, sound_file: Path) -> None:
    assert kinds(tmp_path / "nowhere.mp4") == kinds(tmp_path) == [Kind.MISSING]
    (tmp_path / "empty.mp4").touch()
    assert kinds(tmp_path / "empty.mp4") == [Kind.EMPTY]
    text = tmp_path / "page.mp4"
    text.write_text("<html>404 not found</html>" * 50)
    assert kinds(text) == [Kind.UNREADABLE]
    assert kinds(sound_file) == [Kind.NO_VIDEO]
    assert "only audio" in examine(sound_file).findings[0].text
    assert examine(sound_file).digest == media_digest(sound_file)


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
def test_cut_off_files(share: float, name: str, how: Mapping[str, Any], clip: Clip, tmp_path: Path) -> None:
    whole = clip(name, **how).read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: int(len(whole) * share)])
    health = examine(path)
    assert health.status == "truncated"
    assert not health.faults[0].text.startswith(str(path))


def test_a_cut_off_file_whose_media_box_has_no_length(clip: Clip, tmp_path: Path) -> None:
    """Its last box reaches "to the end of the file", wherever that is: only the missing frames tell."""
    whole = clip("index_first.mp4", container_options={"movflags": "faststart"})
    with av.open(str(whole)) as container:
        ends = [packet.pos + packet.size for packet in container.demux(video=0) if packet.size]
    data = bytearray(whole.read_bytes())
    place = data.index(b"mdat") - 4
    data[place : place + 4] = bytes(4)
    path = tmp_path / "endless.mp4"
    path.write_bytes(data)
    assert kinds(path) == []
    path.write_bytes(data[: ends[50] - 1])
    assert [fault.kind for fault in examine(path).faults] == [Kind.TRUNCATED]
    assert "it promises 60 frames and gives 50." in examine(path).faults[0].text


def test_a_cut_off_avi_file_that_does_not_know_its_length(clip: Clip, tmp_path: Path) -> None:
    whole = clip("cut.avi", codec="mpeg4", options={"g": "10"}).read_bytes()
    media = whole.index(b"movi")
    path = tmp_path / "stream.avi"
    path.write_bytes(whole[:4] + b"\xff\xff\xff\xff" + whole[8 : (media + len(whole)) // 2])
    health = examine(path)
    assert health.status == "truncated"
    assert "it promises 60 frames" in health.faults[0].text


def test_damage_at_the_center(clip: Clip, tmp_path: Path) -> None:
    """The file opens, its tables are whole, and only its middle second cannot be decoded."""
    whole = clip("seconds.mp4", frames=150, options={"g": "30"}, container_options={"movflags": "faststart"})
    with av.open(str(whole)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    data = bytearray(whole.read_bytes())
    for packet in packets[60:90]:
        data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(data)
    health = examine(path)
    assert health.status == "center undecodable"
    assert "frames cannot be decoded" in health.faults[0].text
    assert health.facts is not None
    assert health.facts.frames == 150


@pytest.mark.parametrize(
    ("name", "seconds", "what"),
    [
        ("too_fast.mp4", Fraction(1, 90000), "90,000 frames per second"),
        ("too_slow.mp4", Fraction(100), "0.010"),
        ("too_long.mp4", Fraction(1800), "108,000.000 s long"),
    ],
)
def test_absurd_rates_and_durations(name: str, seconds: Fraction, what: str, clip: Clip) -> None:
    """What a wrong unit makes of a file's times."""
    ticks = [number * seconds.numerator for number in range(60)]
    health = examine(clip(name, ticks=ticks, time_base=Fraction(1, seconds.denominator)))
    assert {fault.kind for fault in health.faults} == {Kind.ABSURD}
    assert any(what in fault.text for fault in health.faults)


def test_every_real_file_is_found_to_be_what_its_list_says(shared: Path) -> None:
    data = shared / "data"
    listed = [row for row in json.loads((data / "MANIFEST.json").read_text()) if row["file"].startswith("videos/")]
    present = sorted(p.relative_to(data).as_posix() for p in (data / "videos").rglob("*") if p.is_file())
    assert sorted(row["file"] for row in listed) == present
    broken = {
        "videos/broken_header.mp4": "unreadable",
        "videos/derived/audio_only.mp4": "no video",
        "videos/derived/truncated_40pct.mp4": "truncated",
    }
    for row in listed:
        name, known = row["file"], row["probe"]
        health = examine(data / name)
        assert health.status == broken.get(name, "ok"), name
        assert health.digest == row["sha256"][:32], name
        assert health.size == row["bytes"], name
        if name in broken:
            assert health.facts is None
            continue
        facts, found = health.facts, {finding.kind for finding in health.findings}
        assert facts is not None
        # Some decoders go by the name of their library.
        assert (facts.frames, facts.codec) == (known["n"], known["codec"].replace("libdav1d", "av1")), name
        assert facts.fps == pytest.approx(known["fps"], rel=1e-3), name
        assert facts.rotation == known["rot"] % 360, name
        size = known["wh"][::-1] if known["rot"] % 180 else known["wh"]
        assert [facts.width, facts.height] == size, name
        assert facts.container in known["fmt"].split(","), name
        assert (Kind.ROTATED in found) == bool(known["rot"]), name
        assert (Kind.VARIABLE_RATE in found) == known.get("vfr", False), name
        if "real_span" in known:
            assert known["real_span"] - 0.01 <= facts.duration <= known["real_span"] + 2 * known["dt_max"], name

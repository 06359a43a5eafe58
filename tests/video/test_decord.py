"""The decord backend gives the frames of the planned reader, or says why it cannot."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from apollobench.errors import InputError
from apollobench.video.decode import decode
from apollobench.video.probe import probe

pytest.importorskip("decord")

SAME = [
    "asl_gesture_book.mkv",
    "bbb_480p_30s.mp4",
    "bikes_plot_text.mp4",
    "bikes_street.mp4",
    "blocks.mp4",
    "bottles_table_40s.mp4",
    "chaplin_bw.mp4",
    "derived/flower_hevc.mp4",
    "derived/flower_mjpeg.mov",
    "derived/flower_vp9.webm",
    "derived/long_20min_needles.mp4",
    "derived/vfr_known_times.mp4",
    "flower_cc0_vp8.webm",
    "friday_cc0_bw_film.mp4",
    "indoor_rotated180.mp4",
    "phone_sideways_rotated.mov",
    "rabbit_figurine_cc0.mp4",
    "rotate_meta_90.mov",
    "surveillance_persons_139s.mp4",
    "testsrc_bt709_full_range.mp4",
    "traffic_topdown_12fps.mp4",
    "unordered_packets.mov",
]


def both(path: Path, count: int, size: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    shape = probe(path)
    indices = random.Random(path.name).sample(range(shape.frames), min(count, shape.frames))
    ours, theirs = (decode(shape, indices, size, backend) for backend in ("planned", "decord"))
    return ours.astype(int), theirs.astype(int)


@pytest.mark.parametrize("name", SAME)
def test_real_files_are_equal_to_the_bit(name: str, shared: Path) -> None:
    ours, theirs = both(shared / "data" / "videos" / name, 5)
    assert (ours == theirs).all()


@pytest.mark.parametrize(
    "name", ["bikes_street.mp4", "blocks.mp4", "phone_sideways_rotated.mov", "derived/flower_hevc.mp4"]
)
def test_scaled_frames_differ_by_the_filter_only(name: str, shared: Path) -> None:
    """Bicubic here, bilinear there: at most 5 of 255 on average in any picture."""
    ours, theirs = both(shared / "data" / "videos" / name, 5, (120, 200))
    assert ours.shape == theirs.shape == (5, 120, 200, 3)
    assert np.abs(ours - theirs).mean(axis=(1, 2, 3)).max() < 5


@pytest.mark.parametrize("name", ["testsrc_h264_10bit.mp4", "testsrc_hevc_10bit.mp4"])
def test_ten_bit_frames_differ_by_rounding_and_chroma_only(name: str, shared: Path) -> None:
    ours, theirs = both(shared / "data" / "videos" / name, 8)
    assert np.abs(ours - theirs).mean(axis=(1, 2, 3)).max() < 5


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("derived/flower_mpeg2.ts", "mpegts"),
        ("derived/flower_mpeg4.avi", "avi"),
        ("frame_number_hevc.mp4", "open GOP"),
        ("nasa_13013_h264_2audio.mp4", "390 frames .* the 325 of the first video stream"),
        ("testcard_av1.mkv", "decord cannot read it"),
    ],
)
def test_real_files_that_it_would_misread_are_refused(name: str, reason: str, shared: Path) -> None:
    with pytest.raises(InputError, match=f"{Path(name).name}: .*{reason}.* Use the `planned` backend"):
        both(shared / "data" / "videos" / name, 3)


def test_made_files_are_equal_and_in_order(clip: Callable[..., Path], numbers_of: Callable[..., list[int]]) -> None:
    shape = probe(clip("gop10.mp4", options={"g": "10", "bf": "3"}, frames=130))
    indices = [99, 3, 3, 57, 129, 0]
    frames = decode(shape, indices, backend="decord")
    assert numbers_of(frames) == indices
    assert (frames == decode(shape, indices)).all()


def test_turned_files_are_equal(clip: Callable[..., Path]) -> None:
    ours, theirs = both(clip("turned90.mp4", rotation=90, frames=20), 4)
    assert ours.shape == (4, 96, 64, 3)
    assert (ours == theirs).all()
    with pytest.raises(InputError, match="does not see the rotation that matroska stores"):
        both(clip("turned90.mkv", rotation=90, frames=20), 4)


def test_an_absent_decord_is_a_clear_error(clip: Callable[..., Path]) -> None:
    code = (
        "import sys; sys.modules['decord'] = None\n"
        "from pathlib import Path\n"
        "from apollobench.video.decode import decode\n"
        "from apollobench.video.probe import probe\n"
        f"decode(probe(Path({str(clip('plain.mp4'))!r})), [0], backend='decord')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "InputError: the decord backend needs decord: run `pip install 'apollobench[decord]'`" in done.stderr


def test_decord_is_imported_only_when_asked_for(clip: Callable[..., Path]) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from apollobench.video.decode import decode\n"
        "from apollobench.video.probe import probe\n"
        f"decode(probe(Path({str(clip('plain.mp4'))!r})), [0])\n"
        "assert 'decord' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

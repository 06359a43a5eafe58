"""How frames and files become content parts."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apollobench.errors import InputError
from apollobench.models.http.messages import file_data_url, frames_of, jpeg_video_times, jpegs
from apollobench.types import Item, Mode, Request, Sampling, Video
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe

from ...evaluate.eyes import write_video


def opened(jpeg: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(jpeg)))


def test_frames_keep_their_shape_and_are_scaled_down_only() -> None:
    frames = np.random.default_rng(1).integers(0, 255, (2, 90, 160, 3), np.uint8)
    assert [opened(jpeg).size for jpeg in jpegs(frames, 85, 80)] == [(80, 45)] * 2
    assert [opened(jpeg).size for jpeg in jpegs(frames, 85, 768)] == [(160, 90)] * 2
    assert opened(jpegs(frames, 85, None)[0]).size == (160, 90)


def test_quality_is_what_it_says() -> None:
    frame = np.random.default_rng(1).integers(0, 255, (1, 64, 64, 3), np.uint8)
    coarse, fine = (jpegs(frame, quality, None)[0] for quality in (20, 95))
    assert len(coarse) < len(fine) / 2
    loss = [np.abs(np.asarray(opened(jpeg)).astype(int) - frame[0]).mean() for jpeg in (coarse, fine)]
    assert loss[0] > loss[1]


def test_frames_are_read_from_the_file_where_the_request_lacks_them(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", ["red", "green", "blue"])
    item = Item("test/1", "Which?", ("a", "b"), 0, Video("v", tmp_path / "v.mp4"))
    plan = plan_for_mode(probe(item.video.path), Mode.VIDEO, Sampling("uniform", 3, clip_frames=4), "")
    frames = frames_of(Request(item, Mode.VIDEO, "Which?", plan))
    assert frames.shape == (4, 48, 48, 3)
    assert [int(frame.mean(axis=(0, 1)).argmax()) for frame in frames] == [0, 1, 2, 2]
    with pytest.raises(InputError, match="test/1: mode video was asked without a frame plan"):
        frames_of(Request(item, Mode.VIDEO, "Which?"))


def test_times_of_a_video_of_jpegs_are_those_of_the_plan(tmp_path: Path) -> None:
    write_video(tmp_path / "v.mp4", ["red", "green", "blue"])  # 12 frames, 8 a second
    shape, sampling = probe(tmp_path / "v.mp4"), Sampling("uniform", 3, clip_frames=1)
    told = jpeg_video_times(plan_for_mode(shape, Mode.VIDEO, sampling, ""))
    assert told == {
        "num_frames": 3,
        "fps": pytest.approx(8.0),
        "frames_indices": [2, 6, 10],
        "total_num_frames": 12,
        "duration": 1.5,
        "do_sample_frames": False,
    }
    assert jpeg_video_times(plan_for_mode(shape, Mode.SHUFFLED, sampling, "x")) == told
    write_video(tmp_path / "still.mp4", ["red"], frames_each=1)
    still = jpeg_video_times(plan_for_mode(probe(tmp_path / "still.mp4"), Mode.VIDEO, sampling, ""))
    assert still["frames_indices"] == [0, 0, 0]
    assert still["total_num_frames"] == 3


def test_a_file_is_sent_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.webm").write_bytes(b"abc")
    (tmp_path / "odd").write_bytes(b"abc")
    assert file_data_url(tmp_path / "a.webm") == "data:video/webm;base64,YWJj"
    assert file_data_url(tmp_path / "odd") == "data:video/mp4;base64,YWJj"

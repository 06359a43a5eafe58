"""Frames arrive to the bit in every form; a file gives every frame once to whoever takes as many as there are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import cv2
import decord
import numpy as np
import pytest
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.models.lmms.visuals import Visuals, write_lossless
from apollobench.types import FramePlan, Item, Mode, Request, Sampling, Video

Frames = NDArray[np.uint8]
ITEM = Item("toy/1", "What?", ("this", "that"), 0, Video("v", Path("/videos/v.mp4")))


def noise(count: int, height: int = 48, width: int = 64) -> Frames:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def request(frames: Frames | None, mode: Mode = Mode.VIDEO) -> Request:
    count = 0 if frames is None else len(frames)
    plan = FramePlan(Sampling(kind="uniform", frames=count), tuple(range(count)), (0.0,) * count, (), 1.0)
    return Request(ITEM, mode, "What?", plan, frames)


def by_decord(path: Path) -> Frames:
    reader = decord.VideoReader(str(path))
    assert reader.get_avg_fps() == pytest.approx(2)
    frames: Frames = reader.get_batch(list(range(len(reader)))).asnumpy()
    return frames


def by_av(path: Path) -> Frames:
    with av.open(path) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def by_opencv(path: Path) -> Frames:
    capture, frames = cv2.VideoCapture(str(path)), []
    while (read := capture.read())[0]:
        frames.append(read[1][:, :, ::-1])
    return np.stack(frames)


def evenly(pictures: int, count: int) -> list[int]:
    return [int(place) for place in np.linspace(0, pictures - 1, count, dtype=int)]


def middles(pictures: int, count: int) -> list[int]:
    part = (pictures - 1) / count
    return [int(part / 2 + part * number) for number in range(count)]


def one_a_second(pictures: int, count: int) -> list[int]:
    return list(range(0, pictures, 2))


@pytest.mark.parametrize("read", [by_decord, by_av, by_opencv])
@pytest.mark.parametrize("size", [(48, 64), (37, 51)])
def test_files_are_lossless_for_every_decoder(
    read: Callable[[Path], Frames], size: tuple[int, int], tmp_path: Path
) -> None:
    frames = noise(5, *size)
    write_lossless(tmp_path / "a.mp4", frames)
    assert np.array_equal(read(tmp_path / "a.mp4"), np.repeat(frames, 2, axis=0))


@pytest.mark.parametrize("take", [evenly, middles, one_a_second])
@pytest.mark.parametrize("count", [1, 2, 3, 8, 31, 32, 64])
def test_usual_ways_of_taking_frames_get_each_once(
    take: Callable[[int, int], list[int]], count: int, tmp_path: Path
) -> None:
    frames = noise(count, 16, 16)
    write_lossless(tmp_path / "a.mp4", frames)
    pictures = by_av(tmp_path / "a.mp4")
    assert np.array_equal(pictures[take(len(pictures), count)], frames)


def test_images_and_frames_are_the_pixels(tmp_path: Path) -> None:
    frames = noise(3)
    images = Visuals("images", tmp_path).of(request(frames))
    (film,) = Visuals("frames", tmp_path).of(request(frames))
    for pictures in (images, film):
        assert np.array_equal(np.stack([np.asarray(picture) for picture in pictures]), frames)
    (path,) = Visuals("png", tmp_path).of(request(frames[:1], Mode.FRAME))
    assert np.array_equal(cv2.imread(path)[:, :, ::-1], frames[0])


def test_messages_say_what_is_a_video(tmp_path: Path) -> None:
    frames = noise(3)
    kinds = {form: Visuals(form, tmp_path).content(request(frames)) for form in ("frames", "file", "images")}
    assert [part["type"] for part in kinds["frames"]] == ["video"]
    assert [part["type"] for part in kinds["file"]] == ["video"]
    assert [part["type"] for part in kinds["images"]] == ["image"] * 3


def test_questions_about_the_same_frames_share_a_file_and_others_do_not(tmp_path: Path) -> None:
    visuals = Visuals("file", tmp_path)
    assert visuals.of(request(noise(3))) == visuals.of(request(noise(3)))
    assert visuals.of(request(noise(3))) != visuals.of(request(noise(2)))
    assert len(list(tmp_path.iterdir())) == 2


def test_text_shows_nothing_and_missing_frames_are_named(tmp_path: Path) -> None:
    assert Visuals("none", tmp_path).of(request(None, Mode.TEXT)) == []
    with pytest.raises(InputError, match="toy/1: mode video was asked without frames"):
        Visuals("file", tmp_path).of(request(None))

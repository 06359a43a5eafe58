"""Scaling on any device against the libraries on the padded square: the same pixels, or a bounded deviation."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from apollobench.apollo.look import INTERNVIDEO2, SIGLIP, Look
from apollobench.apollo.resize import bicubic, bilinear, by_axis, fit, pad_to_square, pillow_bicubic, torch_bicubic
from apollobench.sources.synthetic.render import camera
from apollobench.sources.synthetic.world import draw_scene

SHAPES = [(1, 1), (2, 3), (28, 28), (37, 101), (101, 38), (1, 90), (90, 1), (180, 321)]
SIDES = [1, 28, 224]
SIZES = [*((*shape, side) for shape in SHAPES for side in SIDES), (448, 448, 224), (383, 220, 384), (360, 640, 384)]
BORDER = (123, 116, 103)


def noise(height: int, width: int) -> Tensor:
    """A frame of noise, and one of black and white, where sums leave the range most."""
    values = torch.randint(
        0, 256, (2, height, width, 3), generator=torch.Generator().manual_seed(height * 1000 + width)
    )
    values[1] = (values[1] > 127) * 255
    return values.to(torch.uint8)


def rendered() -> Tensor:
    """Three scenes, 96 x 96."""
    return torch.from_numpy(np.stack([camera(draw_scene(seed))(5) for seed in (1, 2, 3)]))


def pillow(frames: Tensor, side: int) -> Tensor:
    images = [Image.fromarray(frame) for frame in pad_to_square(frames, BORDER).numpy()]
    return torch.from_numpy(np.stack([np.asarray(x.resize((side, side), Image.Resampling.BICUBIC)) for x in images]))


def opencv(squares: Tensor, side: int) -> Tensor:
    return torch.from_numpy(np.stack([cv2.resize(frame, (side, side)) for frame in squares.numpy()]))


@pytest.mark.parametrize(("height", "width", "side"), SIZES)
def test_both_filters_to_the_bit(height: int, width: int, side: int) -> None:
    frames = noise(height, width)
    expected = pillow(frames, side)
    assert torch.equal(by_axis(pillow_bicubic, frames, side, BORDER), expected)
    assert torch.equal(by_axis(bicubic, frames, side, BORDER), expected)
    squares = pad_to_square(frames, BORDER)
    assert torch.equal(bilinear(squares, side), opencv(squares, side))


@pytest.mark.parametrize("side", SIDES)
def test_rendered_scenes_to_the_bit(side: int) -> None:
    frames = rendered()
    assert torch.equal(by_axis(bicubic, frames, side, BORDER), pillow(frames, side))
    assert torch.equal(bilinear(frames, side), opencv(frames, side))


@pytest.mark.parametrize(("height", "width", "side"), [size for size in SIZES if size[2] >= 224])
def test_torchs_own_bicubic_stays_within_two_grey_levels(height: int, width: int, side: int) -> None:
    frames = noise(height, width)
    off = by_axis(torch_bicubic, frames, side, BORDER).int().sub(pillow(frames, side).int()).abs()
    assert off.max() <= 2
    grey, black_and_white = (off > 0).float().mean((1, 2, 3))
    assert grey < 0.01
    assert black_and_white < 0.03


@pytest.mark.parametrize("side", [64, 224])
def test_torchs_own_bicubic_on_rendered_scenes(side: int) -> None:
    frames = rendered()
    off = by_axis(torch_bicubic, frames, side, BORDER).int().sub(pillow(frames, side).int()).abs()
    assert off.max() <= 1
    assert (off > 0).float().mean() < 0.005


@pytest.mark.parametrize("look", [SIGLIP, INTERNVIDEO2], ids=["bicubic", "bilinear"])
def test_the_cpu_asks_the_libraries(look: Look) -> None:
    frames = noise(18, 32)
    squares = pad_to_square(frames, look.border)
    expected = opencv(squares, 24) if look is INTERNVIDEO2 else by_axis(bicubic, frames, 24, look.border)
    assert torch.equal(fit(frames, look, 24), expected)
    quick = fit(frames, look, 24, exact=False)
    assert quick.int().sub(expected.int()).abs().max() <= 2


@pytest.mark.parametrize("look", [SIGLIP, INTERNVIDEO2], ids=["bicubic", "bilinear"])
def test_other_devices_never_come_back_to_the_host(look: Look) -> None:
    fitted = fit(torch.empty(40, 18, 32, 3, dtype=torch.uint8, device="meta"), look, 24)
    assert fitted.shape == (40, 24, 24, 3)
    assert fitted.dtype == torch.uint8
    assert fitted.is_meta


def test_pictures_are_centred_on_the_colour() -> None:
    wide, tall = noise(3, 8), noise(8, 3)
    padded = pad_to_square(wide, SIGLIP.border)
    assert padded.shape == (2, 8, 8, 3)
    assert torch.equal(padded[:, 2:5], wide)
    assert (padded[:, [0, 1, 5, 6, 7]] == 127).all()
    padded = pad_to_square(tall, INTERNVIDEO2.border)
    assert torch.equal(padded[:, :, 2:5], tall)
    assert (padded[:, :, [0, 1, 5, 6, 7]] == torch.tensor([123, 116, 103])).all()


def test_frames_given_stay_as_they_are() -> None:
    frames = noise(5, 9)
    before = frames.clone()
    fit(frames, SIGLIP, 4), fit(frames, INTERNVIDEO2, 4, exact=False)
    assert torch.equal(frames, before)

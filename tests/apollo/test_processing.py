"""From frames to clip tensors: grouping, filling, order of towers, and pictures that stay what they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from apollobench.apollo.config import VisionConfig
from apollobench.apollo.look import INTERNVIDEO2, SIGLIP
from apollobench.apollo.processing import make_clips, pad_to_square
from apollobench.apollo.towers.internvideo2 import InternVideo2Config
from apollobench.apollo.towers.siglip import SiglipConfig
from apollobench.errors import InputError

SMALL_SIGLIP, SMALL_INTERNVIDEO2 = SiglipConfig(image_size=12), InternVideo2Config(img_size=8)
BOTH = VisionConfig((("siglip", SMALL_SIGLIP), ("internvideo2", SMALL_INTERNVIDEO2)))


def frames(count: int, height: int = 20, width: int = 20) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def test_shapes_follow_the_towers_and_their_order() -> None:
    siglip, internvideo2 = make_clips(frames(8, 10, 16), BOTH)
    assert siglip.shape == (2, 4, 3, 12, 12)
    assert internvideo2.shape == (2, 3, 4, 8, 8)
    assert siglip.dtype == internvideo2.dtype == torch.float32
    swapped = make_clips(frames(8, 10, 16), VisionConfig(tuple(reversed(BOTH.towers))))
    assert torch.equal(swapped[0], internvideo2)
    assert torch.equal(swapped[1], siglip)


def test_the_last_clip_is_filled_with_its_last_frame() -> None:
    siglip, internvideo2 = make_clips(frames(6), BOTH)
    assert siglip.shape[0] == internvideo2.shape[0] == 2
    assert all(torch.equal(siglip[1, 1], siglip[1, i]) for i in (2, 3))
    assert all(torch.equal(internvideo2[1, :, 1], internvideo2[1, :, i]) for i in (2, 3))
    assert not torch.equal(siglip[1, 0], siglip[1, 1])


def test_one_frame_makes_a_still_clip() -> None:
    one, four = make_clips(frames(1), BOTH), make_clips(np.repeat(frames(1), 4, axis=0), BOTH)
    assert all(torch.equal(a, b) for a, b in zip(one, four, strict=True))


def test_pictures_are_centred_on_the_towers_own_grey() -> None:
    wide, tall = frames(1, 3, 8), frames(1, 8, 3)
    padded = pad_to_square(wide, SIGLIP.border)
    assert padded.shape == (1, 8, 8, 3)
    assert (padded[0, 2:5] == wide[0]).all()
    assert (padded[0, [0, 1, 5, 6, 7]] == 127).all()
    padded = pad_to_square(tall, INTERNVIDEO2.border)
    assert (padded[0, :, 2:5] == tall[0]).all()
    assert (padded[0, :, 0] == (123, 116, 103)).all()


def test_plain_colours_keep_their_value() -> None:
    red = np.zeros((1, 20, 20, 3), np.uint8)
    red[..., 0] = 255
    siglip, internvideo2 = make_clips(red, BOTH)
    assert siglip[0, 0].amin((1, 2)).tolist() == siglip[0, 0].amax((1, 2)).tolist() == [1, -1, -1]
    expected = [(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225]
    assert internvideo2[0, :, 0, 3, 3].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("bad", [frames(0), frames(2)[..., :1], frames(2)[0], frames(2).astype(np.float32)])
def test_what_is_not_a_stack_of_frames_is_refused(bad: NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match=r"frames must be uint8 \[T, H, W, 3\]"):
        make_clips(bad, BOTH)

"""From frames to clip tensors: grouping, filling, order of towers, and pictures that stay what they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from apollobench.apollo import processing, resize
from apollobench.apollo.config import VisionConfig
from apollobench.apollo.processing import make_clips
from apollobench.apollo.towers.base import kind_of
from apollobench.apollo.towers.hybrid import build_tower
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


@pytest.mark.parametrize(("name", "edge"), [("videomae-tiny", "image_size"), ("vjepa2-tiny", "crop_size")])
def test_a_still_clip_fills_the_tubes_of_a_clip_tower(name: str, edge: str) -> None:
    sizes = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8, edge: 16}
    raw: dict[str, Any] = {**sizes, "num_frames": 4} if name == "videomae-tiny" else {**sizes, "frames_per_clip": 4}
    tower = kind_of(name).config.read(raw, Path(name))
    (clips,) = make_clips(frames(1), VisionConfig(((name, tower),)))
    assert clips.shape == (1, 4, 3, 16, 16)
    assert all(torch.equal(clips[0, 0], clips[0, i]) for i in (1, 2, 3))
    with torch.no_grad():
        features = build_tower(name, tower, -1).eval()(clips)
    assert features.shape == (1, 2, 2, 2, 24)
    assert features.isfinite().all()


def test_plain_colours_keep_their_value() -> None:
    red = np.zeros((1, 20, 20, 3), np.uint8)
    red[..., 0] = 255
    siglip, internvideo2 = make_clips(red, BOTH)
    assert siglip[0, 0].amin((1, 2)).tolist() == siglip[0, 0].amax((1, 2)).tolist() == [1, -1, -1]
    expected = [(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225]
    assert internvideo2[0, :, 0, 3, 3].tolist() == pytest.approx(expected)


def test_tensors_and_read_only_arrays_are_frames_too() -> None:
    given = frames(5, 10, 16)
    expected = make_clips(given, BOTH)
    locked = given.copy()
    locked.flags.writeable = False
    for same in (torch.from_numpy(given), locked, np.asfortranarray(given)):
        assert all(torch.equal(a, b) for a, b in zip(make_clips(same, BOTH), expected, strict=True))


def test_the_quick_way_is_off_by_two_grey_levels_at_most() -> None:
    given = frames(4, 30, 41)
    exact, quick = make_clips(given, BOTH), make_clips(given, BOTH, exact=False)
    assert (quick[0] - exact[0]).abs().max() <= 2 / 255 / 0.5 + 1e-6
    assert torch.equal(quick[1], exact[1])


def test_another_device_does_the_same_work() -> None:
    siglip, internvideo2 = make_clips(frames(6, 10, 16), BOTH, device="meta")
    assert siglip.is_meta
    assert siglip.shape == (2, 4, 3, 12, 12)
    assert internvideo2.shape == (2, 3, 4, 8, 8)


def test_towers_that_look_alike_share_the_scaling(monkeypatch: pytest.MonkeyPatch) -> None:
    scaled = []

    def counted(*given: Any) -> torch.Tensor:
        scaled.append(given[2])
        return resize.fit(*given)

    monkeypatch.setattr(processing, "fit", counted)
    towers = (("siglip-a", SMALL_SIGLIP), ("siglip-b", SMALL_SIGLIP), ("internvideo2", SMALL_INTERNVIDEO2))
    first, second, _ = make_clips(frames(4), VisionConfig(towers))
    assert torch.equal(first, second)
    assert scaled == [12, 8]


@pytest.mark.parametrize(
    "bad", [frames(0), frames(2, 0), frames(2)[..., :1], frames(2)[0], frames(2).astype(np.float32)]
)
def test_what_is_not_a_stack_of_frames_is_refused(bad: NDArray[np.uint8]) -> None:
    with pytest.raises(InputError, match=r"frames must be uint8 \[T, H, W, 3\]"):
        make_clips(bad, BOTH)

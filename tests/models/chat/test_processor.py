"""Frames of Qwen-VL models have the size that the models' own code gives them, even where their files do not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from transformers import LlavaConfig, LlavaProcessor

from apollobench.errors import InputError
from apollobench.models.chat.processor import load_processor

from . import families

Checkpoint = Callable[[str], Path]


def test_settings_for_images_are_not_taken_for_those_of_videos(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(checkpoint("qwen2_vl"), tmp_path / "copy"))
    (folder / "processor_config.json").unlink()
    published = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2VLProcessor",
        "min_pixels": 56 * 56,
        "max_pixels": 28 * 28 * 16384,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(published))
    films = load_processor(folder).video_processor
    made = films([np.zeros((2, 1080, 1920, 3), np.uint8)], do_sample_frames=False, return_tensors="pt")
    grid = made["video_grid_thw"][0]
    assert int(grid.prod()) * 14 * 14 <= 768 * 28 * 28
    (folder / "video_preprocessor_config.json").write_text(
        json.dumps({"video_processor_type": "Qwen2VLVideoProcessor", "size": families.QWEN_SIZE})
    )
    assert dict(load_processor(folder).video_processor.size)["longest_edge"] == families.QWEN_SIZE["longest_edge"]


@pytest.mark.parametrize(("family", "capped"), [("qwen2_vl", True), ("qwen3_vl", True), ("internvl", None)])
def test_a_long_video_has_smaller_frames(checkpoint: Checkpoint, family: str, capped: bool | None) -> None:
    films = load_processor(checkpoint(family)).video_processor
    assert getattr(films, "cap_pixels_per_frame", None) is capped


def test_processors_without_videos_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    _, processor = families.llava_onevision()
    stills = LlavaProcessor(processor.image_processor, processor.tokenizer, patch_size=8)
    stills.save_pretrained(tmp_path)
    LlavaConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="its LlavaProcessor takes no videos; use a video language model"):
        load_processor(tmp_path)

"""The model is told exactly the planned frames and their times, with the video before the question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from apollobench.models.chat.processor import load_processor
from apollobench.models.chat.prompts import Prompts
from apollobench.types import Item, Mode, Request, Sampling

from . import families
from .asking import request

Checkpoint = Callable[[str], Path]
PAIRS = Sampling(kind="uniform", frames=6, clip_frames=2)


def text(prompts: Prompts, asked: Request) -> str:
    return str(prompts.tokenizer.decode(prompts.inputs(asked)["input_ids"][0]))


@pytest.fixture
def load(checkpoint: Checkpoint) -> Callable[[str], Prompts]:
    return lambda family: Prompts(load_processor(checkpoint(family)))


@pytest.mark.parametrize("family", families.FAMILIES)
def test_the_video_stands_before_the_question(
    family: str, load: Callable[[str], Prompts], questions: list[Item]
) -> None:
    prompts = load(family)
    asked = request(questions[0], Mode.VIDEO, PAIRS)
    ids = prompts.inputs(asked)["input_ids"][0].tolist()
    last = max(place for place, token in enumerate(ids) if token in prompts.visual_ids)
    assert asked.prompt in str(prompts.tokenizer.decode(ids[last + 1 :]))
    blind = prompts.inputs(replace(asked, mode=Mode.TEXT))
    assert not prompts.visual_ids.intersection(blind["input_ids"][0].tolist())
    assert not any(name.startswith("pixel") for name in blind)


def test_times_are_those_of_the_plan(load: Callable[[str], Prompts], questions: list[Item]) -> None:
    asked = request(questions[0], Mode.VIDEO, PAIRS)
    assert asked.plan is not None
    uneven = replace(asked, plan=replace(asked.plan, timestamps=(0.0, 0.2, 1.0, 1.7, 61.0, 63.0), duration=64.0))
    told = text(load("qwen3_vl"), uneven)
    assert [told.count(f"<{time} seconds>") for time in ("0.1", "1.4", "62.0")] == [1, 1, 1]
    told = text(load("smolvlm"), uneven)
    assert "series of six frames from a 0:01:04 [H:MM:SS] video" in told
    assert [told.count(f"Frame from {time}:") for time in ("00:00", "00:01", "01:01", "01:03")] == [2, 2, 1, 1]
    grid = load("qwen2_5_vl").inputs(uneven)
    assert grid["second_per_grid_ts"].tolist() == pytest.approx([2 * 64.0 / 6], rel=1e-3)


@pytest.mark.parametrize(("mode", "frames"), [(Mode.FRAME, 2), (Mode.VIDEO, 6), (Mode.SHUFFLED, 6)])
def test_every_planned_frame_is_shown_and_no_other(
    mode: Mode, frames: int, load: Callable[[str], Prompts], questions: list[Item]
) -> None:
    asked = request(questions[0], mode, PAIRS)
    assert asked.frames is not None
    assert len(asked.frames) == frames
    assert load("llava_onevision").inputs(asked)["pixel_values_videos"].shape[:2] == (1, frames)
    assert load("internvl").inputs(asked)["pixel_values"].shape[0] == frames
    assert load("smolvlm").inputs(asked)["pixel_values"].shape[:2] == (1, frames)
    for family in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl"):
        assert load(family).inputs(asked)["video_grid_thw"][0, 0] == frames // 2


def test_frames_keep_their_order_and_colours(load: Callable[[str], Prompts], questions: list[Item]) -> None:
    asked = request(questions[0], Mode.VIDEO, PAIRS)
    assert asked.frames is not None
    prompts = load("llava_onevision")
    films = prompts.processor.video_processor
    pixels = prompts.inputs(asked)["pixel_values_videos"][0].mean(dim=(2, 3))
    means = torch.tensor(asked.frames.mean(axis=(1, 2)), dtype=torch.float32) / 255
    assert torch.allclose(pixels, (means - torch.tensor(films.image_mean)) / torch.tensor(films.image_std), atol=0.02)


def test_equal_frames_are_processed_once_and_others_anew(load: Callable[[str], Prompts], questions: list[Item]) -> None:
    prompts = load("qwen2_vl")
    first = request(questions[0], Mode.VIDEO, PAIRS)
    assert first.frames is not None
    pixels = prompts.inputs(first)["pixel_values_videos"]
    other = replace(first, prompt="Another question?")
    assert prompts.inputs(other)["pixel_values_videos"] is pixels
    dark = replace(first, frames=first.frames // 2)
    assert not torch.equal(prompts.inputs(dark)["pixel_values_videos"], pixels)
    assert torch.equal(prompts.inputs(first)["pixel_values_videos"], pixels)

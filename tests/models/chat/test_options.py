"""How a model samples unless told otherwise, and what can be told."""

from __future__ import annotations

import pytest
from transformers import (
    InternVLVideoProcessor,
    LlavaOnevisionVideoProcessor,
    Qwen2VLVideoProcessor,
    Qwen3VLVideoProcessor,
    SmolVLMVideoProcessor,
)

import apollobench  # noqa: F401
from apollobench.errors import InputError
from apollobench.models.chat.options import Options, own_sampling
from apollobench.types import Sampling

SMOL = {"video_sampling": {"fps": 1, "max_frames": 50, "video_size": {"longest_edge": 384}}}


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        (Qwen2VLVideoProcessor(), Sampling(kind="uniform", frames=32, clip_frames=2)),
        (Qwen3VLVideoProcessor(), Sampling(kind="fps", fps=2.0, frames=64, clip_frames=2)),
        (LlavaOnevisionVideoProcessor(), Sampling(kind="uniform", frames=32, clip_frames=1)),
        (InternVLVideoProcessor(num_frames=8), Sampling(kind="uniform", frames=8, clip_frames=1)),
        (SmolVLMVideoProcessor(**SMOL), Sampling(kind="fps", fps=1.0, frames=50, clip_frames=1)),
    ],
)
def test_a_model_samples_as_its_video_processor_does(processor: object, expected: Sampling) -> None:
    assert own_sampling(processor) == expected


def test_sampling_can_be_changed() -> None:
    own = Sampling(kind="fps", fps=2.0, frames=64, clip_frames=2)
    assert Options().sampling(own) == own
    assert Options.parse({"frames": "8"}).sampling(own) == Sampling(kind="uniform", frames=8, clip_frames=2)
    assert Options.parse({"fps": "0.5"}).sampling(own) == Sampling(kind="fps", fps=0.5, frames=64, clip_frames=2)
    assert Options.parse({"max_frames": "700"}).sampling(own).frames == 700
    given = Options.parse({"fps": "4", "max_frames": "10"}).sampling(Sampling(kind="uniform", frames=32, clip_frames=1))
    assert given == Sampling(kind="fps", fps=4.0, frames=10, clip_frames=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"colour": "red"}, "unknown model argument 'colour'; valid: pretrained, revision, dtype, device"),
        ({"frames": "0"}, "frames=0: expected a whole number, at least 1"),
        ({"fps": "nan"}, "fps=nan: expected a number above 0"),
        ({"dtype": "int8"}, "dtype 'int8' is not one of float32"),
        ({"frames": "8", "fps": "1"}, "frames means frames over the whole video; leave out fps and max_frames"),
    ],
)
def test_arguments_are_checked(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Options.parse(arguments)


def test_a_limit_that_nothing_reads_is_refused() -> None:
    with pytest.raises(InputError, match="max_frames changes nothing: the model takes 32 frames over the whole video"):
        Options.parse({"max_frames": "8"}).sampling(Sampling(kind="uniform", frames=32))

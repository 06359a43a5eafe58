"""Arguments of ours and of a class are kept apart, and what makes no sense is named."""

from __future__ import annotations

import pytest

from apollobench.errors import InputError
from apollobench.models.lmms.handling import find_handling
from apollobench.models.lmms.options import FRAMES, Options
from apollobench.types import Sampling

CHAT, SIMPLE = find_handling("chat", "qwen3_vl"), find_handling("simple", "qwen3_vl")


def test_what_is_not_ours_is_for_the_class() -> None:
    options = Options.parse({"frames": "8", "device": "cpu", "max_pixels": "3136", "force_simple": "true"})
    assert (options.frames, options.force_simple) == (8, True)
    assert options.own == {"device": "cpu", "max_pixels": "3136"}


def test_sampling_is_uniform_or_by_time() -> None:
    assert Options.parse({}).sampling_for(SIMPLE) == Sampling(kind="uniform", frames=FRAMES, clip_frames=1)
    by_time = Options.parse({"fps": "1.5", "max_frames": "20"})
    assert by_time.sampling_for(CHAT) == Sampling(kind="fps", fps=1.5, frames=20, clip_frames=1)
    with pytest.raises(
        InputError, match=r"fps=1\.5: the class reads a fixed number of frames from a file; say frames=N"
    ):
        by_time.sampling_for(SIMPLE)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"frames": "8", "fps": "1"}, "frames means frames over the whole video; leave out fps"),
        ({"max_frames": "8"}, "max_frames changes nothing without fps"),
        ({"frames": "none"}, "frames=none: expected a whole number"),
        ({"force_simple": "maybe"}, "force_simple=maybe: expected true or false"),
        ({"max_num_frames": "8"}, "max_num_frames: say frames=N instead"),
    ],
)
def test_what_is_wrong_is_named(arguments: dict[str, str], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        Options.parse(arguments)


@pytest.mark.parametrize("name", ["api_key", "openai_api_key", "token", "hf_token", "password", "client_secret"])
def test_secrets_are_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(InputError, match="secrets are read from the environment only") as caught:
        Options.parse({name: "sk-12345"})
    assert "12345" not in str(caught.value)


@pytest.mark.parametrize("name", ["image_token", "token_strategy", "keyframes"])
def test_names_that_only_sound_like_secrets_pass(name: str) -> None:
    assert Options.parse({name: "x"}).own == {name: "x"}

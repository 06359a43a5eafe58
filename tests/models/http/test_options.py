"""Arguments of the http backend."""

from __future__ import annotations

import pytest

from apollobench.errors import InputError
from apollobench.models.http.options import PARSERS, Options
from apollobench.types import Mode, Sampling

URL = {"base_url": "http://me:secret@localhost:8000/v1"}


def test_defaults_are_one_token_with_log_probabilities_on_sixteen_frames() -> None:
    options = Options.parse(URL)
    assert options.sampling == Sampling(kind="uniform", frames=16, clip_frames=1)
    assert options.settings("m") == {
        "model": "m",
        "media": "frames",
        "jpeg_quality": 85,
        "max_side": 768,
        "max_new_tokens": 1,
        "temperature": 0,
        "logprobs": 20,
    }
    assert "secret" not in repr(options)


def test_every_argument_is_a_field_and_the_other_way_round() -> None:
    assert PARSERS.keys() | {"body"} == Options.__dataclass_fields__.keys()


def test_only_what_changes_answers_is_a_setting() -> None:
    plain = Options.parse(URL).settings("m")
    other = {"concurrency": "3", "timeout": "9", "tries": "2", "patience": "0", "price_input": "1", "revision": "r"}
    assert Options.parse({"base_url": "https://elsewhere/v1", **other}).settings("m") == plain
    for name, value in {"media": "video_jpeg", "jpeg_quality": "90", "max_side": "none", "detail": "low"}.items():
        assert Options.parse({**URL, name: value}).settings("m") != plain
    for name, value in {"max_new_tokens": "9", "logprobs": "0", "body.seed": "1"}.items():
        assert Options.parse({**URL, name: value}).settings("m") != plain


def test_sampling_by_rate_has_a_limit() -> None:
    assert Options.parse({**URL, "fps": "2", "max_frames": "8"}).sampling == Sampling("fps", 8, 2.0, clip_frames=1)
    assert Options.parse({**URL, "fps": "0.5"}).sampling.frames == 64


def test_a_server_that_samples_cannot_shuffle() -> None:
    assert Options.parse({**URL, "media": "video_url"}).modes == {Mode.TEXT, Mode.FRAME, Mode.VIDEO}
    assert Options.parse({**URL, "media": "video_jpeg"}).modes == set(Mode)


def test_further_fields_are_json_or_text() -> None:
    options = Options.parse({**URL, "body.seed": "7", "body.reasoning_effort": "low", "body.temperature": "null"})
    assert options.body == {"seed": 7, "reasoning_effort": "low", "temperature": None}


def test_ranges() -> None:
    assert Options.parse({**URL, "tokens_per_frame": "70-300"}).rates.tokens_per_frame == (70, 300)
    assert Options.parse({**URL, "seconds_per_request": "2"}).rates.seconds_per_request == (2, 2)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("colour", "red", "unknown model argument 'colour'; valid: base_url, api_key_env, .*body.NAME"),
        ("api_key", "sk-secret", "A key is never an argument: it is read from the environment"),
        ("media", "gif", "media=gif: expected one of frames, video_jpeg, video_url, video_file"),
        ("jpeg_quality", "101", "expected a whole number from 1 to 100"),
        ("logprobs", "21", "expected a whole number from 0 to 20"),
        ("max_side", "8", "expected a whole number from 16"),
        ("concurrency", "0", "expected a whole number from 1"),
        ("timeout", "0", "expected a number above 0"),
        ("timeout", "nan", "expected a number above 0"),
        ("tokens_per_frame", "9-3", "expected a number or LOW-HIGH"),
        ("max_frames", "9", "max_frames changes nothing"),
    ],
)
def test_bad_arguments_are_named(name: str, value: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as error:
        Options.parse({**URL, name: value})
    assert "secret" not in str(error.value)


def test_no_server_and_idle_frames() -> None:
    with pytest.raises(InputError, match="which server"):
        Options.parse({})
    with pytest.raises(InputError, match="frames changes nothing"):
        Options.parse({**URL, "fps": "1", "frames": "3"})

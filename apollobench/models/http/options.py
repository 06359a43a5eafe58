"""The arguments of the http backend: what each means, its default, and how it is read."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apollobench.errors import InputError
from apollobench.models.base import Rates
from apollobench.models.options import above_zero, parse_options
from apollobench.models.usage import Prices
from apollobench.types import Mode, Sampling

MEDIA = ("frames", "video_jpeg", "video_url", "video_file")
BODY = "body."


def _from(least: int, most: float = math.inf) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ValueError(f"expected a whole number from {least}{'' if math.isinf(most) else f' to {most}'}")
        return int(text)

    return read


def _at_least_zero(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError("expected a number, 0 or above")
    return value


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition("-")
    found = _at_least_zero(low), _at_least_zero(high or low)
    if found[0] > found[1]:
        raise ValueError("expected a number or LOW-HIGH")
    return found


def _media(text: str) -> str:
    if text not in MEDIA:
        raise ValueError(f"expected one of {', '.join(MEDIA)}")
    return text


def _side(text: str) -> int | None:
    return None if text == "none" else _from(16)(text)


PARSERS: Mapping[str, Callable[[str], Any]] = {
    "base_url": str,
    "api_key_env": str,
    "model": str,
    "revision": str,
    "media": _media,
    "frames": _from(1),
    "fps": above_zero,
    "max_frames": _from(1),
    "jpeg_quality": _from(1, 100),
    "max_side": _side,
    "detail": str,
    "max_new_tokens": _from(1),
    "logprobs": _from(0, 20),
    "concurrency": _from(1, 1024),
    "timeout": above_zero,
    "tries": _from(1),
    "patience": _at_least_zero,
    "price_input": _at_least_zero,
    "price_output": _at_least_zero,
    "tokens_per_frame": _range,
    "seconds_per_request": _range,
}


@dataclass(frozen=True, slots=True)
class Options:
    """How to reach a model and how to ask it.

    base_url: of the API. api_key_env: environment variable of the key. model: id to ask for, the roster's by default.
    revision: what the weights are called, where the server cannot tell.

    media: `frames` sends each frame of our plan as a JPEG picture; `video_jpeg` sends them as one video (vLLM);
    `video_url` sends the file in the request and `video_file` its path, for servers that decode and sample themselves.
    Video mode has `frames` frames over the whole video, or `fps` a second and at most `max_frames`. max_side: larger
    frames are scaled down to it, in pixels. detail: of pictures, where the server offers a choice (low, high).

    max_new_tokens: longest reply; one token is a letter, and a model that thinks or puts its answer in words needs
    more. logprobs: how many likely tokens to ask for, 0 for none. body: further fields of every request, None to leave
    out one of ours.

    concurrency: requests in flight. timeout: seconds for one try. tries: at most, of one request. patience: seconds
    from its first try in which another may begin. Prices are those of a million tokens. tokens_per_frame,
    seconds_per_request: what an estimate before the run assumes.
    """

    base_url: str = field(repr=False)
    api_key_env: str | None = None
    model: str | None = None
    revision: str | None = None
    media: str = "frames"
    frames: int | None = None
    fps: float | None = None
    max_frames: int = 64
    jpeg_quality: int = 85
    max_side: int | None = 768
    detail: str | None = None
    max_new_tokens: int = 1
    logprobs: int = 20
    concurrency: int = 8
    timeout: float = 300.0
    tries: int = 8
    patience: float = 600.0
    price_input: float | None = None
    price_output: float | None = None
    tokens_per_frame: tuple[float, float] = (85.0, 1200.0)
    seconds_per_request: tuple[float, float] = (0.5, 10.0)
    body: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> Options:
        """From `--model_args` texts; `body.NAME=VALUE` is a field of requests, in JSON or as plain text.

        Raises `InputError` that lists the valid names, or names the bad value.
        """
        body = {key.removeprefix(BODY): _json(text) for key, text in arguments.items() if key.startswith(BODY)}
        own = {key: text for key, text in arguments.items() if not key.startswith(BODY)}
        unknown = sorted(own.keys() - PARSERS.keys())
        if unknown:
            raise InputError(
                f"unknown model argument {unknown[0]!r}; valid: {', '.join(PARSERS)}, {BODY}NAME. "
                "A key is never an argument: it is read from the environment variable that api_key_env names"
            )
        if "base_url" not in own:
            raise InputError("which server? Give --base_url, such as http://localhost:8000/v1")
        values = parse_options(own, PARSERS)
        unread = "max_frames" if "fps" not in own else "frames"
        if unread in own:
            raise InputError(f"model argument {unread} changes nothing: give frames, or fps with max_frames")
        return cls(**values, body=body)

    @property
    def prices(self) -> Prices:
        return Prices(self.price_input, self.price_output)

    @property
    def rates(self) -> Rates:
        """What an estimate assumes; a reply has at least one token."""
        replies = (1.0, float(self.max_new_tokens))
        return Rates(self.tokens_per_frame, replies, self.seconds_per_request, self.concurrency, self.prices)

    @property
    def sampling(self) -> Sampling:
        """How a video is sampled in video mode: 16 frames by default."""
        if self.fps is not None:
            return Sampling(kind="fps", fps=self.fps, frames=self.max_frames, clip_frames=1)
        return Sampling(kind="uniform", frames=self.frames or 16, clip_frames=1)

    @property
    def modes(self) -> frozenset[Mode]:
        """A server that decodes the file itself shows its frames in their order alone."""
        return frozenset(Mode) if self.shows_frames else frozenset(Mode) - {Mode.SHUFFLED}

    @property
    def shows_frames(self) -> bool:
        """Whether the frames of our plan are what is sent, not the file."""
        return self.media in ("frames", "video_jpeg")

    def settings(self, model: str) -> dict[str, str | int | float | bool]:
        """What changes answers. model: the id that is asked for. The sampling of frames is part of the plan."""
        size = "none" if self.max_side is None else self.max_side
        told: dict[str, Any] = {
            "model": model,
            "media": self.media,
            "jpeg_quality": self.jpeg_quality,
            "max_side": size,
            "max_new_tokens": self.max_new_tokens,
            "temperature": 0,
            "logprobs": self.logprobs,
        }
        if self.detail is not None:
            told["detail"] = self.detail
        return told | {f"{BODY}{name}": json.dumps(value, sort_keys=True) for name, value in self.body.items()}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

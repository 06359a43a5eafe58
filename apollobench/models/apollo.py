"""Apollo checkpoints as roster models: a video is encoded once, its prompt beginning read once, for all questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import load_apollo, load_config, revision
from apollobench.apollo.config import ApolloConfig, parse_dtype
from apollobench.apollo.greedy import Reply, read_prefix, reply
from apollobench.apollo.model import Apollo
from apollobench.apollo.processing import Frames, make_pictures, to_clips
from apollobench.device import find_device
from apollobench.errors import InputError
from apollobench.models.base import Rates, Sketch
from apollobench.models.options import Parser, above_zero, parse_options, whole
from apollobench.types import LETTERS, Answer, FramePlan, Mode, Request, Sampling
from apollobench.video.budget import fitted

PARSERS: Mapping[str, Parser] = {
    "dtype": parse_dtype,
    "device": str,
    "max_new_tokens": whole,
    "batch_size": whole,
    "ratio": above_zero,
    "max_clips": whole,
    "frames": whole,
    "fps": above_zero,
}

TUNABLE: Mapping[str, tuple[str, ...]] = {
    "uniform": ("frames",),
    "fps": ("fps", "frames"),
    "clips": ("max_clips",),
    "released": ("ratio",),
    "center": (),
}


@dataclass(frozen=True, slots=True)
class Options:
    """Choices at load time. dtype: of the weights in memory, the checkpoint's own by default.

    max_new_tokens: longest reply; one token is a letter, and a model that puts its answer in words needs more.
    batch_size: questions answered at once (speed and memory only). The others replace fields of the checkpoint's own
    `Sampling`.
    """

    dtype: str | None = None
    device: str = "cpu"
    max_new_tokens: int = 1
    batch_size: int = 32
    ratio: float | None = None
    max_clips: int | None = None
    frames: int | None = None
    fps: float | None = None

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> Options:
        """From `--model_args` texts. Raises `InputError` that lists the valid keys, or names the bad value."""
        return cls(**parse_options(arguments, PARSERS))

    def sampling(self, own: Sampling) -> Sampling:
        """The checkpoint's `own` sampling with these changes. Raises `InputError` for one that it would not read."""
        given: dict[str, Any] = {
            "ratio": self.ratio,
            "max_clips": self.max_clips,
            "frames": self.frames,
            "fps": self.fps,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        reads = TUNABLE[own.kind]
        idle = sorted(changes.keys() - set(reads))
        if idle:
            raise InputError(
                f"model argument {idle[0]} changes nothing: the model samples by {own.kind!r}, "
                f"which reads {', '.join(reads) or 'no argument'}"
            )
        return replace(own, **changes)


@dataclass(frozen=True)
class ApolloModel:
    """A loaded Apollo model that answers requests; a blind one asks only the question, whatever the mode."""

    name: str
    revision: str
    model: Apollo
    chat: Chat
    sampling: Sampling
    options: Options = field(default_factory=Options)
    modes: frozenset[Mode] = frozenset(Mode)
    at_once: int = 1
    wants_frames: bool = True
    reply_tokens: dict[str, int] = field(default_factory=dict, repr=False)

    @classmethod
    def load(cls, name: str, directory: Path, options: Options) -> ApolloModel:
        """From a checkpoint folder, published or exported. Raises `InputError` naming what is wrong in it."""
        device = find_device(options.device)
        model, tokenizer = load_apollo(directory, options.dtype, device)
        config = model.config
        chat = Chat(tokenizer, config.clip_duration, config.tokens_per_clip, config.integration)
        return cls(name, revision(directory), model, chat, _sampling(options, config), options)

    @property
    def settings(self) -> Mapping[str, str | int | float | bool]:
        return _settings(self.options, str(self.model.dtype).removeprefix("torch."))

    def preprocess(self, frames: Frames) -> list[Tensor] | None:
        """The squares of each tower, as `make_pictures` gives them; None where the model's own device makes them."""
        vision = self.model.config.vision
        if self.model.vision is None or vision is None or self.model.device.type != "cpu":
            return None
        return make_pictures(frames, vision)

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """One answer per request, in order; text is the greedy reply, option_logprobs those of its first token."""
        for _, group in groupby(requests, key=self._shared):
            yield from self._answers_or_errors(list(group))

    def close(self) -> None:
        """It holds nothing but memory."""

    def _shows(self, request: Request) -> bool:
        return self.model.vision is not None and request.mode is not Mode.TEXT

    def _shared(self, request: Request) -> tuple[str, Mode, FramePlan | None] | None:
        """What requests must have in common to share a beginning; None when they show nothing."""
        return (request.item.video.id, request.mode, request.plan) if self._shows(request) else None

    def _answers_or_errors(self, group: list[Request]) -> list[Answer]:
        """Bad input is found out by asking one by one, so that it costs only the requests that carry it."""
        try:
            return self._answers(group)
        except InputError as error:
            if len(group) == 1:
                return [Answer(text=None, error=str(error))]
            return [answer for request in group for answer in self._answers_or_errors([request])]

    @torch.inference_mode()
    def _answers(self, group: list[Request]) -> list[Answer]:
        shows = self._shows(group[0])
        tails = [self.chat.tail(request.prompt, seen=shows) for request in group]
        longest = max(map(len, tails))
        self._check_length(longest, group[0])
        prefix = self._read_video(group[0], longest) if shows else None
        size, stops = self.options.batch_size, self.chat.stops
        replies = [
            one
            for start in range(0, len(tails), size)
            for one in reply(self.model.llm, prefix, tails[start : start + size], self.options.max_new_tokens, stops)
        ]
        return [self._as_answer(request, one) for request, one in zip(group, replies, strict=True)]

    def _read_video(self, request: Request, longest_tail: int) -> DynamicCache:
        """The prompt up to the end of the video, as the language model's keys and values."""
        model, vision = self.model, self.model.config.vision
        assert vision is not None
        if request.plan is None or request.frames is None:
            raise InputError(f"{request.item.id}: mode {request.mode} was asked without frames")
        pictures = request.inputs or make_pictures(request.frames, vision, device=model.device)
        clips = [clip.to(model.dtype) for clip in to_clips(pictures, vision)]
        made, planned = len(clips[0]), len(request.plan.clips)
        if made != planned:
            raise InputError(f"{request.item.id}: the frames make {made} clips, but the plan has {planned}")
        head = self.chat.head(request.plan)
        self._check_length(len(head) + longest_tail, request)
        ids = torch.tensor([head], device=model.device)
        return read_prefix(model.llm, model.merge(ids, model.encode(clips)))

    def _check_length(self, prompt: int, request: Request) -> None:
        total, limit = prompt + self.options.max_new_tokens, self.model.config.max_length
        if total > limit:
            ways = " or ".join(TUNABLE[self.sampling.kind]) or "shorter questions"
            needs = f"{request.item.id}: the prompt needs {total} tokens and {self.name} takes {limit}"
            raise InputError(f"{needs}; lower {ways}")

    def _as_answer(self, request: Request, one: Reply) -> Answer:
        letters = [self._reply_token(letter) for letter in LETTERS[: len(request.item.options)]]
        text = self.chat.tokenizer.decode(list(one.ids), skip_special_tokens=True)
        return Answer(text=str(text).strip(), option_logprobs=tuple(one.logprobs[letters].tolist()))

    def _reply_token(self, letter: str) -> int:
        if letter not in self.reply_tokens:
            self.reply_tokens[letter] = self.chat.reply_token(letter)
        return self.reply_tokens[letter]


def sketch(name: str, directory: Path, options: Options) -> Sketch:
    """What the model in a checkpoint folder will be, from its configs and the bytes of its weights alone."""
    config = load_config(directory)
    sampling = _sampling(options, config)
    tokens = config.tokens_per_clip / sampling.clip_frames if config.connector else 0.0
    rates = Rates((tokens, tokens), (1.0, float(options.max_new_tokens)))
    settings = _settings(options, parse_dtype(options.dtype or config.model_dtype))
    return Sketch(name, revision(directory), settings, frozenset(Mode), sampling, rates)


def _sampling(options: Options, config: ApolloConfig) -> Sampling:
    """How the checkpoint samples videos, changed by the options, and no more clips than it can read."""
    sampling = options.sampling(config.sampling)
    return fitted(sampling, config.max_length, config.tokens_per_clip) if config.connector else sampling


def _settings(options: Options, dtype: str) -> dict[str, str | int | float | bool]:
    return {"decoding": "greedy", "max_new_tokens": options.max_new_tokens, "dtype": dtype}

"""Frozen data that passes between stages; nothing here reads a file or imports a heavy package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LETTERS = "ABCDEFGHIJ"
CATEGORIES = ("OCR", "Egocentric", "Spatial", "Perception", "Reasoning")


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, first 16 bytes in hex: the key of everything stored by content."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Mode(StrEnum):
    """What the model sees: no visual, the center frame, its own sampling, or that sampling in permuted order."""

    TEXT = "text"
    FRAME = "frame"
    VIDEO = "video"
    SHUFFLED = "shuffled"


class Status(StrEnum):
    """How a response ended. Only `ok` carries a choice; the others are counted, never scored at random.

    wrong: an imported score without the answer behind it, which was not the item's key; what it named is not known.
    """

    OK = "ok"
    UNPARSED = "unparsed"
    WRONG = "wrong"
    ERROR = "error"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Video:
    """A video file. `id` names the cluster that clustered statistics use; `path` is absolute."""

    id: str
    path: Path


Needs = Literal["nothing", "frame", "set", "video"]
Flaw = Literal["", "unanswerable", "miskeyed"]
NEEDS: tuple[Needs, ...] = get_args(Needs)
FLAWS: tuple[Flaw, ...] = get_args(Flaw)


@dataclass(frozen=True, slots=True)
class Truth:
    """What an item is known to need; only generated worlds know it. `flaw` is empty for a sound item."""

    needs: Needs
    flaw: Flaw = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One multiple-choice question about one video. `id` is `source/native-id`; `answer` indexes `options`.

    context: text that stands before the question in the prompt, such as subtitles; usually empty.
    """

    id: str
    question: str
    options: tuple[str, ...]
    answer: int
    video: Video
    category: str | None = None
    native: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""
    truth: Truth | None = None
    context: str = ""

    @property
    def source(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def fingerprint(self) -> str:
        """Hash of what is asked (not of the key, so that correcting a key keeps every response)."""
        asked: list[object] = [self.id, self.question, list(self.options), self.video.id]
        return digest([*asked, self.context] if self.context else asked)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model samples a video. Which fields matter depends on `kind`; the sampler names the ones it lacks.

    uniform: `frames` over the whole video. fps: one frame every 1/`fps` seconds, at most `frames`.
    clips: clips of `clip_frames` frames over `clip_seconds` seconds, at most `max_clips`, spaced evenly when limited.
    released: the released Apollo loader (`token_budget`, `tokens_per_clip`, `ratio`). center: the center frame.
    Frames are handed to models in groups of `clip_frames`.
    """

    kind: Literal["uniform", "fps", "clips", "released", "center"]
    frames: int | None = None
    fps: float | None = None
    clip_seconds: float = 2.0
    clip_frames: int = 4
    max_clips: int | None = None
    tokens_per_clip: int = 128
    token_budget: int = 16384
    ratio: float = 0.65


@dataclass(frozen=True, slots=True)
class FramePlan:
    """Which frames a model sees, fixed before any decoding.

    indices: frame numbers in presentation order, one per frame handed over (repeats allowed).
    timestamps: their times in seconds. clips: (first, last) time in seconds of each clip of `clip_frames` frames.
    duration: seconds of the whole video. size: (height, width) the decoder scales to, or None for the native size.
    """

    sampling: Sampling
    indices: tuple[int, ...]
    timestamps: tuple[float, ...]
    clips: tuple[tuple[float, float], ...]
    duration: float
    size: tuple[int, int] | None = None

    @property
    def fingerprint(self) -> str:
        return digest(asdict(self))


@dataclass(frozen=True, slots=True)
class Request:
    """One question put to a model. frames: uint8 RGB [T, H, W, 3] in the plan's order; None in text mode.

    inputs: what the model made of the frames beforehand, if it does so (`models.base.Preprocessor`).
    """

    item: Item
    mode: Mode
    prompt: str
    plan: FramePlan | None = None
    frames: NDArray[np.uint8] | None = None
    inputs: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model gave back. option_logprobs: natural log-probability of each option's letter, where it can tell."""

    text: str | None
    option_logprobs: tuple[float, ...] | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """One stored answer. `key` identifies the work by content; `choice` is the option index the extractor found."""

    key: str
    item: str
    model: str
    mode: Mode
    status: Status
    text: str | None
    choice: int | None
    option_logprobs: tuple[float, ...] | None
    plan: str | None
    error: str | None = None

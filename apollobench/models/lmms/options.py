"""What of `--model_args` is ours when a model class of lmms-eval is asked, and what is for the class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from apollobench.errors import InputError
from apollobench.models.lmms.classes import COUNTS
from apollobench.models.lmms.handling import Handling
from apollobench.models.options import Parser, above_zero, parse_options, whole
from apollobench.redact import is_secret
from apollobench.types import Sampling

FRAMES = 32


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("expected true or false")
    return text.lower() == "true"


PARSERS: Mapping[str, Parser] = {
    "frames": whole,
    "fps": above_zero,
    "max_frames": whole,
    "max_new_tokens": whole,
    "force_simple": _truth,
}


@dataclass(frozen=True, slots=True)
class Options:
    """Choices at load time. frames: that many over the whole video; fps: so many a second, at most `max_frames`.

    max_new_tokens: longest reply. force_simple: the simple form of a class that has a chat form too.
    own: arguments of the class, as they are.
    """

    frames: int | None = None
    fps: float | None = None
    max_frames: int | None = None
    max_new_tokens: int = 16
    force_simple: bool = False
    own: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> Options:
        """From `--model_args` texts. Raises `InputError` that names what is wrong with one."""
        ours = {name: text for name, text in arguments.items() if name in PARSERS}
        own = {name: text for name, text in arguments.items() if name not in PARSERS}
        for name in own:
            if is_secret(name):
                raise InputError(f"model argument {name}: secrets are read from the environment only; leave it out")
            if name in COUNTS:
                raise InputError(f"model argument {name}: say frames=N instead, and the class's {name} follows it")
        options = cls(**parse_options(ours, PARSERS), own=own)
        if options.frames and (options.fps or options.max_frames):
            raise InputError("model argument frames means frames over the whole video; leave out fps and max_frames")
        if options.max_frames and not options.fps:
            raise InputError("model argument max_frames changes nothing without fps; say frames=N")
        return options

    @property
    def count(self) -> int:
        """The most frames that are shown of a video."""
        return self.frames or self.max_frames or FRAMES

    @property
    def sampling(self) -> Sampling:
        """How videos are sampled."""
        if self.fps is None:
            return Sampling(kind="uniform", frames=self.count, clip_frames=1)
        return Sampling(kind="fps", fps=self.fps, frames=self.count, clip_frames=1)

    def sampling_for(self, handling: Handling) -> Sampling:
        """How videos are sampled. Raises `InputError` for what a class that reads files cannot be held to."""
        if self.fps is not None and handling.video == "file":
            raise InputError(f"fps={self.fps:g}: the class reads a fixed number of frames from a file; say frames=N")
        return self.sampling

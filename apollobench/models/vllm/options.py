"""The arguments of the vllm backend: ours, and those that go to vLLM's server as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apollobench.errors import InputError
from apollobench.models.options import above_zero, parse_options, whole
from apollobench.types import Sampling

if TYPE_CHECKING:
    from apollobench.models.apollo import Options as ApolloOptions

OURS: Mapping[str, Callable[[str], Any]] = {
    "base_url": str,
    "api_key_env": str,
    "max_new_tokens": whole,
    "concurrency": whole,
    "timeout": above_zero,
    "frames": whole,
    "fps": above_zero,
    "max_frames": whole,
    "max_clips": whole,
    "ratio": above_zero,
}
# Those of vLLM's options that change numbers. The others decide speed and memory.
CHANGE_ANSWERS = ("dtype", "quantization", "kv_cache_dtype", "hf_overrides")
UNTOLD_FRAMES = 16


@dataclass(frozen=True, slots=True)
class Options:
    """How to ask, and what to start.

    max_new_tokens: longest reply; one token is a letter. concurrency: requests in flight. timeout: seconds for one try.
    frames, fps, max_clips, ratio: replace fields of the model's own `Sampling`; a model that has none is shown `frames`
    frames over the whole video, 16 by default, or `fps` a second and at most `max_frames`. server: everything else, as
    options of vLLM's server.
    """

    base_url: str | None = None
    api_key_env: str | None = None
    max_new_tokens: int = 1
    concurrency: int = 32
    timeout: float = 600.0
    frames: int | None = None
    fps: float | None = None
    max_frames: int | None = None
    max_clips: int | None = None
    ratio: float | None = None
    server: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, arguments: Mapping[str, str]) -> Options:
        """From `--model_args` texts. Raises `InputError` that names a bad value; vLLM itself names a bad option."""
        own = {key: text for key, text in arguments.items() if key in OURS}
        server = {key: text for key, text in arguments.items() if key not in OURS}
        idle = sorted(server.keys() - {"pretrained", "revision"}) if "base_url" in own else []
        if idle:
            raise InputError(f"model argument {idle[0]} is of a server's start, and the one at base_url runs already")
        return cls(**parse_options(own, OURS), server=server)

    @property
    def settings(self) -> Mapping[str, str | int | float | bool]:
        """What changes answers; the sampling is part of the plan, the weights are the revision."""
        told = {name: value for name, value in self.server.items() if name in CHANGE_ANSWERS}
        return {"backend": "vllm", "decoding": "greedy", "max_new_tokens": self.max_new_tokens, "dtype": "auto", **told}

    @property
    def of_apollo(self) -> ApolloOptions:
        """What of these an Apollo model in this process would take, too."""
        from apollobench.models.apollo import Options as ApolloOptions

        return ApolloOptions(ratio=self.ratio, max_clips=self.max_clips, frames=self.frames, fps=self.fps)

    def sampling(self, own: Sampling | None) -> Sampling:
        """How a video is sampled, `own` being how the model asks for it. Raises `InputError` where they clash."""
        if own is not None:
            return self.of_apollo.sampling(own)
        if self.fps is not None:
            return Sampling("fps", fps=self.fps, frames=self.max_frames, clip_frames=1)
        return Sampling("uniform", frames=self.frames or UNTOLD_FRAMES, clip_frames=1)

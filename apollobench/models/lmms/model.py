"""A model class of lmms-eval as a model of the roster: it is shown our frames, and asked one mode at a time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from apollobench.errors import InputError
from apollobench.models.lmms.asking import ask
from apollobench.models.lmms.classes import WEIGHTS, ModelClass, Parameters, installed, load_class, make
from apollobench.models.lmms.handling import Handling
from apollobench.models.lmms.options import PARSERS, Options
from apollobench.models.lmms.pictures import keep_apart
from apollobench.models.lmms.visuals import Visuals
from apollobench.models.weights import weights_revision
from apollobench.types import Answer, Mode, Request, Sampling

FILES = frozenset({".bin", ".jinja", ".json", ".model", ".pt", ".pth", ".py", ".safetensors", ".txt"})
# Arguments of classes that change where and how fast they run, or are told otherwise, and not what they answer.
IDLE = frozenset(
    {"base_url", "batch_size", "device", "device_map", "max_retries", "num_concurrent", "retry_backoff_s", "timeout"}
)


@dataclass(frozen=True)
class LmmsEvalModel:
    """An instance of a model class of lmms-eval that answers requests."""

    name: str
    revision: str
    model: Any
    model_class: ModelClass
    handling: Handling
    sampling: Sampling
    options: Options
    at_once: int = 1
    wants_frames: bool = True

    @classmethod
    def load(cls, name: str, model_class: ModelClass, options: Options, weights: str | None) -> LmmsEvalModel:
        """weights: what the class is to load, under its own name for it; None for what it loads by itself.

        Raises `InputError` for arguments that the class does not take, and with the reason when it cannot be made.
        """
        handling = model_class.handling(options.own)
        sampling = options.sampling_for(handling)
        loaded = load_class(model_class)
        parameters = Parameters.of(loaded)
        given = dict(options.own)
        if weights is not None:
            given.setdefault(parameters.weights(), weights)
        followed = dict.fromkeys(parameters.counts(), options.count)
        if "max_new_tokens" in parameters.defaults:
            followed["max_new_tokens"] = options.max_new_tokens
        model = make(model_class, loaded, given | {key: str(value) for key, value in followed.items()}, PARSERS)
        _hide_bars(loaded)
        keep_apart()
        told = " ".join(weights_revision(source, suffixes=FILES) for source in parameters.loads(given))
        return cls(name, told or "as the class has it", model, model_class, handling, sampling, options)

    @property
    def modes(self) -> frozenset[Mode]:
        return self.handling.modes

    @property
    def settings(self) -> Mapping[str, str | int | float | bool]:
        own = {f"argument {name}": text for name, text in self.options.own.items() if name not in {*IDLE, *WEIGHTS}}
        return own | {
            "lmms_eval": str(installed()),
            "class": f"{self.model_class.kind} {self.model_class.name}",
            "frame": self.handling.frame,
            "video": self.handling.video,
            "decoding": "greedy",
            "max_new_tokens": self.options.max_new_tokens,
        }

    def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
        """One answer per request, in order; one call of the class for each run of requests of one mode."""
        for mode, group in groupby(requests, key=lambda request: request.mode):
            with TemporaryDirectory(prefix="apollobench-") as folder:
                yield from self._answers(list(group), Visuals(self.handling.form(mode), Path(folder)))

    def close(self) -> None:
        """Lets the class free what it holds."""
        self.model.clean()

    def _answers(self, group: list[Request], visuals: Visuals) -> list[Answer]:
        """A call that fails is made again one by one, so that it costs only the requests that make it fail."""
        try:
            return ask(self.model, self.model_class.kind, group, visuals, self.options.max_new_tokens)
        except InputError as error:
            reason = str(error)
        except (Exception, SystemExit) as error:
            reason = f"{self.name} failed: {type(error).__name__}: {error}"
        if len(group) == 1:
            return [Answer(None, error=reason)]
        return [answer for request in group for answer in self._answers([request], visuals)]


def _hide_bars(loaded: type) -> None:
    """Classes draw a progress bar for each call; what is asked in all has one of its own."""
    from tqdm import tqdm

    class Hidden(tqdm):  # type: ignore[type-arg]
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings | {"disable": True})

    for owner in loaded.__mro__:
        module = sys.modules[owner.__module__]
        if getattr(module, "tqdm", None) is tqdm:
            module.tqdm = Hidden  # type: ignore[attr-defined]

"""What an evaluation would ask, before anything is sent or any weights are loaded: requests, frames, tokens, cost.

What is stored already is not counted. The store knows answers by keys that hold the model's revision; where only the
loaded model can tell that (a server's), the one of the last run into the same folder stands in, and without one
nothing counts as stored.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from apollobench.benchmark import load_benchmark
from apollobench.evaluate.identity import last_revision
from apollobench.evaluate.job import RESPONSES, Job, output_folder
from apollobench.evaluate.ledger import by_video
from apollobench.evaluate.prepare import Work, prepare
from apollobench.evaluate.shard import in_shard
from apollobench.evaluate.store import Where, is_store, load_responses
from apollobench.models.base import Rates
from apollobench.models.registry import sketch_model
from apollobench.types import Mode, Response

CHARACTERS_PER_TOKEN = (5.0, 3.0)  # of text: the fewest and the most tokens come of it
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Share:
    """What would be asked in one mode, or in all. frames: over all requests. characters: of their prompts.

    stored: answers at hand. refused: questions that would end without being asked (an unreadable video, a mode that
    the model does not support).
    """

    requests: int
    videos: int
    frames: int
    characters: int
    stored: int
    refused: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of one evaluation. reasons: why questions would be refused, each once. Ranges are (least, most)."""

    model: str
    output: Path
    rates: Rates
    modes: Mapping[Mode, Share]
    whole: Share
    reasons: tuple[str, ...]

    def prompt_tokens(self, share: Share) -> Range | None:
        """Tokens of text and frames; None when the tokens of a frame are not known."""
        per_frame = (0.0, 0.0) if not share.frames else self.rates.tokens_per_frame
        if per_frame is None:
            return None
        few, many = CHARACTERS_PER_TOKEN
        return (
            share.frames * per_frame[0] + share.characters / few,
            share.frames * per_frame[1] + share.characters / many,
        )

    def completion_tokens(self, share: Share) -> Range | None:
        return _scaled(self.rates.completion_tokens, share.requests)

    def seconds(self, share: Share) -> Range | None:
        """With as many requests under way as the model takes at once."""
        return _scaled(self.rates.seconds_per_request, share.requests / self.rates.at_once)

    def price(self, share: Share) -> Range | None:
        prompt, completion = self.prompt_tokens(share), self.completion_tokens(share)
        if prompt is None or completion is None:
            return None
        low, high = (self.rates.prices.of(prompt[end], completion[end]) for end in (0, 1))
        return None if low is None or high is None else (low, high)


def estimate(job: Job) -> Estimate:
    """What the evaluation would ask. Reads the videos' headers and hashes them, decodes nothing, writes nothing.

    Raises InputError as `evaluate` does for a model or a benchmark that is not at hand.
    """
    sketch = sketch_model(job.model, job.model_args, job.backend)
    benchmark = load_benchmark(job.benchmark, job.data_root)
    output = output_folder(job, benchmark, sketch.name)
    sketch = replace(sketch, revision=sketch.revision or last_revision(output, sketch.name))
    items = [item for item in benchmark.items[: job.limit] if in_shard(item, job.shard)]
    held = _held(job.responses or output / RESPONSES)
    works = [prepare(video, group, job.modes, sketch, held) for video, group in by_video(items).items()]
    return Estimate(
        model=sketch.name,
        output=output,
        rates=sketch.rates,
        modes={mode: _share(works, [mode]) for mode in job.modes},
        whole=_share(works, job.modes),
        reasons=tuple(dict.fromkeys(response.error or "" for work in works for response in work.failed)),
    )


def _held(store: Where) -> Mapping[str, Response]:
    if not is_store(store):
        return {}
    return {response.key: response for response in load_responses(store)}


def _share(works: Sequence[Work], modes: Collection[Mode]) -> Share:
    asked = [[ask.request for ask in work.asks if ask.request.mode in modes] for work in works]
    requests = [request for group in asked for request in group]
    return Share(
        requests=len(requests),
        videos=sum(map(bool, asked)),
        frames=sum(len(request.plan.indices) for request in requests if request.plan is not None),
        characters=sum(len(request.prompt) for request in requests),
        stored=sum(response.mode in modes for work in works for response in work.stored),
        refused=sum(response.mode in modes for work in works for response in work.failed),
    )


def _scaled(per_request: Range | None, requests: float) -> Range | None:
    return None if per_request is None else (per_request[0] * requests, per_request[1] * requests)

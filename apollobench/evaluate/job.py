"""One evaluation from names to files: a model on a benchmark, answered, scored and written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apollobench.benchmark import Benchmark, load_benchmark
from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.evaluate.run import RunCounts, run
from apollobench.evaluate.score import Scorecard
from apollobench.evaluate.shard import WHOLE
from apollobench.evaluate.store import Store
from apollobench.models.registry import folder_name, load_model
from apollobench.types import Mode, Status

RESPONSES = "responses"


@dataclass(frozen=True, slots=True)
class Job:
    """What to evaluate. backend: None for the roster's own. limit: only the first items.

    output: None for `out/` with the names of benchmark and model.
    """

    model: str
    backend: str | None
    benchmark: Path
    modes: tuple[Mode, ...]
    model_args: Mapping[str, str] = field(default_factory=dict)
    data_root: Path | None = None
    limit: int | None = None
    batch_size: int = 1
    shard: tuple[int, int] = WHOLE
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job. card: None for one shard of several, which is answered and not scored."""

    counts: RunCounts
    card: Scorecard | None
    output: Path

    @property
    def errors(self) -> int:
        """Questions that ended with an error."""
        return self.counts.statuses[Status.ERROR]

    def line(self) -> str:
        """How the questions ended, in one line."""
        told = ", ".join(f"{count:,} {status}" for status, count in self.counts.statuses.items() if count)
        return f"{told or 'no questions'}; {self.counts.asked:,} asked now, {self.counts.stored:,} stored before"


def evaluate(job: Job) -> Outcome:
    """Answers what the store under the output folder lacks, then scores all of it and writes the result beside it.

    Raises InputError, before anything runs, for a model or a benchmark that is not at hand.
    """
    benchmark = load_benchmark(job.benchmark, job.data_root)
    model = load_model(job.model, job.model_args, job.backend)
    items = benchmark.items[: job.limit]
    output = job.output or Path("out") / benchmark.name / folder_name(model.name)
    with closing(model), Store(output / RESPONSES) as store:
        counts = run(model, items, job.modes, store, shard=job.shard, batch_size=job.batch_size)
    card = None
    if job.shard == WHOLE:
        card = write_results(output, model, items, counts.responses, _about(job, benchmark))
    return Outcome(counts, card, output)


def _about(job: Job, benchmark: Benchmark) -> About:
    config: dict[str, Any] = {
        "model_args": dict(job.model_args),
        "backend": job.backend,
        "batch_size": job.batch_size,
        "limit": job.limit,
        "modes": list(job.modes),
    }
    return About(benchmark.name, benchmark.manifest_hash, len(benchmark.items), config)

"""One evaluation from names to files: a model on a benchmark, answered, scored and written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from apollobench.benchmark import Benchmark, load_benchmark
from apollobench.evaluate.accounting import record, total
from apollobench.evaluate.identity import remember
from apollobench.evaluate.layout import About
from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.results import write_results
from apollobench.evaluate.run import run
from apollobench.evaluate.score import Scorecard
from apollobench.evaluate.shard import WHOLE
from apollobench.evaluate.store import Store, Where
from apollobench.models.base import Metered, Model, Subject
from apollobench.models.registry import folder_name, load_model
from apollobench.models.usage import Prices, Usage
from apollobench.redact import without_credentials
from apollobench.types import Item, Mode, Status

RESPONSES = "responses"


@dataclass(frozen=True, slots=True)
class Job:
    """What to evaluate. backend: None for the roster's own. limit: only the first items.

    output: None for `out/` with the names of benchmark and model. responses: the store, None for one in `output`.
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
    responses: Where | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a job. card: None for one shard of several, which is answered and not scored.

    usage: of all runs into `output`, with the prices given now; None for a model that tells none.
    """

    counts: RunCounts
    card: Scorecard | None
    output: Path
    usage: tuple[Usage, Prices] | None = None

    @property
    def errors(self) -> int:
        """Questions that ended with an error."""
        return self.counts.statuses[Status.ERROR]

    def line(self) -> str:
        """How the questions ended, in one line."""
        told = ", ".join(f"{count:,} {status}" for status, count in self.counts.statuses.items() if count)
        return f"{told or 'no questions'}; {self.counts.asked:,} asked now, {self.counts.stored:,} stored before"


class Crew(Protocol):
    """Who does a job: the model in this process, or replicas of it elsewhere."""

    @property
    def subject(self) -> Subject: ...

    def run(self, items: Sequence[Item], store: Store) -> RunCounts:
        """Answers what the store lacks, as `run` does."""
        ...

    def spent(self) -> tuple[Usage, Prices] | None:
        """What this run has used; None for a model that tells none."""
        ...


Hire = Callable[[Job], AbstractContextManager[Crew]]


@dataclass(frozen=True, slots=True)
class Alone:
    """A crew of one: the model in this process."""

    subject: Model
    job: Job

    def run(self, items: Sequence[Item], store: Store) -> RunCounts:
        return run(self.subject, items, self.job.modes, store, shard=self.job.shard, batch_size=self.job.batch_size)

    def spent(self) -> tuple[Usage, Prices] | None:
        return (self.subject.usage, self.subject.prices) if isinstance(self.subject, Metered) else None


@contextmanager
def alone(job: Job) -> Iterator[Alone]:
    with closing(load_model(job.model, job.model_args, job.backend)) as model:
        yield Alone(model, job)


def evaluate(job: Job, hire: Hire = alone) -> Outcome:
    """Answers what the store under the output folder lacks, then scores all of it and writes the result beside it.

    hire: makes the crew. Raises InputError, before anything runs, for a model or a benchmark that is not at hand.
    """
    benchmark = load_benchmark(job.benchmark, job.data_root)
    items = benchmark.items[: job.limit]
    with hire(job) as crew:
        model = crew.subject
        output = output_folder(job, benchmark, model.name)
        try:
            with Store(job.responses or output / RESPONSES, model=model.name) as store:
                remember(output, model)
                counts = crew.run(items, store)
        finally:
            spent = crew.spent()
            if spent:
                record(output, spent[0])
    usage = (total(output), spent[1]) if spent else None
    card = None
    if job.shard == WHOLE:
        card = write_results(output, model, items, counts.responses, _about(job, benchmark, usage))
    return Outcome(counts, card, output, usage)


def output_folder(job: Job, benchmark: Benchmark, model: str) -> Path:
    """Where the result of the model called `model` goes."""
    return job.output or Path("out") / benchmark.name / folder_name(model)


def _about(job: Job, benchmark: Benchmark, usage: tuple[Usage, Prices] | None) -> About:
    config: dict[str, Any] = {
        "model_args": {name: without_credentials(value) for name, value in job.model_args.items()},
        "backend": job.backend,
        "batch_size": job.batch_size,
        "limit": job.limit,
        "modes": list(job.modes),
    }
    return About(benchmark.name, benchmark.manifest_hash, len(benchmark.items), config, _told(usage))


def _told(usage: tuple[Usage, Prices] | None) -> dict[str, Any] | None:
    """What was used, as results.json says it; `price` is null where the price of a token was not given."""
    if usage is None:
        return None
    used, prices = usage
    return {**asdict(used), "price": prices.of(used.prompt_tokens, used.completion_tokens)}

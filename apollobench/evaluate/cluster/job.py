"""One evaluation on a cluster, as `evaluate.job` wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from apollobench.evaluate.cluster.connection import connected
from apollobench.evaluate.cluster.options import ClusterOptions
from apollobench.evaluate.cluster.places import watched
from apollobench.evaluate.cluster.team import Team
from apollobench.evaluate.job import Job
from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.store import Store
from apollobench.models.base import Subject
from apollobench.models.registry import load_model
from apollobench.models.usage import Prices, Usage
from apollobench.types import Item


@dataclass(frozen=True)
class ClusterCrew:
    """Satisfies `evaluate.job.Crew`: a team that has begun, and the loop in which it works."""

    subject: Subject
    team: Team
    loop: asyncio.Runner
    job: Job

    def run(self, items: Sequence[Item], store: Store) -> RunCounts:
        return self.loop.run(self._run(items, store))

    async def _run(self, items: Sequence[Item], store: Store) -> RunCounts:
        async with watched(item.video.path for item in items) as places:
            return await self.team.run(items, self.job.modes, store, places, shard=self.job.shard)

    def spent(self) -> tuple[Usage, Prices] | None:
        return self.loop.run(self.team.replicas.usage())


@contextmanager
def on_cluster(job: Job, options: ClusterOptions) -> Iterator[ClusterCrew]:
    """Replicas of the job's model on a cluster, the first of them loaded.

    Raises InputError as `connected` does, and when no replica can be loaded.
    """
    load = partial(load_model, job.model, job.model_args, job.backend)
    with connected(options) as places, asyncio.Runner() as loop:
        team = Team(job.model, load, options.gpus, lambda: places, job.batch_size)
        try:
            yield ClusterCrew(loop.run(team.replicas.subject()), team, loop, job)
        finally:
            loop.run(team.replicas.close())

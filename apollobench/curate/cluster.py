"""Asks every model of a curation every question on a cluster: as many models at a time as it has room for.

A model that is done leaves its room to those at work. One process drives it all and writes the store.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial

from apollobench.curate.panel import Run
from apollobench.evaluate.cluster.connection import connected
from apollobench.evaluate.cluster.options import ClusterOptions
from apollobench.evaluate.cluster.places import Places, watched
from apollobench.evaluate.cluster.team import Team
from apollobench.evaluate.store import Store, Where
from apollobench.models.registry import choose, load_model
from apollobench.types import Item, Mode


def run_panel_on_cluster(
    models: Sequence[str],
    items: Sequence[Item],
    modes: Sequence[Mode],
    directory: Where,
    *,
    options: ClusterOptions,
    model_args: Mapping[str, str] | None = None,
) -> list[Run]:
    """The answers of `models`, in their order; `directory` is the store.

    Raises InputError for unknown models, as `connected` does, and for a model that no node can load.
    """
    arguments = dict(model_args or {})
    for model in models:
        choose(model, arguments)
    with connected(options) as room, Store(directory) as store:
        return asyncio.run(_Panel(models, items, modes, store, options.gpus, room, arguments).run())


class _Panel:
    """The models that are at work, and their room on the cluster."""

    def __init__(
        self,
        models: Sequence[str],
        items: Sequence[Item],
        modes: Sequence[Mode],
        store: Store,
        gpus: float,
        room: int,
        arguments: Mapping[str, str],
    ) -> None:
        self.models, self.items, self.modes, self.store = models, items, modes, store
        self.gpus, self.room, self.arguments = gpus, room, arguments
        self.unfinished = len(models)

    @property
    def at_work(self) -> int:
        """Models at work at a time."""
        return max(1, min(self.room, self.unfinished))

    async def run(self) -> list[Run]:
        turns = asyncio.Semaphore(self.at_work)
        async with watched(item.video.path for item in self.items) as places:
            asking = [asyncio.create_task(self._one(model, turns, places)) for model in self.models]
            try:
                return await asyncio.gather(*asking)
            finally:
                for task in asking:
                    task.cancel()

    async def _one(self, model: str, turns: asyncio.Semaphore, places: Places) -> Run:
        async with turns:
            start = time.monotonic()
            load = partial(load_model, model, self.arguments)
            team = Team(model, load, self.gpus, lambda: max(1, self.room // self.at_work))
            try:
                counts = await team.run(self.items, self.modes, self.store, places, teams=self.at_work)
                run = Run.of(await team.replicas.subject(), counts, time.monotonic() - start)
            finally:
                self.unfinished -= 1
                await team.replicas.close()
            print(run.line(), file=sys.stderr, flush=True)
            return run

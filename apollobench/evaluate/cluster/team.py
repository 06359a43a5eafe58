"""One model on a cluster: its units go through decoding and answering, and what is lost on the way is done again.

A unit is a video with all its questions in all modes, or several such until they make a batch. Lanes, two for each CPU
and each replica, take one unit at a time from decoding to the store. So no more than that is in flight, a slow node
holds up only the units it has, and what is lost with a worker or a node are units of single lanes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import ray
from ray.exceptions import RayError

from apollobench.evaluate.ask import Settled
from apollobench.evaluate.cluster.places import Places
from apollobench.evaluate.cluster.replicas import TRIES, Replicas, told
from apollobench.evaluate.cluster.worker import Laid, lay_out
from apollobench.evaluate.ledger import Ledger, RunCounts
from apollobench.evaluate.prepare import Work, refused
from apollobench.evaluate.shard import WHOLE
from apollobench.evaluate.store import Store
from apollobench.models.base import Model, Sketch
from apollobench.types import Item, Mode, Response, Video

PAUSE = 0.5  # seconds before a lost unit is tried again, doubled every time
Group = tuple[Video, list[Item]]


class Team:
    """The replicas of a model and the work they are given. lost: videos that had to be done again.

    batch_size: as of `evaluate.run.run`; other parameters as of `Replicas`.
    """

    def __init__(
        self, name: str, load: Callable[[], Model], gpus: float, wanted: Callable[[], int], batch_size: int = 1
    ) -> None:
        self.replicas = Replicas(name, load, gpus, wanted)
        self.lost: list[str] = []
        self._batch_size = batch_size

    async def run(
        self,
        items: Sequence[Item],
        modes: Sequence[Mode],
        store: Store,
        places: Places,
        *,
        shard: tuple[int, int] = WHOLE,
        teams: int = 1,
        progress: bool = True,
    ) -> RunCounts:
        """Answers what `store` lacks, as `evaluate.run.run` does. teams: how many share the cluster's CPUs.

        Raises InputError when no replica can be loaded, and when the store cannot be written.
        """
        subject = await self.replicas.subject()
        with closing(Ledger(subject, items, modes, store, shard=shard, progress=progress)) as ledger:
            way = _Way(self, subject, ledger, places)
            units = in_units(ledger.groups, len(ledger.modes), self._batch_size)
            width = 2 * max(1, places.cpus // teams) + self.replicas.room
            lanes = [asyncio.create_task(way.lane(units)) for _ in range(width)]
            try:
                await asyncio.gather(*lanes)
            finally:
                for lane in lanes:
                    lane.cancel()
        return ledger.counts()


def in_units(groups: Mapping[Video, list[Item]], modes: int, batch_size: int) -> Iterator[list[Group]]:
    """The videos in order, as many to a unit as it takes to reach `batch_size` questions."""
    unit: list[Group] = []
    for group in groups.items():
        unit.append(group)
        if modes * sum(len(items) for _, items in unit) >= batch_size:
            yield unit
            unit = []
    if unit:
        yield unit


class _Way:
    """What happens to a unit."""

    def __init__(self, team: Team, subject: Sketch, ledger: Ledger, places: Places) -> None:
        self.team, self.subject, self.ledger, self.places = team, subject, ledger, places
        self._held: dict[str, dict[str, Response]] = {item.id: {} for item in ledger.items}
        for key, response in ledger.store.responses.items():
            if response.model == subject.name and response.item in self._held:
                self._held[response.item][key] = response

    async def lane(self, units: Iterator[list[Group]]) -> None:
        for unit in units:
            for settled in await self._settled(unit):
                self.ledger.keep(settled)

    async def _settled(self, unit: list[Group], tries: int = TRIES) -> list[Settled]:
        """What comes of a unit. One that is lost is done again, video by video, and is an error in the end."""
        try:
            return await self._once(unit)
        except RayError as error:
            reason = told(error)
        if tries == 1:
            return [self._given_up(items, f"the worker was lost {TRIES} times: {reason}") for _, items in unit]
        names = [video.id for video, _ in unit]
        self.team.lost += names
        print(f"note: {self.subject.name}: {', '.join(names)} is done again ({reason})", file=sys.stderr, flush=True)
        await asyncio.sleep(PAUSE * 2 ** (TRIES - tries))
        return [settled for group in unit for settled in await self._settled([group], tries - 1)]

    async def _once(self, unit: list[Group]) -> list[Settled]:
        laid = await asyncio.gather(*(self._lay_out(video, items) for video, items in unit))
        asking = [(known, work) for known, work in laid if known.asks]
        made: list[Settled] = []
        if asking:
            async with self.team.replicas.one(near=asking[0][0].node) as replica:
                made = await replica.answer.remote(*(work for _, work in asking))
        return [*(known.settled for known, _ in laid), *made]

    async def _lay_out(self, video: Video, items: list[Item]) -> tuple[Laid, ray.ObjectRef[Work]]:
        held = {key: response for item in items for key, response in self._held[item.id].items()}
        with self.places.near(video.path) as node:
            known, work = _lay_out.options(scheduling_strategy=node).remote(
                video, items, self.ledger.modes, self.subject, held
            )
            return await known, work

    def _given_up(self, items: list[Item], reason: str) -> Settled:
        return Settled(failed=[r for mode in self.ledger.modes for r in refused(items, mode, self.subject, reason)])


_lay_out: Any = ray.remote(num_cpus=1, max_retries=0, num_returns=2)(lay_out)

"""A real Ray cluster of two nodes on this machine, and runs on it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.store import Store
from apollobench.models.base import Model
from apollobench.types import Item, Mode

from .. import eyes
from . import noted

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before Ray starts: no test may reach the network
os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  # or workers starve where other programs run

from ray import cloudpickle
from ray.cluster_utils import Cluster

from apollobench.evaluate.cluster.connection import connected
from apollobench.evaluate.cluster.options import ClusterOptions
from apollobench.evaluate.cluster.places import watched
from apollobench.evaluate.cluster.team import Team

for module in (eyes, noted):  # which workers could not import
    cloudpickle.register_pickle_by_value(module)

HEAD = {"num_gpus": 1, "include_dashboard": False}  # no GPU that anything computes on, but one to be given out
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    started = Cluster(initialize_head=True, head_node_args=NODE | HEAD)
    started.add_node(**NODE)
    yield started
    started.shutdown()


@dataclass(frozen=True)
class Ran:
    """A run on the cluster. lost: videos that were done again."""

    counts: RunCounts
    lost: tuple[str, ...]


Run = Callable[..., Ran]


@pytest.fixture
def run_on(cluster: Cluster) -> Run:
    """Runs a model that the given function loads."""

    def run(
        load: Callable[[], Model],
        items: Sequence[Item],
        modes: Sequence[Mode],
        folder: Path,
        batch_size: int = 1,
        gpus: float = 0.0,
    ) -> Ran:
        async def all_of_it(room: int) -> Ran:
            team = Team("test", load, gpus, lambda: room, batch_size)
            async with watched(item.video.path for item in items) as places:
                try:
                    with Store(folder) as store:
                        counts = await team.run(items, modes, store, places)
                finally:
                    await team.replicas.close()
            return Ran(counts, tuple(team.lost))

        with connected(ClusterOptions(cluster.address, gpus)) as room:
            return asyncio.run(all_of_it(room))

    return run

"""Where videos lie and are decoded: on the nodes that hold the file, each with about as many as its CPUs can take.

On shared storage every node holds every file; on disks of their own each holds some. Nodes are asked, not told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from apollobench.evaluate.cluster.connection import Node, nodes
from apollobench.evaluate.cluster.worker import present

LOOK_EVERY = 5.0  # seconds


class Places:
    """Which nodes hold which of `paths`, kept up to date by `look`."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = ray.put(list(dict.fromkeys(paths)))
        self._nodes: dict[str, Node] = {}
        self._held: dict[str, frozenset[Path]] = {}
        self._busy: Counter[str] = Counter()
        self._shunned: set[str] = set()

    @property
    def cpus(self) -> int:
        """Of all nodes that are up."""
        return int(sum(node.cpus for node in self._nodes.values()))

    async def look(self) -> None:
        """Asks the nodes that have come which files they hold, and forgets those that are gone."""
        up = {node.id: node for node in nodes()}
        new = [name for name in up if name not in self._held]
        answers = await asyncio.gather(*map(self._ask, new))
        self._held |= {name: held for name, held in zip(new, answers, strict=True) if held is not None}
        self._held = {name: held for name, held in self._held.items() if name in up}
        self._nodes = {name: up[name] for name in self._held}
        self._shunned.clear()

    @contextmanager
    def near(self, path: Path) -> Iterator[NodeAffinitySchedulingStrategy]:
        """Where to decode `path`: counts there for as long as it takes. A node that fails comes last until a look.

        Should the node be gone, Ray takes another one.
        """
        node = best_node(path, self._nodes, self._held, self._busy, self._shunned)
        self._busy[node] += 1
        try:
            yield NodeAffinitySchedulingStrategy(node, soft=True)
        except RayError:
            self._shunned.add(node)
            raise
        finally:
            self._busy[node] -= 1

    async def _ask(self, node: str) -> frozenset[Path] | None:
        """The files that a node holds; None when it does not answer."""
        there = NodeAffinitySchedulingStrategy(node, soft=False)
        try:
            held: frozenset[Path] = await _present.options(scheduling_strategy=there).remote(self._paths)
        except RayError:
            return None
        return held


def best_node(
    path: Path,
    nodes: Mapping[str, Node],
    held: Mapping[str, Collection[Path]],
    busy: Mapping[str, int],
    shunned: Collection[str] = (),
) -> str:
    """Of the nodes that hold the file, or of all where none does, the one with the least to do for its CPUs.

    held: files by node. busy: videos being decoded by node. shunned: nodes to take only where all are.
    """
    holders = [name for name in nodes if path in held[name]] or list(nodes)
    return min(holders, key=lambda name: (name in shunned, busy[name] / nodes[name].cpus))


@asynccontextmanager
async def watched(paths: Iterable[Path]) -> AsyncIterator[Places]:
    """Places that have looked and go on looking."""
    places = Places(paths)
    await places.look()
    watch = asyncio.create_task(_watch(places))
    try:
        yield places
    finally:
        watch.cancel()


async def _watch(places: Places) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY)
        await places.look()


_present: Any = ray.remote(num_cpus=0, max_retries=0)(present)

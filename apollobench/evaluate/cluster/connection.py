"""This process as the driver of a Ray cluster, and what the cluster's nodes offer."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from apollobench.errors import InputError
from apollobench.evaluate.cluster.options import ClusterOptions

ANSWERS_IN = 10.0  # seconds


@dataclass(frozen=True, slots=True)
class Node:
    """A machine that is up and may decode. cpus, gpus: how many it offers to Ray."""

    id: str
    cpus: float
    gpus: float


def require_ray() -> None:
    """Raises InputError when Ray is not installed."""
    try:
        import ray  # noqa: F401
    except ImportError as error:
        raise InputError("--engine ray needs Ray, which is not installed: pip install 'apollobench[ray]'") from error


@contextmanager
def connected(options: ClusterOptions) -> Iterator[int]:
    """Connects this process; gives how many replicas can be at work at a time, of all models together.

    Raises InputError when no cluster answers, and when a replica fits on no node.
    """
    import ray

    try:
        _knock(options.address)
        ray.init(options.address, log_to_driver=False, logging_level=logging.WARNING)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"no Ray cluster at --address {options.address} ({_first_line(error)}); start one with `ray start --head`, "
            "join other machines with `ray start --address HOST:PORT`, and run this command on one of them"
        ) from error
    try:
        yield places_for(nodes(), options)
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raises OSError where nothing answers at HOST:PORT; Ray itself would try for minutes."""
    if address != "auto":
        host, _, port = address.rpartition(":")
        socket.create_connection((host, int(port)), timeout=ANSWERS_IN).close()


def nodes() -> list[Node]:
    """The nodes that are up and have at least one CPU for tasks."""
    import ray

    found = [Node(told["NodeID"], _amount(told, "CPU"), _amount(told, "GPU")) for told in ray.nodes() if told["Alive"]]
    return [node for node in found if node.cpus >= 1]


def places_for(found: list[Node], options: ClusterOptions) -> int:
    """How many replicas can be at work at a time. Raises InputError when none can."""
    if not found:
        raise InputError("no node of the cluster offers a CPU, and videos are decoded on CPUs; start one that does")
    fitting = sum(int(node.gpus / options.gpus) for node in found) if options.gpus else len(found)
    if not fitting:
        raise InputError(
            f"a replica needs {options.gpus:g} GPUs, and the nodes of the cluster have "
            f"{', '.join(f'{node.gpus:g}' for node in found)}; lower --num_gpus, or start nodes that have them"
        )
    return options.replicas or fitting


def _amount(told: dict[str, Any], resource: str) -> float:
    return float(told["Resources"].get(resource, 0.0))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)

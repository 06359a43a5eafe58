"""How a run uses a cluster; Ray is not needed to say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """address: HOST:PORT of the cluster's head, or `auto` for the cluster that this machine belongs to.

    gpus: of each replica of a model; a part of one lets replicas share it. replicas: of all models together at a time;
    None for as many as the GPUs allow or, without GPUs, one on every node.
    """

    address: str = "auto"
    gpus: float = 0.0
    replicas: int | None = None

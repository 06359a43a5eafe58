"""The options that say where models run, the same for every command that runs them."""

from __future__ import annotations

from typing import Annotated

import typer

Engine = Annotated[str, typer.Option("--engine", help="local: this machine; ray: a cluster, see docs/cluster.md.")]
Address = Annotated[
    str | None, typer.Option("--address", help="HOST:PORT of the cluster, or auto: the one of this machine. [auto]")
]
GpusEach = Annotated[
    float | None, typer.Option("--num_gpus", min=0, help="GPUs of each replica of a model on the cluster. [0]")
]
Replicas = Annotated[
    int | None,
    typer.Option("--replicas", min=1, help="Replicas at a time. [as many as GPUs allow, else one per node]"),
]

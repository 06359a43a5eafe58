"""One process or many: who takes part, what they agree on, and how a model is spread over them (FSDP2).

Any launcher will do that sets RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT (torchrun, accelerate launch).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

from apollobench.training.learner import Learner, blocks


@dataclass(frozen=True, slots=True)
class Team:
    """This process (`rank`, on `device`) among `world` processes. Every method is to be called by all of them."""

    rank: int
    world: int
    device: torch.device

    @property
    def main(self) -> bool:
        return self.rank == 0

    def total(self, values: Sequence[float]) -> list[float]:
        """The sum over processes of each value."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def most(self, value: int) -> int:
        """The largest value of any process."""
        return int(self._reduced([value], dist.ReduceOp.MAX)[0])

    def gather(self, values: Sequence[Any]) -> list[Any]:
        """The values of all processes, in the order of their ranks."""
        lists: list[Any] = [None] * self.world
        if self.world == 1:
            return list(values)
        dist.all_gather_object(lists, list(values))
        return [value for each in lists for value in each]

    def wait(self) -> None:
        if self.world > 1:
            dist.barrier()

    def _reduced(self, values: Sequence[float], how: Any) -> list[float]:
        if self.world == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor, how)
        return tensor.tolist()


@contextmanager
def team() -> Iterator[Team]:
    """The processes that the launcher started, each with a GPU of its own where there are any."""
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
        torch.cuda.set_device(device)
    if world > 1:
        dist.init_process_group("gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl")
    try:
        yield Team(rank, world, device)
    finally:
        if world > 1:
            dist.destroy_process_group()


def spread(learner: Learner, members: Team, precision: str) -> None:
    """Move the model to the device; among several processes each keeps a part of every tensor.

    In bfloat16 weights are gathered in that type, and kept and reduced in float32.
    """
    if members.world == 1:
        learner.to(members.device)
        return
    mesh = init_device_mesh(members.device.type, (members.world,))
    half = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    policy = half if precision == "bfloat16" else MixedPrecisionPolicy()
    model = learner.model
    for unit in (*blocks(model), *([model.connector] if model.connector else ()), learner):
        fully_shard(unit, mesh=mesh, mp_policy=policy)

"""Files that training leaves for later: each is there as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """An open file that appears under its name when it is complete."""
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        yield file
    part.replace(path)


@dataclass(frozen=True, slots=True)
class Part:
    """A trained part. weights: its state. minutes: that its steps took, in all runs. machine: where they ended."""

    weights: dict[str, Any]
    minutes: float
    machine: str

    def keep(self, path: Path) -> None:
        with whole(path) as file:
            torch.save({"weights": self.weights, "minutes": self.minutes, "machine": self.machine}, file)

    @classmethod
    def read(cls, path: Path) -> Part:
        """From a file that any device wrote; the weights are on the CPU."""
        return cls(**torch.load(path, map_location="cpu", weights_only=True))

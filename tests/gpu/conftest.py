"""Everything here asks a real GPU; without one it skips, visibly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import Item

FIRST_SEED = 2_600_000  # held out: no shipped model was trained on these


@pytest.fixture(scope="session", autouse=True)
def gpu() -> torch.device:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    torch.backends.cudnn.allow_tf32 = False  # else convolutions in float32 keep 10 bits of 23
    return torch.device("cuda", 0)


@pytest.fixture(scope="session")
def items(gpu: torch.device, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Item]:
    """The questions of four rendered videos."""
    folder: Path = tmp_path_factory.mktemp("gpu") / "world"
    make_world(folder, 4, FIRST_SEED, workers=2, progress=False)
    return read_world(folder)

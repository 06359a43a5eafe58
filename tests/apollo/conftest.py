"""Small models made on the spot, and the golden numbers of the released computation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

torch.set_num_threads(1)


class Golden(NamedTuple):
    """One golden file: weights by published name, inputs and results (float32), configuration."""

    weights: dict[str, Tensor]
    values: dict[str, Tensor]
    config: dict[str, Any]


@pytest.fixture(scope="session")
def golden_folder(shared: Path) -> Path:
    return shared / "data" / "apollo_golden"


@pytest.fixture(scope="session")
def golden(golden_folder: Path) -> Callable[[str], Golden]:
    def read(name: str) -> Golden:
        tensors = load_file(golden_folder / f"{name}.safetensors")
        config = golden_folder / f"{name}.json"
        values = {k: x.float() if x.dtype == torch.float16 else x for k, x in tensors.items()}
        return Golden(
            {k.removeprefix("weights."): x for k, x in values.items() if k.startswith("weights.")},
            {k: x for k, x in values.items() if not k.startswith("weights.")},
            json.loads(config.read_text()) if config.exists() else {},
        )

    return read

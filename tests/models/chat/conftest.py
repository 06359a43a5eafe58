"""One tiny checkpoint per family, and real video files to ask about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from apollobench.types import Item

from ...evaluate import eyes
from . import families

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a family's checkpoint by its name; each is written once and must not be changed."""
    written: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in written:
            written[family] = families.write(getattr(families, family), tmp_path_factory.mktemp(family))
        return written[family]

    return folder


@pytest.fixture(scope="session")
def questions(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Two videos with three questions each."""
    return eyes.make_world(tmp_path_factory.mktemp("chat") / "world", 2)

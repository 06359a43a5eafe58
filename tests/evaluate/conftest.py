"""One world of real video files for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from apollobench.types import Item

from . import eyes


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 12 video files with 3 questions each."""
    folder = tmp_path_factory.mktemp("eyes") / "world"
    eyes.make_world(folder, 12)
    return folder


@pytest.fixture
def items(world: Path) -> list[Item]:
    return eyes.read_world(world)

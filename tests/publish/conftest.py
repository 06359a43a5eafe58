"""A benchmark from three sources: one that may not be passed on, one that may, and one of somebody's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from .made import SOURCES, World, make_benchmark


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_benchmark(tmp_path / "world", SOURCES)

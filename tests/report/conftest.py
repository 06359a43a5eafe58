"""Results as an evaluation writes them, of models that answer as a test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.evaluate.results import write_results
from apollobench.types import Item

from ..made import ABOUT, Named, responses, world

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, right: Callable[[int], bool], items: list[Item] | None = None, **about: object) -> Path:
        items = items or world()
        write_results(tmp_path / name, Named(name), items, responses(name, items, right), replace(ABOUT, **about))
        return tmp_path / name

    return written

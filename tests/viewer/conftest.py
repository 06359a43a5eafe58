"""Runs that the tests of the viewer look at, made once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from apollobench.evaluate.store import Store
from apollobench.types import Sampling

from . import runs


@dataclass(frozen=True, slots=True)
class Place:
    """first, second: results on the benchmark. The panel of the benchmark is one, two; three was held out."""

    root: Path
    benchmark: Path
    first: Path
    second: Path


def make(root: Path) -> Place:
    items = runs.world(root)
    made = runs.benchmark(root, items[:10], items[10:])
    panel = (
        runs.Model("one"),
        runs.Model("two", Sampling("clips", max_clips=3)),
        runs.Model("three", modes=runs.MODES[:2]),
    )
    with Store(root / "benchmark" / "responses") as store:
        for model in panel:
            store.append(*runs.answers(model, items, runs.mixed if model.name == "one" else runs.right))
    first = runs.result(root / "first", made, runs.Model("apollo-one"), runs.mixed)
    second = runs.result(
        root / "second", made, runs.Model("apollo-two", Sampling("fps", frames=8, fps=1.0)), runs.right
    )
    return Place(root, root / "benchmark", first, second)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make(tmp_path_factory.mktemp("viewer"))

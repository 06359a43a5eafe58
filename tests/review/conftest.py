"""A benchmark to review, made once, and a ledger in an empty folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from apollobench.review.ledger import NAME, Ledger

from .made import make_benchmark


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_benchmark(tmp_path_factory.mktemp("made"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """With two reviewers and an adjudicator."""
    with closing(Ledger(tmp_path / NAME)) as opened:
        for name, role in (("ada", "reviewer"), ("ben", "reviewer"), ("jo", "adjudicator")):
            opened.join(name, role)
        yield opened

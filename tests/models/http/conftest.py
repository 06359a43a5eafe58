"""A server of its own for every test; a proxy of the surroundings must not come between."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .oracle import Oracle, oracle


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with oracle() as running:
        yield running

"""The command against a hub: what is asked, what is transferred, and what lies in place afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from .lab import NAMES, VIDEOMME, Ran
from .hub_server import hub

Fetch = Callable[..., Ran]


def test_all_of_a_source(fetch: Fetch, repository: Path, videos: Mapping[str, Path], tmp_path: Path) -> None:
    with hub({VIDEOMME: repository}) as server:
        refused = fetch(server.url, "--sources", "videomme")
        print(refused, server.sent)
        asked = server.total
        done = fetch(server.url, "--sources", "videomme", "--yes")
        print(done, server.sent, {n: p.stat().st_size for n, p in videos.items()})
    assert 0

"""Six real videos, a data set that holds them, and a process that fetches them into tmp_path/data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from apollobench.sources.synthetic.make import make_video

from . import lab


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name -> a rendered H.264 file."""
    folder = tmp_path_factory.mktemp("rendered")
    for seed in range(len(lab.NAMES)):
        make_video(folder, seed)
    return dict(zip(lab.NAMES, sorted(folder.glob("*.mp4")), strict=True))


@pytest.fixture
def repository(tmp_path: Path, videos: dict[str, Path]) -> Path:
    return lab.publish(tmp_path / "hub" / "Video-MME", videos)


@pytest.fixture
def fetch(tmp_path: Path) -> Callable[..., lab.Ran]:
    """`apollobench fetch` against a server."""

    def run(endpoint: str, *given: str | Path, **more: str) -> lab.Ran:
        environment = lab.environment(tmp_path / "home", endpoint, **more)
        return lab.run([*given, "--data_root", tmp_path / "data"], environment)

    return run

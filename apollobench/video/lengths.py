"""How long videos are, many at a time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from apollobench.errors import InputError
from apollobench.video.probe import probe

AT_ONCE = 8


def video_lengths(paths: Iterable[Path]) -> dict[Path, float]:
    """Seconds of each of these files that is there and can be read."""

    def seconds(path: Path) -> float | None:
        try:
            return probe(path).duration
        except InputError:
            return None

    each = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = zip(each, pool.map(seconds, each), strict=True)
        return {path: value for path, value in found if value is not None}

"""The one file of an item that may be shown, and where in it there is what to look at."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.review.subject import Subject
from apollobench.types import Sampling
from apollobench.video.plan import plan
from apollobench.video.probe import probe


class NotHereError(InputError):
    """An item or a file that there is not."""


class ForbiddenError(InputError):
    """A file that lies elsewhere than the benchmark's media."""


def video_file(subject: Subject, item: str) -> Path:
    """The video of an item of the subject, all links resolved. Raises NotHereError or ForbiddenError."""
    named = subject.items[item].video.path
    if not named.exists():
        raise NotHereError(f"{item}: its video is not at {named}; say where the videos are with --data_root DIR")
    path = named.resolve()
    if not path.is_file() or not any(path.is_relative_to(folder) for folder in subject.folders):
        raise ForbiddenError(
            f"{item}: its video is a link to {path}, outside {subject.folders[0]}; if that is meant, start the review "
            f"with --linked_media {path.parent}"
        )
    return path


def timeline(subject: Subject, item: str) -> dict[str, Any]:
    """In seconds: when each frame appears, the center frame, and the frames that models saw; or the file's problem.

    Raises as `video_file` does.
    """
    path = video_file(subject, item)
    stat = path.stat()
    seen = [{"models": list(s.models), "times": list(s.times)} for s in subject.seen.get(item, ())]
    try:
        frames, center, duration = _probed(path, stat.st_size, stat.st_mtime_ns)
    except InputError as error:
        return {"frames": [], "center": None, "duration": 0, "seen": seen, "problem": str(error)}
    return {"frames": frames, "center": center, "duration": duration, "seen": seen, "problem": ""}


@lru_cache(maxsize=64)
def _probed(path: Path, size: int, modified: int) -> tuple[list[float], float, float]:
    found = probe(path)
    center = plan(found, Sampling(kind="center", clip_frames=1)).timestamps[0]
    return [round(float(time), 6) for time in found.times], round(center, 6), found.duration

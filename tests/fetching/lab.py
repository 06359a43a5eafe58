"""A data set as on the hub, a benchmark of a part of it, and the command as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apollobench.benchmark import Entry, write_benchmark
from apollobench.sources import load_items

from ..sources import made

VIDEOMME, NAMES = "lmms-eval/Video-MME", tuple(f"yt{i}" for i in range(6))
SUBTITLE = "1\n00:00:01,000 --> 00:00:02,000\nHello\n"
RECIPE = {"text": "sources:\n  - {name: videomme, options: {split: test}}\n"}


@dataclass(frozen=True)
class Ran:
    rc: int
    out: str
    err: str


def publish(folder: Path, videos: Mapping[str, Path]) -> Path:
    """Video-MME as on the hub: annotations, videos in two archives (the second packs them), subtitles of one."""
    rows = [{**made.VIDEOMME, "videoID": name, "question_id": f"{name}-1"} for name in NAMES]
    made.write(folder / "videomme" / "test-00000-of-00001.parquet", rows)
    for number, names, method in ((1, NAMES[:3], zipfile.ZIP_STORED), (2, NAMES[3:], zipfile.ZIP_DEFLATED)):
        make_zip(folder / f"videos_chunked_0{number}.zip", {f"data/{name}.mp4": videos[name] for name in names}, method)
    with zipfile.ZipFile(folder / "subtitle.zip", "w") as archive:
        archive.writestr("subtitle/yt0.srt", SUBTITLE)
    return folder


def make_zip(path: Path, members: Mapping[str, Path], method: int = zipfile.ZIP_STORED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, file in members.items():
            archive.write(file, name)
    return path


def make_tar(path: Path, members: Mapping[str, Path], mode: Any = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, file in members.items():
            archive.add(file, name)
    return path


def curated(folder: Path, annotations: Path, names: Sequence[str]) -> Path:
    """A benchmark of the items of some videos, made on a machine where they lie under `elsewhere`."""
    items = load_items("videomme", {"data": str(annotations)}, folder.parent / "elsewhere")
    chosen = [replace(item, category="OCR") for item in items if item.video.path.stem in names]
    elsewhere = folder.parent / "elsewhere" / "videomme" / "data"
    elsewhere.mkdir(parents=True, exist_ok=True)
    for name in names:
        (elsewhere / f"{name}.mp4").touch()
    about = {"name": "part", "recipe": RECIPE}
    made_there = write_benchmark(folder, [Entry(item) for item in chosen], [], about, "# part\n").directory
    for name in names:
        (elsewhere / f"{name}.mp4").unlink()
    return made_there


def command(*given: str | Path) -> list[str]:
    return [sys.executable, "-m", "apollobench", "fetch", *map(str, given)]


def environment(home: Path, endpoint: str, **more: str) -> dict[str, str]:
    """A process with nothing of this machine's hub: its own cache, and the server as the hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "APOLLOBENCH_"))}
    own = {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1,localhost", "HF_HUB_DISABLE_XET": "1"}
    return {**kept, **own, "OMP_NUM_THREADS": "1", **more}


def run(given: Sequence[str | Path], environment: Mapping[str, str], folder: Path | None = None) -> Ran:
    done = subprocess.run(
        command(*given), cwd=folder, env={**environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    return Ran(done.returncode, done.stdout, done.stderr)

"""Time a check-up of many short files, with a process per core: files per second of the whole command.

    python perf/doctor.py                # about half a minute on two cores

Files of 10 seconds (H.264, 30 fps, x264 as it comes) in two sizes, each with keyframes every second and only at the
start. Every file is hashed, probed, and its center frame decoded. Starting the workers is in the time.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from decode import natural

from apollobench.doctor.checkup import check_up

FPS, SECONDS = 30, 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200, help="files of each kind (default 200)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    args = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for width, height, gop in ((320, 240, 30), (320, 240, 300), (640, 360, 30), (640, 360, 300)):
            name = f"{width} x {height}, GOP {gop}"
            rows.append(row(name, Path(folder) / f"{width}-{gop}", width, height, gop, args.files, args.workers))
    print("| files | size | files/s | CPU per file | bar | |")
    print("|---|---:|---:|---:|---|---|")
    print("\n".join(rows))


def row(name: str, folder: Path, width: int, height: int, gop: int, files: int, workers: int) -> str:
    folder.mkdir()
    first = write_video(folder / "0000.mp4", width, height, gop)
    paths = [first, *(folder / f"{number:04d}.mp4" for number in range(1, files))]
    for path in paths[1:]:
        path.write_bytes(first.read_bytes())
    used, start = children_cpu(), time.perf_counter()
    checkup = check_up(dict.fromkeys(paths, 1), folder, workers=workers)
    wall, cpu = time.perf_counter() - start, children_cpu() - used
    if checkup.faulty or checkup.examined != files:
        raise SystemExit(f"{name}: {len(checkup.faulty)} faulty, {checkup.examined} examined")
    rate = files / wall
    verdict = "met" if rate >= 50 else "missed"
    kilobytes = first.stat().st_size / 1000
    return f"| {files} of {name} | {kilobytes:.0f} kB | {rate:.0f} | {1000 * cpu / files:.1f} ms | 50 | {verdict} |"


def children_cpu() -> float:
    """CPU seconds of the worker processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_video(path: Path, width: int, height: int, gop: int) -> Path:
    """A camera that pans over a scene, under grain."""
    rng = np.random.default_rng(gop)
    scene = natural(rng, 2 * height, 2 * width)
    grain = rng.integers(0, 7, (height + 64, width + 64), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"g": str(gop)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(SECONDS * FPS):
            top, left = int(height * (0.5 + 0.4 * np.sin(number / 70))), int(width * (0.5 + 0.4 * np.sin(number / 45)))
            down, right = rng.integers(0, 64, 2)
            picture = np.full((height * 3 // 2, width), 128, np.uint8)
            picture[:height] = scene[top : top + height, left : left + width]
            picture[:height] += grain[down : down + height, right : right + width]
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()

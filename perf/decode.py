"""Time our planned reader against decord on files made here, alternating, in CPU seconds of one process.

    python perf/decode.py                      # about a minute and a half on two cores
    python perf/decode.py --minutes 60         # the long file as long as a film

Each does the whole job from a closed file to an array: ours opens, probes, plans and decodes; decord opens and decodes
the same frame numbers, once as it comes (it chooses its number of threads) and once held to one thread, as ours is. The
pictures are compared and have to be equal. The bar is on the ratio to decord as it comes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import decord
import numpy as np
from numpy.typing import NDArray

from apollobench.types import Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import probe

WIDTH, HEIGHT, FPS = 640, 360, 30
UNIFORM = Sampling(kind="uniform", frames=32)
TWO_FPS = Sampling(kind="fps", fps=2.0)
CENTER = Sampling(kind="center", clip_frames=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=20, help="length of the long file, about (default 20)")
    parser.add_argument(
        "--repeats", type=int, default=5, help="runs per job, the least is shown: other load only adds (default 5)"
    )
    args = parser.parse_args()
    print("| job | file | ours CPU s | decord CPU s | ratio | bar | | decord, 1 thread | ratio |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for gop in (30, 250):
            short = write_video(Path(folder) / f"gop{gop}.mp4", gop)
            long = repeat_video(short, Path(folder) / f"long{gop}.mp4", times=args.minutes // 2 * 2 + 1)
            row(f"GOP {gop}, 1 min", "32 uniform", short, UNIFORM, 0.5, args.repeats)
            row(f"GOP {gop}, 1 min", "2 fps", short, TWO_FPS, 0.5, args.repeats)
            row(f"GOP {gop}, {args.minutes} min", "center frame", long, CENTER, 0.3, args.repeats)


def row(file: str, job: str, path: Path, sampling: Sampling, bar: float, repeats: int) -> None:
    indices = list(plan(probe(path), sampling).indices)
    readers: tuple[Callable[[], NDArray[np.uint8]], ...] = (
        lambda: read_ours(path, sampling),
        lambda: read_decord(path, indices, threads=0),
        lambda: read_decord(path, indices, threads=1),
    )
    pictures = [read() for read in readers]
    if not all((other == pictures[0]).all() for other in pictures[1:]):
        raise SystemExit(f"{file}, {job}: the readers gave different pictures")
    runs = [[cpu_seconds(read) for read in readers] for _ in range(repeats)]
    ours, usual, single = (min(seconds) for seconds in zip(*runs, strict=True))
    verdict = "met" if ours <= bar * usual else "missed"
    print(
        f"| {job} | {file} | {ours:.3f} | {usual:.3f} | {ours / usual:.2f} | {bar} | {verdict} "
        f"| {single:.3f} | {ours / single:.2f} |",
        flush=True,
    )


def read_ours(path: Path, sampling: Sampling) -> NDArray[np.uint8]:
    shape = probe(path)
    return decode(shape, plan(shape, sampling).indices)


def read_decord(path: Path, indices: list[int], threads: int) -> NDArray[np.uint8]:
    frames: NDArray[np.uint8] = decord.VideoReader(str(path), num_threads=threads).get_batch(indices).asnumpy()
    return frames


def cpu_seconds(work: Callable[[], NDArray[np.uint8]]) -> float:
    """CPU time of this process, all its threads together."""
    start = time.process_time()
    work()
    return time.process_time() - start


def write_video(path: Path, gop: int) -> Path:
    """H.264, 640 x 360, 30 fps, x264 as it comes (CRF 23): the camera pans and zooms over a scene, under grain.

    61 seconds, so that the center of the file and of odd repetitions of it falls between keyframes.
    """
    rng = np.random.default_rng(gop)
    scene = natural(rng, 1024, 1536)
    grain = rng.integers(0, 7, (HEIGHT + 64, WIDTH + 64), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"g": str(gop), "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(61 * FPS):
            zoom = 1 + 0.2 * np.sin(number / 45)
            rows = 512 + 150 * np.sin(number / 140) + (np.arange(HEIGHT) - HEIGHT / 2) * zoom
            columns = 768 + 250 * np.sin(number / 90) + (np.arange(WIDTH) - WIDTH / 2) * zoom
            down, right = rng.integers(0, 64, 2)
            picture = np.full((HEIGHT * 3 // 2, WIDTH), 128, np.uint8)
            picture[:HEIGHT] = scene[np.ix_(rows.astype(int), columns.astype(int))]
            picture[:HEIGHT] += grain[down : down + HEIGHT, right : right + WIDTH]
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def natural(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Random texture whose amplitude falls with spatial frequency, as in photographs; brightness 16 to 224."""
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    spectrum = np.fft.rfft2(rng.normal(size=(height, width))) / np.maximum(frequency, 1 / width) ** 1.5
    texture = np.fft.irfft2(spectrum, s=(height, width))
    return (120 + 35 * texture / texture.std()).clip(16, 224).astype(np.uint8)


def repeat_video(source: Path, path: Path, times: int) -> Path:
    """The coded pictures of `source`, `times` times in a row, without encoding them again."""
    with av.open(str(path), "w") as container:
        stream, shift = None, 0
        for _ in range(times):
            with av.open(str(source)) as part:
                template = part.streams.video[0]
                stream = stream or container.add_stream_from_template(template)
                for packet in part.demux(template):
                    if packet.size and packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, stream
                        container.mux(packet)
                shift += template.duration or 0
    return path


if __name__ == "__main__":
    main()

"""Time our planned reader against others on files made here, taking turns, in CPU seconds.

    python perf/decode.py                      # some three minutes on two cores
    python perf/decode.py --minutes 60         # the long file as long as a film

Each does the whole job from a closed file to an array: ours opens, probes, plans and decodes; the others decode the
same frame numbers (lmms-eval chooses its own, as many). decord and lmms-eval choose their number of threads, ours has
one. Pictures are compared: decord's have to be equal, the others' within what another conversion to RGB makes of them.
The bars are on the ratio to decord as it comes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from readers import Frames, Job, Reader, cpu_seconds, link_ffmpeg, make_job, missing, readers

from apollobench.report.tables import markdown_table
from apollobench.types import Sampling

WIDTH, HEIGHT, FPS = 640, 360, 30
UNIFORM = Sampling(kind="uniform", frames=32, clip_frames=1)
TWO_FPS = Sampling(kind="fps", fps=2.0, clip_frames=1)
CENTER = Sampling(kind="center", clip_frames=1)
OWN_FRAMES = "lmms-eval"  # reads frames of its own choice
GREY_LEVELS = 2.0  # mean difference that another conversion to RGB may make


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=20, help="length of the long file, about (default 20)")
    parser.add_argument(
        "--repeats", type=int, default=5, help="runs per job, the least is shown: other load only adds (default 5)"
    )
    args = parser.parse_args()
    link_ffmpeg()
    them = readers()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for gop in (30, 250):
            short = write_video(Path(folder) / f"gop{gop}.mp4", gop)
            long = repeat_video(short, Path(folder) / f"long{gop}.mp4", times=args.minutes // 2 * 2 + 1)
            near, far = f"GOP {gop}, 1 min", f"GOP {gop}, {args.minutes} min"
            rows.append(["32 uniform", near, *timed(them, make_job(short, UNIFORM), 0.5, args.repeats)])
            rows.append(["2 fps", near, *timed(them, make_job(short, TWO_FPS), 0.5, args.repeats)])
            rows.append(["32 uniform", far, *timed(them, make_job(long, UNIFORM), 0.5, args.repeats)])
            rows.append(["center frame", far, *timed(them, make_job(long, CENTER), 0.3, args.repeats)])
    print(markdown_table(["job", "file", "bar", "", *them], rows))
    for name in missing():
        print(f"without {name}: not installed")


def timed(them: Mapping[str, Reader], job: Job, bar: float, repeats: int) -> list[str]:
    """The bar, whether it is met, and for every reader its least CPU seconds with the ratio of ours to it."""
    fit = {name: read for name, read in them.items() if name != OWN_FRAMES or len(job.indices) > 1}
    check({name: read(job) for name, read in fit.items()})
    runs = [{name: cpu_seconds(partial(read, job)) for name, read in fit.items()} for _ in range(repeats)]
    least = {name: min(run[name] for run in runs) for name in fit}
    ours = least["ours"]
    cells = {name: f"{seconds:.3f} ({ours / seconds:.2f})" for name, seconds in least.items()}
    verdict = ("met" if ours <= bar * least["decord"] else "missed") if "decord" in least else ""
    return [str(bar), verdict, f"{ours:.3f}", *(cells.get(name, "") for name in them if name != "ours")]


def check(pictures: Mapping[str, Frames]) -> None:
    """Raises SystemExit where a reader gave other pictures than ours."""
    ours = pictures["ours"]
    for name, others in pictures.items():
        if name == OWN_FRAMES:
            off = 0.0 if abs(len(others) - len(ours)) <= 2 else float("inf")
        elif others.shape != ours.shape:
            off = float("inf")
        else:
            off = float(np.abs(others.astype(np.int16) - ours).mean())
        if off > (0 if "decord" in name else GREY_LEVELS):
            raise SystemExit(f"{name} gave {others.shape}, {off:.1f} grey levels off ours ({ours.shape})")


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

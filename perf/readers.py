"""The readers that ours is timed against: each gives frames of a file, by their numbers, as one array.

Those whose package is not installed are left out, and the table says so. `pip install imageio-ffmpeg 'torchcodec<0.14'`
adds two of them; torchcodec needs FFmpeg's libraries, and takes those of PyAV where the system has none.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from apollobench.types import Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import probe

Frames = NDArray[np.uint8]
LINKED = "APOLLOBENCH_FFMPEG_LINKED"


@dataclass(frozen=True, slots=True)
class Job:
    """What is read: our plan of it, the frame numbers that this plan has, and where the first of them is (seconds)."""

    path: Path
    sampling: Sampling
    indices: tuple[int, ...]
    seconds: float
    width: int
    height: int


Reader = Callable[[Job], Frames]


def make_job(path: Path, sampling: Sampling) -> Job:
    shape = probe(path)
    chosen = plan(shape, sampling)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return Job(path, sampling, chosen.indices, chosen.timestamps[0], stream.width, stream.height)


def readers() -> Mapping[str, Reader]:
    """All that are installed here; ours is the first."""
    return {name: read for name, (package, read) in _READERS.items() if not package or _is_here(package)}


def missing() -> Sequence[str]:
    return [name for name, (package, _) in _READERS.items() if package and not _is_here(package)]


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of this process with all its threads, and of the programs it started."""
    start = _spent()
    work()
    return _spent() - start


def _spent() -> float:
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def _ours(job: Job) -> Frames:
    """From a closed file: probe, plan, decode."""
    shape = probe(job.path)
    return decode(shape, plan(shape, job.sampling).indices)


def _decord(threads: int) -> Reader:
    def read(job: Job) -> Frames:
        import decord

        reader = decord.VideoReader(str(job.path), num_threads=threads)
        return reader.get_batch(list(job.indices)).asnumpy()  # type: ignore[no-any-return]

    return read


def _torchcodec(job: Job) -> Frames:
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(str(job.path), dimension_order="NHWC", num_ffmpeg_threads=1)
    return decoder.get_frames_at(list(job.indices)).data.numpy()  # type: ignore[no-any-return]


def _lmms_eval(job: Job) -> Frames:
    """Its default loader; which frames, it decides itself: as many, or as many a second."""
    from lmms_eval.models.model_utils.load_video import read_video

    if job.sampling.kind == "fps":
        return read_video(str(job.path), num_frm=10**6, fps=job.sampling.fps)  # type: ignore[no-any-return]
    return read_video(str(job.path), num_frm=len(job.indices))  # type: ignore[no-any-return]


def _ffmpeg(job: Job) -> Frames:
    """The program, with a filter that lets these frames through; for a single frame it seeks first."""
    seek = ["-ss", f"{job.seconds:.6f}"] if len(job.indices) == 1 else []
    steps = set(np.diff(job.indices).tolist())
    chosen = f"not(mod(n,{min(steps)}))" if len(steps) == 1 else "+".join(f"eq(n,{index})" for index in job.indices)
    only = ["-frames:v", "1"] if seek else ["-vf", f"select='{chosen}'", "-fps_mode", "passthrough"]
    command = [_program(), "-v", "error", "-threads", "1", *seek, "-i", str(job.path), *only]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, job.height, job.width, 3)


def _program() -> str:
    found = shutil.which("ffmpeg")
    if found:
        return found
    import imageio_ffmpeg

    return imageio_ffmpeg.get_ffmpeg_exe()  # type: ignore[no-any-return]


def _is_here(package: str) -> bool:
    return (package == "imageio_ffmpeg" and bool(shutil.which("ffmpeg"))) or find_spec(package) is not None


_READERS: Mapping[str, tuple[str, Reader]] = {
    "ours": ("", _ours),
    "decord": ("decord", _decord(0)),
    "decord, 1 thread": ("decord", _decord(1)),
    "torchcodec, 1 thread": ("torchcodec", _torchcodec),
    "lmms-eval": ("lmms_eval", _lmms_eval),
    "ffmpeg, 1 thread": ("imageio_ffmpeg", _ffmpeg),
}


def link_ffmpeg() -> None:
    """Start this program again, with PyAV's copy of FFmpeg under the names that torchcodec looks for."""
    libraries = Path(av.__file__).parent.parent / "av.libs"
    if LINKED in os.environ:
        atexit.register(shutil.rmtree, os.environ[LINKED])
    if LINKED in os.environ or not _is_here("torchcodec") or not libraries.is_dir():
        return
    folder = Path(tempfile.mkdtemp(prefix="ffmpeg-"))
    for library in libraries.iterdir():
        (folder / library.name).symlink_to(library)
        plain = re.fullmatch(r"(lib(?:av|sw)\w+)-\w+(\.so\.\d+).*", library.name)
        if plain:
            (folder / (plain[1] + plain[2])).symlink_to(library)
    paths = [str(folder), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    os.execve(  # the loader reads the variable only when a program starts
        sys.executable,
        [sys.executable, *sys.argv],
        os.environ | {"LD_LIBRARY_PATH": ":".join(paths), LINKED: str(folder)},
    )

"""Eyes that note every question in a file as it is put to them, and then may get into trouble."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from apollobench.types import Request

from ..eyes import Eyes

Trouble = Callable[[Request, Path], None]


def none(request: Request, log: Path) -> None:
    """All is well."""


def killed_once(request: Request, log: Path) -> None:
    """The process that is first asked about the video 005 dies as one that the system's memory killer takes."""
    if request.item.video.id == "005" and claimed(log, "killed"):
        os.kill(os.getpid(), signal.SIGKILL)


def killed_always(request: Request, log: Path) -> None:
    """Nobody can be asked about the video 005 and live."""
    if request.item.video.id == "005":
        os.kill(os.getpid(), signal.SIGKILL)


def raises(request: Request, log: Path) -> None:
    """One question of every video cannot be answered."""
    if "middle" in request.prompt:
        raise RuntimeError("out of memory")


def straggles(request: Request, log: Path) -> None:
    """The process that is asked first does not go on before the others have done all but two videos."""
    if claimed(log, "straggler"):
        until = time.monotonic() + 300
        while len(questions(log)) < 12 * (12 - 2):
            assert time.monotonic() < until, "the others did not go on"
            time.sleep(0.02)


def takes_time(request: Request, log: Path) -> None:
    """So that there is a middle in which something can happen."""
    time.sleep(0.02)


def tells_gpus(request: Request, log: Path) -> None:
    """Which GPUs this process was given."""
    (log.parent / "gpus").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "none"))


def claimed(log: Path, what: str) -> bool:
    """Whether this is the first to claim it."""
    try:
        (log.parent / what).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def questions(log: Path) -> Counter[tuple[str, str]]:
    """How often each question was put to anybody, as (item, mode)."""
    lines = log.read_text().splitlines() if log.exists() else []
    return Counter((line.split()[0], line.split()[1]) for line in lines)


@dataclass
class Noted(Eyes):
    log: Path = field(default_factory=Path)
    trouble: Trouble = none

    def look(self, request: Request) -> int:
        with self.log.open("a") as file:
            file.write(f"{request.item.id} {request.mode} {os.getpid()}\n")
        self.trouble(request, self.log)
        return super().look(request)

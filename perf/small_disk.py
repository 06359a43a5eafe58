"""A small file system of its own, to fill up or to make read-only."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from apollobench.curate.pipeline import RESPONSES


@dataclass
class Disk:
    """A small file system of its own, where this process may mount one; else limits of the process."""

    folder: Path
    mounted: bool

    @property
    def how(self) -> str:
        return "a tmpfs" if self.mounted else "a limit on file sizes, or permission bits"

    def limit(self, size: int) -> None:
        if not self.mounted:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def forbid(self) -> None:
        if not self.mounted and os.geteuid() == 0:
            os.setuid(65534)

    def mend(self, options: str) -> None:
        if self.mounted:
            subprocess.run(["mount", "-o", f"remount,{options}", str(self.folder)], check=True)
        elif options in ("ro", "rw"):
            for path in (self.folder, self.folder / RESPONSES):
                path.chmod(0o555 if options == "ro" else 0o755)


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[Disk]:
    """Mounts a tmpfs at `folder`, with what lies there."""
    folder.mkdir(exist_ok=True)
    held = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
    mounted = done.returncode == 0
    for path, content in held.items() if mounted else ():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    try:
        yield Disk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)

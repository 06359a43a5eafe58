"""How much has arrived, on standard error: a live bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from typing import Never, TextIO

from tqdm import tqdm

SECONDS = 5.0


def size_text(count: float) -> str:
    """1234567 as `1.2 MB`; powers of ten, as disks are sold."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} bytes" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


class Arriving:
    """Counts bytes up to `total`, from several threads. Stops whoever adds to it after `stop`."""

    def __init__(self, total: int, *, stream: TextIO | None = None, seconds: float = SECONDS) -> None:
        self.total, self.done = total, 0
        self._stream = sys.stderr if stream is None else stream
        self._seconds = seconds
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._began = self._told = time.monotonic()
        self._bar: tqdm[Never] | None = None
        if self._stream.isatty():
            self._bar = tqdm(
                total=total, desc="fetch", unit="B", unit_scale=True, file=self._stream, dynamic_ncols=True
            )

    def add(self, count: int) -> None:
        """`count` more bytes are here. Raises StoppedError once `stop` was called."""
        if self._stopped.is_set():
            raise StoppedError
        with self._lock:
            self.done += count
            if self._bar is not None:
                self._bar.update(count)
            elif time.monotonic() - self._told >= self._seconds:
                self._told = time.monotonic()
                print(self.line(), file=self._stream, flush=True)

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self.total:
            print(self.line(), file=self._stream, flush=True)

    def line(self) -> str:
        """For example `fetch: 1.2 GB of 5.3 GB (22 %), 34.0 MB/s`."""
        rate = self.done / max(time.monotonic() - self._began, 1e-9)
        share = 100 * self.done // max(self.total, 1)
        return f"fetch: {size_text(self.done)} of {size_text(self.total)} ({share} %), {size_text(rate)}/s"


class StoppedError(Exception):
    """The transfer was told to stop."""

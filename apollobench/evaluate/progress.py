"""How far a run is, on standard error: a live bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Never, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

SECONDS = 5.0


class Progress:
    """Counts responses up to `total`. Rate and time left come from computed ones; stored ones only move the count.

    unit: what is counted, if not items.
    """

    def __init__(
        self, total: int, label: str, *, unit: str = "items", stream: TextIO | None = None, seconds: float = SECONDS
    ) -> None:
        self.total, self.label, self.unit = total, label, unit
        self.stored = self.computed = self.errors = 0
        self._stream = sys.stderr if stream is None else stream
        self._seconds = seconds
        self._began = self._told = time.monotonic()
        self._bar = self._open_bar() if self._stream.isatty() else None

    def skip(self, count: int) -> None:
        """`count` responses were in the store already."""
        self.stored += count
        if self._bar is not None:
            self._bar.initial += count
        self._show(count)

    def advance(self, count: int, errors: int = 0) -> None:
        """`count` responses were made, `errors` of them with status error."""
        self.computed += count
        self.errors += errors
        if self._bar is not None and errors:
            self._bar.set_postfix_str(f"{self.errors} errors", refresh=False)
        self._show(count)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
        else:
            print(self.line(), file=self._stream, flush=True)

    def line(self) -> str:
        """For example `apollo-tiny: 120/400 (30 %), 80 stored, 12.5 items/s, 0:00:22 left, 1 errors`."""
        done = self.stored + self.computed
        rate = self.computed / max(time.monotonic() - self._began, 1e-9)
        parts = [f"{self.label}: {done}/{self.total} ({100 * done // max(self.total, 1)} %)"]
        if self.stored:
            parts.append(f"{self.stored} stored")
        if self.computed:
            parts.append(f"{rate:.1f} {self.unit}/s")
            if done < self.total:
                parts.append(f"{_clock((self.total - done) / rate)} left")
        if self.errors:
            parts.append(f"{self.errors} errors")
        return ", ".join(parts)

    def _show(self, count: int) -> None:
        if self._bar is not None:
            self._bar.update(count)
        elif time.monotonic() - self._told >= self._seconds:
            self._told = time.monotonic()
            print(self.line(), file=self._stream, flush=True)

    def _open_bar(self) -> tqdm[Never]:
        from tqdm import tqdm

        return tqdm(
            total=self.total, desc=self.label, unit=f" {self.unit}", smoothing=0, file=self._stream, dynamic_ncols=True
        )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"

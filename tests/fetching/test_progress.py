"""Bytes are counted, told as text, and whoever brings them can be stopped."""

from __future__ import annotations

import io
import re

import pytest

from apollobench.fetching.progress import Arriving, StoppedError, size_text


def test_sizes_are_told_in_powers_of_ten() -> None:
    shown = [size_text(count) for count in (0, 999, 1_000, 1_234_567, 5.3e9, 2e12, 3e15)]
    assert shown == ["0 bytes", "999 bytes", "1.0 kB", "1.2 MB", "5.3 GB", "2.0 TB", "3000.0 TB"]


def test_lines_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    arriving = Arriving(4_000, stream=stream, seconds=0.0)
    arriving.add(1_000)
    arriving.add(3_000)
    arriving.close()
    first, second, last = stream.getvalue().splitlines()
    assert re.fullmatch(r"fetch: 1\.0 kB of 4\.0 kB \(25 %\), [\d.]+ \w+/s", first)
    assert second.startswith("fetch: 4.0 kB of 4.0 kB (100 %), ")
    assert last.startswith("fetch: 4.0 kB of 4.0 kB (100 %), ")


def test_who_adds_after_a_stop_is_stopped() -> None:
    arriving = Arriving(10, stream=io.StringIO())
    arriving.add(4)
    arriving.stop()
    with pytest.raises(StoppedError):
        arriving.add(4)
    assert arriving.done == 4

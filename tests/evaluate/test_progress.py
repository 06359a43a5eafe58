"""Progress: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import termios

from apollobench.evaluate.progress import Progress


def test_plain_lines_when_not_a_terminal() -> None:
    stream = io.StringIO()
    progress = Progress(10, "eyes", stream=stream, seconds=0)
    progress.skip(4)
    progress.advance(3, errors=1)
    progress.advance(3)
    progress.close()
    first, second, third, last = stream.getvalue().splitlines()
    assert first == "eyes: 4/10 (40 %), 4 stored"
    assert second.startswith("eyes: 7/10 (70 %), 4 stored, ")
    assert " items/s, " in second
    assert second.endswith(" left, 1 errors")
    assert third.startswith("eyes: 10/10 (100 %)")
    assert " left" not in third
    assert last.startswith("eyes: 10/10 (100 %)")
    assert "\r" not in stream.getvalue()


def test_nothing_in_between_when_it_is_quick_but_always_the_end() -> None:
    stream = io.StringIO()
    progress = Progress(2, "eyes", stream=stream, seconds=1000)
    progress.advance(1)
    progress.advance(1)
    progress.close()
    assert len(stream.getvalue().splitlines()) == 1


def test_a_bar_on_a_terminal() -> None:
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    with os.fdopen(writer, "w") as terminal:
        progress = Progress(4, "eyes", stream=terminal)
        progress.skip(2)
        progress.advance(2, errors=2)
        progress.close()
        terminal.flush()
        shown = os.read(reader, 65536).decode()
    os.close(reader)
    assert "\r" in shown
    assert "4/4" in shown
    assert "2 errors" in shown
    assert "items/s" in shown


def test_an_empty_run_ends_in_a_line() -> None:
    stream = io.StringIO()
    Progress(0, "eyes", stream=stream).close()
    assert stream.getvalue() == "eyes: 0/0 (0 %)\n"

"""Check-ups of folders with good files and broken ones: first, again, after changes, with decoders that hang or die."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from apollobench.doctor.checkup import Checkup, check_up
from apollobench.video.health import Health, Kind
from apollobench.video.media import media_digest, read_digest
from apollobench.video.register import REGISTER

LOOK = """
import os, signal
from apollobench.video.examine import examine

def look(path):
    if path.name == "hangs.mp4":
        while True:
            pass
    if path.name == "crashes.mp4":
        os.kill(os.getpid(), signal.SIGSEGV)
    return examine(path)
"""

Look = Callable[[Path], Health]


def write_video(path: Path, seed: int = 0) -> Path:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            picture = np.full((48, 64, 3), (seed * 40 + number) % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[Path, int]:
    """Three good files, a cut-off one, a page and one that is not there, with as many items as their place says."""
    folder = tmp_path / "videos"
    folder.mkdir()
    good = [write_video(folder / f"{name}.mp4", seed) for seed, name in enumerate("abc")]
    cut, page = folder / "cut.mp4", folder / "page.mp4"
    cut.write_bytes(good[0].read_bytes()[:-300])
    page.write_text("<html>not found</html>")
    return {path: number for number, path in enumerate([*good, cut, page, folder / "gone.mp4"], start=1)}


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Examines files as usual, but truly hangs on one and truly dies of another; workers can import it."""
    (tmp_path / "broken_decoder.py").write_text(LOOK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_decoder", raising=False)
    from broken_decoder import look

    return look  # type: ignore[no-any-return]


def statuses(checkup: Checkup) -> dict[str, str]:
    return {record.path.stem: record.status for record in checkup.records}


EXPECTED = {"a": "ok", "b": "ok", "c": "ok", "cut": "truncated", "page": "unreadable", "gone": "missing"}


def test_every_file_has_its_record_in_the_given_order(files: dict[Path, int], tmp_path: Path) -> None:
    checkup = check_up(files, tmp_path / "out")
    assert statuses(checkup) == EXPECTED
    assert [record.path for record in checkup.records] == list(files)
    assert (checkup.examined, checkup.exit_code, len(checkup.faulty)) == (5, 1, 3)
    assert checkup.register == tmp_path / "out" / REGISTER


def test_healthy_files_end_with_0(files: dict[Path, int], tmp_path: Path) -> None:
    good = {path: number for path, number in files.items() if len(path.stem) == 1}
    assert check_up(good, tmp_path).exit_code == 0


def test_again_only_what_changed_is_examined(files: dict[Path, int], tmp_path: Path) -> None:
    first = check_up(files, tmp_path)
    lines = first.register.read_text().splitlines()
    again = check_up(files, tmp_path)
    assert (again.examined, again.records) == (0, first.records)
    assert again.register.read_text().splitlines() == lines
    a, b, _, cut, _, gone = files
    write_video(cut, seed=5)
    write_video(gone, seed=6)
    os.utime(a, ns=(1, 1))
    b.unlink()
    changed = check_up(files, tmp_path)
    assert changed.examined == 3
    assert statuses(changed) == EXPECTED | {"cut": "ok", "gone": "ok", "b": "missing"}
    assert len(changed.register.read_text().splitlines()) == len(lines) + 4


def test_what_a_killed_run_had_found_is_kept(files: dict[Path, int], tmp_path: Path) -> None:
    """Half of the lines, the last of them torn: what is whole counts."""
    register = check_up(files, tmp_path).register
    lines = register.read_bytes().splitlines(keepends=True)
    register.write_bytes(b"".join(lines[:3]) + lines[3][:40])
    checkup = check_up(files, tmp_path)
    assert checkup.examined == 3
    assert statuses(checkup) == EXPECTED


def test_a_decoder_that_hangs_and_one_that_dies(files: dict[Path, int], look: Look, tmp_path: Path) -> None:
    hangs, crashes = (write_video(tmp_path / f"{name}.mp4") for name in ("hangs", "crashes"))
    items = {hangs: 2, **files, crashes: 3}
    checkup = check_up(items, tmp_path, workers=2, seconds=5.0, look=look)
    assert statuses(checkup) == {"hangs": "hung", **EXPECTED, "crashes": "crashed"}
    hung, crashed = checkup.records[0].faults[0], checkup.records[-1].faults[0]
    assert "not done after 5 s and killed" in hung.text
    assert "died (SIGSEGV)" in crashed.text
    assert (checkup.records[0].size, checkup.records[0].digest) == (hangs.stat().st_size, "")
    assert media_digest(hangs) == read_digest(hangs)


def test_what_hung_or_died_is_tried_again(files: dict[Path, int], look: Look, tmp_path: Path) -> None:
    crashes = write_video(tmp_path / "crashes.mp4")
    assert statuses(check_up({crashes: 1, **files}, tmp_path, look=look))["crashes"] == "crashed"
    checkup = check_up({crashes: 1, **files}, tmp_path)
    assert (statuses(checkup)["crashes"], checkup.examined) == ("ok", 1)


def test_runs_take_the_digests_that_were_found(files: dict[Path, int], tmp_path: Path) -> None:
    """Told apart from reading by a register that says something else than the file."""
    checkup = check_up(files, tmp_path)
    true = checkup.records[1].digest
    assert true == read_digest(checkup.records[1].path)
    checkup.register.write_text(checkup.register.read_text().replace(true, "f" * 32))
    assert media_digest(checkup.records[1].path) == "f" * 32


def test_every_real_file_survives(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data" / "videos"
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    checkup = check_up(dict.fromkeys(paths, 1), tmp_path)
    assert {record.path.name: record.status for record in checkup.faulty} == {
        "broken_header.mp4": "unreadable",
        "audio_only.mp4": "no video",
        "truncated_40pct.mp4": "truncated",
    }
    kinds = [finding.kind for record in checkup.records for finding in record.findings]
    assert (kinds.count(Kind.ROTATED), kinds.count(Kind.VARIABLE_RATE)) == (5, 1)

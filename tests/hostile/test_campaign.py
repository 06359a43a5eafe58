"""A short campaign against every reader, the same cases on every run; perf/hostile.py is the long one."""

from __future__ import annotations

import os
import pickle
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apollobench.doctor.crew import run_each
from apollobench.errors import InputError

from . import campaign
from .campaign import Batch, Bench, Tally, Target, run_batch
from .targets import TARGETS

NATIVE = ("videos", "doctor", "checkpoint")  # read by code that can end the process
CASES, SEED = 25, 20241213


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in NATIVE])
def test_hostile_files_are_taken_or_refused(name: str, tmp_path: Path) -> None:
    bench, tally = Bench(TARGETS[name], tmp_path, SEED), Tally(name)
    for number in range(CASES):
        tally.add(number, *bench.run(number))
    assert not tally.faults
    assert tally.cases == tally.taken + tally.refused == CASES


def test_hostile_media_and_weights_end_no_worker(tmp_path: Path) -> None:
    jobs = [(Batch(name, SEED, 0, CASES, tmp_path), 600.0) for name in NATIVE]
    tallies = [outcome for _, outcome in run_each(run_batch, jobs, 1)]
    assert all(isinstance(tally, Tally) and not tally.faults for tally in tallies), tallies
    assert sum(tally.cases for tally in tallies if isinstance(tally, Tally)) == len(NATIVE) * CASES


def _plant(folder: Path) -> None:
    (folder / "seed.bin").write_bytes(bytes(range(64)))


def _outcome(tmp_path: Path, feed: Callable[[Path, Path], object]) -> str:
    """What the engine says of a reader that does `feed` with whatever is not the sound file."""
    sound = bytes(range(64))

    def careful(folder: Path, out: Path) -> None:
        if (folder / "seed.bin").read_bytes() != sound:
            feed(folder, out)

    return Bench(Target("t", _plant, careful), tmp_path / "bench", 0).run(0)[0]


class Evil:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.getenv, ("HOME",)


def _refuse(*_: object) -> None:
    raise InputError("no")


@pytest.mark.parametrize(
    ("feed", "expected"),
    [
        (lambda folder, out: (out / "a").write_text("x"), "taken"),
        (_refuse, "refused"),
        (lambda folder, out: (folder / "absent").read_text(), "refused"),
        (lambda folder, out: {}["a"], "KeyError at outside the package"),
        (lambda folder, out: Path("/tmp/escaped-from-a-campaign").write_text("x"), "EscapedError .*open /tmp/escaped"),
        (lambda folder, out: (folder.parent.parent / "link").symlink_to("/etc"), "EscapedError .*os.symlink"),
        (lambda folder, out: os.system("true"), "EscapedError .*os.system"),
        (lambda folder, out: socket.create_connection(("127.0.0.1", 9)), "EscapedError .*socket.connect"),
        (lambda folder, out: pickle.loads(pickle.dumps(Evil())), "EscapedError .*pickle.find_class"),
    ],
)
def test_the_engine_sees_faults(tmp_path: Path, feed: Callable[[Path, Path], object], expected: str) -> None:
    assert re.match(expected, _outcome(tmp_path, feed))
    assert not Path("/tmp/escaped-from-a-campaign").exists()


def test_the_engine_stops_what_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forever(*_: object) -> None:
        while True:
            try:
                sum(range(1000))
            except Exception:
                time.sleep(0)

    monkeypatch.setattr(campaign, "SECONDS", 0.2)
    assert _outcome(tmp_path, forever).startswith("TooSlowError")


def test_cases_are_the_same_every_time_and_differ_from_each_other(tmp_path: Path) -> None:
    bench = Bench(TARGETS["recipe"], tmp_path, SEED)

    def content(number: int) -> bytes:
        bench.prepare(number)
        return (bench.inside / "synthetic.yaml").read_bytes()

    first = [content(number) for number in range(20)]
    assert first == [content(number) for number in range(20)]
    assert len(set(first)) == 20

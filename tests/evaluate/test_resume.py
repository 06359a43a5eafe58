"""Processes that are killed, and processes that share the work: the end is that of one undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apollobench.evaluate.store import load_responses
from apollobench.types import Response

from . import eyes

RESPONSES = 144
PER_VIDEO = 12


def command(world: Path, store: Path, *more: str) -> list[str]:
    return [sys.executable, str(Path(eyes.__file__)), str(world), str(store), *more]


def environment(root: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", **more}


def response_lines(store: Path) -> int:
    """Responses that were ever appended, over all writers' files."""
    return sum(path.read_bytes().count(b'{"key":') for path in store.glob("*.jsonl"))


@pytest.fixture(scope="module")
def undisturbed(world: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Response]:
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    eyes.evaluate(world, store)
    return load_responses(store)


@pytest.mark.parametrize("die_after", [0, 1, 17, 72, 143])
def test_killed_and_run_again_computes_only_what_is_missing(
    world: Path, tmp_path: Path, root: Path, undisturbed: list[Response], die_after: int
) -> None:
    store = tmp_path / "store"
    killed = subprocess.run(
        command(world, store), env=environment(root, DIE_AFTER=str(die_after)), capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    kept = response_lines(store)
    assert kept == die_after // PER_VIDEO * PER_VIDEO
    again = subprocess.run(command(world, store), env=environment(root), capture_output=True, check=True)
    assert json.loads(again.stdout) == {"asked": RESPONSES - kept, "stored": kept}
    assert response_lines(store) == RESPONSES
    assert load_responses(store) == undisturbed


def test_killed_from_outside_at_any_moment_and_again(
    world: Path, tmp_path: Path, root: Path, undisturbed: list[Response]
) -> None:
    store = tmp_path / "store"
    for lines in (1, 30, 80):
        process = subprocess.Popen(command(world, store), env=environment(root), stderr=subprocess.DEVNULL)
        while process.poll() is None and response_lines(store) < lines:
            time.sleep(0.001)
        process.kill()
        process.wait()
    # What the last kill cut short: the end of one line is gone.
    newest = max(store.glob("*.jsonl"))
    newest.write_bytes(newest.read_bytes()[:-20])
    kept = response_lines(store) - 1
    again = subprocess.run(command(world, store), env=environment(root), capture_output=True, check=True)
    assert json.loads(again.stdout) == {"asked": RESPONSES - kept, "stored": kept}
    assert load_responses(store) == undisturbed


def test_two_writers_at_once_make_what_one_makes(
    world: Path, tmp_path: Path, root: Path, undisturbed: list[Response]
) -> None:
    store = tmp_path / "store"
    both = [
        subprocess.Popen(
            command(world, store, "--shard", shard),
            env=environment(root),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for shard in ("0/2", "1/2")
    ]
    asked = [json.loads(process.communicate()[0])["asked"] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(asked) == RESPONSES
    assert all(count % PER_VIDEO == 0 and count for count in asked)
    assert len(list(store.glob("*.jsonl"))) == 2
    assert response_lines(store) == RESPONSES
    assert load_responses(store) == undisturbed

"""Workers that truly hang and truly die, beside others that go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apollobench.doctor.crew import Died, Hung, run_each

PATIENCE = 60.0
WORK = """
import ctypes, os, signal, sys, time

def work(argument):
    match argument:
        case "loop":
            while True:
                pass
        case "hold":  # in C code, with the interpreter's lock, so that no Python of the process runs any more
            ctypes.PyDLL(None).pause()
        case "segfault":
            ctypes.string_at(0)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "leave":
            os._exit(0)
        case "raise":
            raise KeyError(argument)
    return argument, os.getpid()

def sleep(argument):
    print(os.getpid(), flush=True)
    time.sleep(600)

def call_home(argument):
    raise SystemExit(7)
"""
BROKEN = "raise ImportError('no such decoder')"
CALLER = """
from apollobench.doctor.crew import run_each
from crew_work import sleep
if __name__ == "__main__":
    list(run_each(sleep, [("a", 600.0), ("b", 600.0)], 2))
"""

Work = Callable[[str], tuple[str, int]]


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A function in a module that the workers can import, too: they get this process's `sys.path`."""
    (tmp_path / "crew_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "crew_work", raising=False)
    from crew_work import work

    return work  # type: ignore[no-any-return]


def outcomes(work: Work, *arguments: str, seconds: float = PATIENCE, workers: int = 2) -> dict[str, object]:
    return dict(run_each(work, [(argument, seconds) for argument in arguments], workers))


def test_every_job_is_done_once_by_few_processes(work: Work) -> None:
    arguments = [str(number) for number in range(100)]
    found = list(run_each(work, [(argument, PATIENCE) for argument in arguments], 2))
    assert sorted(argument for argument, _ in found) == sorted(arguments)
    assert all(isinstance(result, tuple) and result[0] == argument for argument, result in found)
    assert len({result[1] for _, result in found if isinstance(result, tuple)}) == 2


def test_no_jobs_need_no_process(work: Work) -> None:
    assert list(run_each(work, [], 2)) == []


@pytest.mark.parametrize("how", ["loop", "hold"])
def test_a_job_that_hangs_is_killed_and_the_rest_goes_on(how: str, work: Work) -> None:
    found = outcomes(work, "a", how, "b", "c", seconds=3.0, workers=1)
    assert found.pop(how) == Hung(3.0)
    assert {argument: result[0] for argument, result in found.items()} == {"a": "a", "b": "b", "c": "c"}  # type: ignore[index]


@pytest.mark.parametrize(
    ("how", "cause"),
    [("segfault", "SIGSEGV"), ("kill", "SIGKILL"), ("leave", "exit code 0"), ("raise", "exit code 1")],
)
def test_a_job_that_ends_its_process_is_told_and_the_rest_goes_on(how: str, cause: str, work: Work) -> None:
    found = outcomes(work, "a", how, "b", "c", workers=1)
    died = found.pop(how)
    assert isinstance(died, Died)
    assert died.cause == cause
    assert {argument: result[0] for argument, result in found.items()} == {"a": "a", "b": "b", "c": "c"}  # type: ignore[index]


def test_all_workers_may_die_at_once(work: Work) -> None:
    jobs = [("segfault", PATIENCE)] * 3 + [("kill", PATIENCE)] * 3
    assert sorted(died.cause for _, died in run_each(work, jobs, 2) if isinstance(died, Died)) == (
        ["SIGKILL"] * 3 + ["SIGSEGV"] * 3
    )


def test_workers_end_with_an_iteration_that_is_left(work: Work) -> None:
    found = run_each(work, [("a", PATIENCE), ("loop", PATIENCE), ("b", PATIENCE)], 2)
    _, result = next(found)
    assert isinstance(result, tuple)
    found.close()
    assert not is_alive(result[1])


def test_workers_that_cannot_start_are_an_error(work: Work, tmp_path: Path) -> None:
    (tmp_path / "crew_work.py").write_text(BROKEN)
    with pytest.raises(RuntimeError, match="could not start"):
        outcomes(work, "a")


def test_workers_end_with_a_caller_that_is_killed(work: Work, tmp_path: Path) -> None:
    caller = tmp_path / "caller.py"
    caller.write_text(CALLER)
    paths = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    process = subprocess.Popen(
        [sys.executable, caller], env={**os.environ, "PYTHONPATH": paths}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pids = [int(process.stdout.readline()) for _ in range(2)]
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    deadline = time.monotonic() + PATIENCE
    while any(map(is_alive, pids)):
        assert time.monotonic() < deadline, "workers outlived their caller"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

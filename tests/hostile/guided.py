"""Hostile files led by coverage: libFuzzer, by way of atheris, sees which code of a reader each file reaches.

libFuzzer takes over its process and ends it, so every target gets one of its own (`python -m tests.hostile.guided`) and
another if that dies. An input is a byte that chooses the victim, and the victim's content; what comes of it is judged
by the campaign's `Bench`.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from random import Random

from apollobench.doctor.crew import Died
from apollobench.errors import InputError

from .campaign import REFUSED, TAKEN, Bench, Tally, Target, grant_time, set_limits
from .mutate import mutate

ROOT = Path(__file__).resolve().parents[2]
OUTCOMES, CURRENT, CORPUS, LOG = "outcomes.jsonl", "current", "corpus", "log.txt"
LONGEST = 1 << 17  # bytes of an input, unless a sound file is longer
START = 600.0  # seconds that importing a reader may take
BY_FORMAT = 0.1  # of the mutations are a sound file as `mutate` changes it, the others are libFuzzer's own
OPTIONS = ("-rss_limit_mb=0", "-timeout=3600", "-detect_leaks=0")  # the limits that count are the campaign's


@dataclass(frozen=True, slots=True)
class Job:
    """At most `runs` files for a target, and `seconds` by the clock without the start.

    folder: an empty one, which keeps what libFuzzer wrote, and the first file of each kind of fault as `fault-N`.
    targets: the module whose TARGETS holds the target. package: what is instrumented.
    """

    target: str
    folder: str
    runs: int
    seconds: float
    seed: int = 0
    targets: str = "tests.hostile.targets"
    package: str = "apollobench"

    def find(self) -> Target:
        found: Target = importlib.import_module(self.targets).TARGETS[self.target]
        return found


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """edges: how many of the package's branches the sound files reached, and how many all files did."""

    tally: Tally
    edges: tuple[int, int]


def fuzz(job: Job) -> Fuzzed:
    """Raises InputError without atheris, RuntimeError with the last words of a target that cannot be set up."""
    if find_spec("atheris") is None:
        raise InputError(
            "atheris is not installed: `pip install 'atheris>=3'`, for which there are wheels for Linux on x86-64 alone"
        )
    folder = Path(job.folder)
    (folder / CORPUS).mkdir(parents=True)
    log, outcomes = folder / LOG, folder / OUTCOMES
    outcomes.touch()
    begun = time.monotonic()
    for attempt in count():
        tried, left = len(_lines(outcomes)), job.seconds - (time.monotonic() - begun)
        if tried >= job.runs or left < 1:
            break
        with log.open("ab") as heard:
            cause = _child(replace(job, runs=job.runs - tried, seconds=left, seed=job.seed + attempt), heard.fileno())
        tried = len(_lines(outcomes))
        if cause is None:
            break
        if not tried:
            raise RuntimeError(f"{job.target}: {cause}\n{log.read_text(errors='replace')[-3000:]}")
        (folder / CURRENT).rename(folder / f"fault-{tried}")
        with outcomes.open("a") as more:
            more.write(json.dumps([f"the process died: {cause}", 0.0]) + "\n")
    tally = Tally(job.target)
    for number, line in enumerate(_lines(outcomes)):
        tally.add(number, *json.loads(line))
    reached = [int(found) for found in re.findall(r"\bcov: (\d+)", log.read_text(errors="replace"))]
    return Fuzzed(tally, (reached[0], max(reached)) if reached else (0, 0))


def _lines(path: Path) -> Sequence[str]:
    return path.read_text().splitlines()


def _child(job: Job, log: int) -> str | None:
    """Lets libFuzzer work; gives what ended the process before its time, or None."""
    command = [sys.executable, "-m", "tests.hostile.guided", json.dumps(asdict(job))]
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, timeout=job.seconds + START)
    except subprocess.TimeoutExpired:
        return "no end"
    return Died(done.returncode).cause if done.returncode else None


def split(bench: Bench, given: bytes) -> tuple[Path, bytes]:
    """The victim and the content that an input of libFuzzer's stands for."""
    return bench.victims[given[0] % len(bench.victims) if given else 0], given[1:]


class Harness:
    """What libFuzzer calls: `one_input` with every input, `mutator` for the next one."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        self.number = len(_lines(folder / OUTCOMES))
        self.outcomes = (folder / OUTCOMES).open("a", buffering=1)
        self.faults: set[str] = set()

    def one_input(self, given: bytes) -> None:
        (self.folder / CURRENT).unlink(missing_ok=True)
        (self.folder / CURRENT).write_bytes(given)
        grant_time()
        outcome, seconds = self.bench.try_content(*split(self.bench, given))
        if outcome not in (TAKEN, REFUSED, *self.faults):
            self.faults.add(outcome)
            (self.folder / f"fault-{self.number}").write_bytes(given)
        self.outcomes.write(json.dumps([outcome, seconds]) + "\n")
        self.number += 1

    def mutator(self, given: bytes, most: int, seed: int) -> bytes:
        import atheris

        random = Random(seed)
        if random.random() >= BY_FORMAT:
            return bytes(atheris.Mutate(given, most))
        number = random.randrange(min(256, len(self.bench.victims)))
        victim = self.bench.victims[number]
        return (bytes([number]) + mutate(random, victim.name, self.bench.sound[victim]))[:most]


def main() -> None:
    """Does not return: libFuzzer ends the process."""
    import atheris

    job = Job(**json.loads(sys.argv[1]))
    folder = Path(job.folder)
    set_limits()
    with atheris.instrument_imports(include=[job.package]):
        bench = Bench(job.find(), folder / "bench", job.seed)
    for number, victim in enumerate(bench.victims[:256]):
        (folder / CORPUS / f"sound-{number}").write_bytes(bytes([number]) + bench.sound[victim])
    longest = max(LONGEST, *(2 * len(content) for content in bench.sound.values()))
    limits = (
        f"-runs={job.runs}",
        f"-max_total_time={int(job.seconds)}",
        f"-seed={job.seed + 1}",
        f"-max_len={longest}",
    )
    harness = Harness(bench, folder)
    given = [sys.argv[0], *OPTIONS, *limits, f"-artifact_prefix={folder}/", str(folder / CORPUS)]
    atheris.Setup(given, harness.one_input, custom_mutator=harness.mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

"""Hostile files that coverage makes: libFuzzer, by way of atheris, sees which lines of a reader each file has reached.

libFuzzer takes over its process and ends it, so every target gets one of its own (`python -m tests.hostile.guided`), and
another one if it dies. An input is a byte that chooses the victim, and the victim's content. What comes of it is judged
by the campaign's `Bench`.
"""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from apollobench.doctor.crew import Died

from .campaign import REFUSED, TAKEN, Bench, Tally, Target, grant_time, set_limits
from .mutate import mutate

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 1 << 17  # bytes of an input, unless a sound file is longer
START = 600.0  # seconds that importing a reader may take
BY_FORMAT = 0.25  # of the inputs begin as a sound file that `mutate` has changed, the others as libFuzzer likes
OPTIONS = ("-rss_limit_mb=0", "-timeout=3600", "-detect_leaks=0")  # the limits that count are the campaign's


@dataclass(frozen=True, slots=True)
class Job:
    """At most `runs` files for a target, and `seconds` by the clock without the start.

    folder: an empty one, which keeps libFuzzer's corpus and log, and a file `fault-N` for each kind of fault.
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
    """edges: of the package's code, reached by the sound files, and by all files."""

    tally: Tally
    edges: tuple[int, int]


def fuzz(job: Job) -> Fuzzed:
    """Raises RuntimeError with libFuzzer's last words if the target cannot even be set up."""
    folder, tally = Path(job.folder), Tally(job.target)
    (folder / "corpus").mkdir()
    log, outcomes = folder / "log.txt", folder / "outcomes.jsonl"
    begun = time.monotonic()
    for attempt in range(job.runs):  # each ends with another fault, but for the last
        left = job.seconds - (time.monotonic() - begun)
        if tally.cases >= job.runs or left < 1:
            break
        outcomes.write_text("")
        with log.open("ab") as heard:
            cause = _child(job, attempt, job.runs - tally.cases, left, heard.fileno())
        for line in outcomes.read_text().splitlines():
            tally.add(tally.cases, *json.loads(line))
        if not tally.cases:
            raise RuntimeError(f"{job.target}: {cause}\n{log.read_text(errors='replace')[-3000:]}")
        if cause is None:
            break
        outcome = f"the process died: {cause}"
        if outcome not in tally.faults:
            (folder / "current").rename(folder / f"fault-{tally.cases}")
        tally.add(tally.cases, outcome, 0.0)
    reached = [int(found) for found in re.findall(r"\bcov: (\d+)", log.read_text(errors="replace"))]
    return Fuzzed(tally, (reached[0], max(reached)) if reached else (0, 0))


def _child(job: Job, attempt: int, runs: int, seconds: float, log: int) -> str | None:
    """Lets libFuzzer work; gives what ended the process before its time, or None."""
    given = json.dumps({**asdict(job), "runs": runs, "seconds": seconds, "seed": job.seed + attempt})
    command = [sys.executable, "-m", __spec__.name if __spec__ else "tests.hostile.guided", given]
    try:
        done = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, timeout=seconds + START)
    except subprocess.TimeoutExpired:
        return "no end"
    return Died(done.returncode).cause if done.returncode else None


class Harness:
    """What libFuzzer calls: `one_input` for every file, `mutator` for the next one."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench, self.folder = bench, folder
        self.number = 0
        self.outcomes = (folder / "outcomes.jsonl").open("w", buffering=1)
        self.faults: set[str] = set()

    def split(self, given: bytes) -> tuple[Path, bytes]:
        return self.bench.victims[given[0] % len(self.bench.victims) if given else 0], given[1:]

    def one_input(self, given: bytes) -> None:
        (self.folder / "current").write_bytes(given)
        grant_time()
        outcome, seconds = self.bench.try_content(*self.split(given))
        if outcome not in (TAKEN, REFUSED, *self.faults):
            self.faults.add(outcome)
            (self.folder / f"fault-{self.number}").write_bytes(given)
        self.outcomes.write(json.dumps([outcome, seconds]) + "\n")
        self.number += 1

    def mutator(self, given: bytes, most: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() >= BY_FORMAT:
            import atheris

            return bytes(atheris.Mutate(given, most))
        number = random.randrange(len(self.bench.victims))
        victim = self.bench.victims[number]
        return (bytes([number]) + mutate(random, victim.name, self.bench.sound[victim]))[:most]


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris

    job = Job(**json.loads(sys.argv[1]))
    folder = Path(job.folder)
    set_limits()
    with atheris.instrument_imports(include=[job.package]):
        bench = Bench(job.find(), folder / "bench", job.seed)
    for number, victim in enumerate(bench.victims):
        (folder / "corpus" / f"sound-{number}").write_bytes(bytes([number]) + bench.sound[victim])
    longest = max(LONGEST, *(2 * len(bench.sound[victim]) for victim in bench.victims))
    limits = (f"-runs={job.runs}", f"-max_total_time={int(job.seconds)}", f"-seed={job.seed + 1}", f"-max_len={longest}")
    harness = Harness(bench, folder)
    given = [sys.argv[0], *OPTIONS, *limits, f"-artifact_prefix={folder}/", str(folder / "corpus")]
    atheris.Setup(given, harness.one_input, custom_mutator=harness.mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

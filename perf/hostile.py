"""The long campaign of hostile files: hundred thousand cases for every reader, in processes that may be killed.

    python perf/hostile.py --cases 100000 --seed 0 --workers 2 --output_path out/hostile

Prints a table of what came of them, and exits with 1 if there was any fault. The files of every faulty case lie under
--output_path, with the command that runs the case again (`case.json`). tests/hostile holds the engine, the targets,
and a short campaign that every test run has.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no reader has to reach the network
os.environ.setdefault("OMP_NUM_THREADS", "1")

from apollobench.doctor.crew import Died, Hung, run_each  # noqa: E402
from tests.hostile.campaign import Batch, Bench, Tally, keep, run_batch  # noqa: E402
from tests.hostile.targets import TARGETS  # noqa: E402

MOST, TURN = 1000, 1.0  # cases and seconds of processor time of a batch: targets get equal time, quick ones more cases
SECONDS = 3600.0  # that a batch may take, asleep or at work; its cases have limits of their own


def campaign(names: Sequence[str], cases: int, seed: int, workers: int, folder: Path) -> Iterator[list[Tally]]:
    """Yields the tallies after every batch, until there were so many `cases`. The targets take turns."""
    tallies = {name: Tally(name) for name in names}
    turns = ((name, first) for first in count(0, MOST) for name in names)

    def jobs() -> Iterator[tuple[Batch, float]]:
        while sum(tally.cases for tally in tallies.values()) < cases:
            name, first = next(turns)
            yield Batch(name, seed, first, MOST, folder, TURN), SECONDS

    for batch, outcome in run_each(run_batch, jobs(), workers):
        tally = tallies[batch.target]
        match outcome:
            case Tally():
                tally.merge(outcome)
            case Died() | Hung():  # the cases before the last one are not counted
                cause = outcome.cause if isinstance(outcome, Died) else f"no end within {outcome.seconds:.0f} s"
                tally.add(int(batch.mark.read_text()), f"the process died: {cause}", 0.0)
        yield list(tallies.values())


def table(tallies: Sequence[Tally]) -> str:
    rows = [
        f"| {t.target} | {t.cases:,} | {t.taken:,} | {t.refused:,} | {sum(map(len, t.faults.values())):,} "
        f"| {t.slowest:.2f} s |"
        for t in tallies
    ]
    total = [sum(getattr(t, part) for t in tallies) for part in ("cases", "taken", "refused")]
    faults = sum(len(numbers) for t in tallies for numbers in t.faults.values())
    rows.append(
        f"| all | {' | '.join(f'{n:,}' for n in total)} | {faults:,} | {max(t.slowest for t in tallies):.2f} s |"
    )
    return "\n".join(["| target | cases | taken | refused | faults | slowest case |", "| --- " * 6 + "|", *rows])


def report_faults(tallies: Sequence[Tally], seed: int, output: Path) -> int:
    """Keeps the first case of every kind of fault; gives the number of kinds."""
    found = [(tally.target, outcome, numbers) for tally in tallies for outcome, numbers in tally.faults.items()]
    for number, (name, outcome, cases) in enumerate(found):
        place = keep(TARGETS[name], seed, min(cases), output / f"{number:03}-{name.replace(' ', '-')}", outcome)
        print(f"fault in {name}, {len(cases)} of its cases: {outcome}\n  {place}")
    return len(found)


def again(name: str, seed: int, case: int) -> int:
    """Runs one case in this process, with its traceback."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(TARGETS[name], Path(folder), seed)
        for path in bench.prepare(case):
            print(f"hostile: {path.relative_to(folder)}, {path.stat().st_size:,} bytes")
        bench.trace()
        outcome, seconds = bench.run(case)
    print(f"{outcome}, {seconds:.2f} s of processor time")
    return 0 if outcome in ("taken", "refused") else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="may be given again; all by default")
    parser.add_argument("--case", type=int, help="run only this one again; needs --target")
    parser.add_argument("--output_path", type=Path, default=Path("out/hostile"))
    given = parser.parse_args()
    names = given.target or list(TARGETS)
    if given.case is not None:
        return again(names[0], given.seed, given.case)
    given.output_path.mkdir(parents=True, exist_ok=True)
    tallies: list[Tally] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for number, tallies in enumerate(campaign(names, given.cases, given.seed, given.workers, Path(folder))):
                if number % 10 == 0:
                    (given.output_path / "table.md").write_text(table(tallies) + "\n")
                    (given.output_path / "faults.txt").write_text(
                        "".join(f"{t.target}: {t.faults}\n" for t in tallies if t.faults)
                    )
        except KeyboardInterrupt:
            print("stopped; these are the cases until then")
    print(table(tallies))
    (given.output_path / "table.md").write_text(table(tallies) + "\n")
    return 1 if report_faults(tallies, given.seed, given.output_path) else 0


if __name__ == "__main__":
    sys.exit(main())

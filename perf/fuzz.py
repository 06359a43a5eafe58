"""Hostile files led by coverage, made by libFuzzer through atheris; perf/hostile.py is the campaign without it.

    python perf/fuzz.py --runs 20000 --seconds 60 --output_path out/fuzz
    python perf/fuzz.py --target recipe --input out/fuzz/recipe/fault-123

Prints a table of what came of them, and exits with 1 if there was any fault. The second form runs one file again, with
its traceback. Needs atheris, which has wheels for Linux on x86-64 alone: `pip install 'atheris>=3'`. Fastest where
--output_path lies in memory, such as below /dev/shm.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no reader has to reach the network
os.environ.setdefault("OMP_NUM_THREADS", "1")

from apollobench.errors import InputError  # noqa: E402
from tests.hostile.campaign import Bench  # noqa: E402
from tests.hostile.guided import Fuzzed, Job, fuzz, split  # noqa: E402
from tests.hostile.targets import TARGETS  # noqa: E402


def table(done: Sequence[Fuzzed]) -> str:
    rows = [
        f"| {f.tally.target} | {f.tally.cases:,} | {f.tally.taken:,} | {f.tally.refused:,} | {_faults(f):,} "
        f"| {f.edges[0]:,} | {f.edges[1]:,} | {f.tally.slowest:.2f} s |"
        for f in done
    ]
    cases, taken, refused = (sum(getattr(f.tally, part) for f in done) for part in ("cases", "taken", "refused"))
    slowest = max((f.tally.slowest for f in done), default=0.0)
    rows.append(f"| all | {cases:,} | {taken:,} | {refused:,} | {sum(map(_faults, done)):,} | | | {slowest:.2f} s |")
    head = "| target | files | taken | refused | faults | edges, sound files | edges, all files | slowest file |"
    return "\n".join([head, "| --- " * 8 + "|", *rows])


def _faults(fuzzed: Fuzzed) -> int:
    return sum(map(len, fuzzed.tally.faults.values()))


def again(name: str, file: Path) -> int:
    """Runs one input in this process, with its traceback."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(TARGETS[name], Path(folder), 0)
        victim, content = split(bench, file.read_bytes())
        print(f"hostile: {victim.relative_to(folder)}, {len(content):,} bytes")
        bench.replace(victim, content)
        bench.trace()
        outcome, seconds = bench.try_content(victim, content)
    print(f"{outcome}, {seconds:.2f} s of processor time")
    return 0 if outcome in ("taken", "refused") else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20_000, help="files for a target, at most")
    parser.add_argument("--seconds", type=float, default=60.0, help="by the clock for a target, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="may be given again; all by default")
    parser.add_argument("--input", type=Path, help="run only this file again; needs --target")
    parser.add_argument("--output_path", type=Path, default=Path("out/fuzz"), help="holds no earlier run")
    given = parser.parse_args()
    names = given.target or list(TARGETS)
    if given.input is not None:
        return again(names[0], given.input)
    done: list[Fuzzed] = []
    try:
        for name in names:
            folder = (given.output_path / name.replace(" ", "-")).resolve()
            done.append(fuzz(Job(name, str(folder), given.runs, given.seconds, given.seed)))
            (given.output_path / "table.md").write_text(table(done) + "\n")
            for outcome, numbers in done[-1].tally.faults.items():
                print(f"fault in {name}, {len(numbers)} of its files: {outcome}\n  {folder}/fault-{numbers[0]}")
    except KeyboardInterrupt:
        print("stopped; these are the targets that were done")
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(table(done))
    return 1 if any(map(_faults, done)) else 0


if __name__ == "__main__":
    sys.exit(main())

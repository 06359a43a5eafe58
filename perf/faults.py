"""Provokes what goes wrong on real machines: `python perf/faults.py [--kills 100] [--write]`.

Every event is real: processes are killed, file systems are full or read-only, bits of files are flipped, a server dies
and comes back. Each ends by running the same curation once more and comparing with one that nobody disturbed: responses
one by one, the benchmark byte by byte. --write puts the table into docs/faults.md.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import run_faults  # noqa: F401  registers its events
import torch
from event import EVENTS, FaultError, check, copied, event, finish, finished
from ground import Ground, asked, held, seconds, stored_files
from small_disk import small_disk

from apollobench.curate.pipeline import RESPONSES
from apollobench.errors import InputError
from apollobench.evaluate.compact import compact
from apollobench.evaluate.store import Store, load_responses, survey
from apollobench.report.tables import markdown_table

PAGE = Path(__file__).parent.parent / "docs" / "faults.md"
BAR = 2.0


@event(
    "kill -9 at random moments of a curation",
    "no acknowledged answer is lost or asked again; the same bytes in the end; finding what is stored costs < 2 s",
)
def killed(ground: Ground, kills: int) -> str:
    output, draw = ground.new("killed"), random.Random(0)
    begin = time.monotonic()
    ground.curation(ground.new("paced")).wait()
    whole = time.monotonic() - begin
    died = done = 0
    while died < kills:
        child = ground.curation(output)
        time.sleep(draw.uniform(0, whole / 3))
        if child.ended():
            check(child.wait() == 0, child.said)
            check(ground.equal(output), "a finished run is not like the undisturbed one")
            output, done = ground.new("killed"), done + 1
            continue
        child.kill()
        died += 1
        check(ground.lost(output) == 0, f"kill {died}: acknowledged responses are lost")
        twice = len(ground.acknowledged(output)) - len(set(ground.acknowledged(output)))
        check(twice == 0, f"kill {died}: {twice} acknowledged responses were asked again")
    finish(ground, output)
    again = finished(ground, output)
    check(asked(again) == 0, "a finished run asks again")
    check(seconds(again) < BAR, f"finding everything stored took {seconds(again):.1f} s")
    told = f"finding all {len(ground.undisturbed)} answers again took {seconds(again):.2f} s of CPU"
    return f"{died} kills in {done + 1} curations: none lost, none asked twice; {told}"


@event(
    "kill -9 at random moments of a compaction",
    "the store holds the same after every kill, and after the compaction that is let alone",
)
def compaction_killed(ground: Ground, kills: int) -> str:
    output, draw = copied(ground, "compacted"), random.Random(1)
    begin = time.monotonic()
    spare = copied(ground, "compacted")
    ground.fork(lambda: compact(spare / RESPONSES), ground.journal(spare)).wait()
    whole, died = time.monotonic() - begin, 0
    for _ in range(kills):
        child = ground.fork(partial(compact, output / RESPONSES), ground.journal(output))
        time.sleep(draw.uniform(0, whole))
        died += not child.ended()
        child.ended() or child.kill()
        check(load_responses(output / RESPONSES) == ground.undisturbed, "the store holds something else")
        with Store(output / RESPONSES) as store:
            store.append(ground.undisturbed[:3])
    compact(output / RESPONSES)
    check(finish(ground, output) == 0, "answers were asked again")
    return f"{died} kills: nothing lost, nothing asked again"


@event("the disk is full", "an error says so, names the folder and what to do; what was acknowledged is kept")
def disk_full(ground: Ground, _: int) -> str:
    output = ground.new("full")
    half = sum(file.stat().st_size for file in stored_files(ground.whole)) // 2
    with small_disk(output, f"size={half}") as way:
        child = ground.curation(output, partial(way.limit, half // 3))
        check(child.wait() == 2, f"exit code {child.wait()}: {child.said}")
        check("free space" in child.said.lower() and str(output) in child.said, child.said)
        told, kept = len(set(ground.acknowledged(output))), len(held(output))
        check(0 < told <= kept < len(ground.undisturbed) and ground.lost(output) == 0, f"{told} acknowledged")
        way.mend("size=64m")
        again = finish(ground, output)
    check(again == len(ground.undisturbed) - kept, f"{again} asked again, {kept} were kept")
    return f"{way.how}: {told} answers acknowledged, {kept} kept; with space again the other {again} were asked"


@event("the output is read-only", "an error says so and changes nothing; the same command goes on once it is mended")
def read_only(ground: Ground, _: int) -> str:
    output = copied(ground, "read-only")
    for file in stored_files(output):
        file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-5]))
    with small_disk(output, "size=64m") as way:
        before = {path: path.read_bytes() for path in stored_files(output)}
        way.mend("ro")
        child = ground.curation(output, way.forbid)
        check(child.wait() == 2 and "mend the permissions" in child.said, child.said)
        check(before == {path: path.read_bytes() for path in stored_files(output)}, "files changed")
        way.mend("rw")
        again = finish(ground, output)
    return f"{way.how}: an error and no change; made writable, {again} missing answers were asked"


@event("the clock jumps back and forth between runs", "the order of what is stored is that of the runs")
def clock(ground: Ground, _: int) -> str:
    output = ground.new("clock")
    for years in (0, -30, 20, -10):
        child = ground.curation(output, partial(shift_clock, years))
        time.sleep(0.4)
        child.ended() or child.kill()
        check(ground.lost(output) == 0, "acknowledged responses are lost")
    asked_now = finish(ground, output)
    names = [file.name for file in stored_files(output)]
    check(names == sorted(names), names)
    return f"four runs, 30 years back, 20 on and 10 back: same end, {asked_now} asked by the last"


def shift_clock(years: int) -> None:
    real, real_ns, shift = time.time, time.time_ns, years * 31_557_600
    time.time = lambda: real() + shift
    time.time_ns = lambda: real_ns() + shift * 10**9


@event("store files are cut short", "what is cut is asked again, and nothing else; a torn line is named")
def truncated(ground: Ground, times: int) -> str:
    draw, total = random.Random(2), 0
    for _ in range(min(times, 5)):
        output = copied(ground, "cut")
        for file in stored_files(output):
            os.truncate(file, draw.randrange(file.stat().st_size))
        responses, damage = survey(output / RESPONSES)
        lost = len(ground.undisturbed) - len(list(responses))
        check(all(str(output) in one.file for one in damage), "not named")
        again = finish(ground, output)
        check(again == lost, f"{again} asked, {lost} lost")
        total += again
    return f"{min(times, 5)} stores cut: {total} answers lost and {total} asked again"


@event("bits of store files are flipped", "every flip is found and named; only what it hit is asked again")
def flipped(ground: Ground, times: int) -> str:
    draw, total, named, flips = random.Random(3), 0, 0, 0
    for snapshot in (False, True):
        for _ in range(min(times, 10)):
            output = copied(ground, "flipped")
            if snapshot:
                compact(output / RESPONSES)
            files = [path for path in (output / RESPONSES).iterdir() if path.suffix in (".jsonl", ".parquet")]
            for file in files:
                data, flips = bytearray(file.read_bytes()), flips + 1
                data[draw.randrange(4 if snapshot else 0, len(data))] ^= 1 << draw.randrange(8)
                file.write_bytes(data)
            responses, damage = survey(output / RESPONSES)
            lost = len(ground.undisturbed) - len(list(responses))
            check(all(any(str(file) == one.file for file in files) for one in damage), "not named")
            again = finish(ground, output)
            check(again == lost, f"{again} asked, {lost} lost")
            total, named = total + again, named + len(damage)
    return f"{flips} flips in lines and snapshots: {named} places named, {total} answers asked again"


@event("two runs on one folder by mistake", "both end well, with the same bytes; nothing is lost")
def two_runs(ground: Ground, _: int) -> str:
    output = ground.new("two")
    both = [ground.curation(output), ground.curation(output)]
    for child in both:
        check(child.wait() == 0, child.said)
    check(ground.equal(output) and ground.lost(output) == 0, "not the same end")
    return f"both ended with 0; {', '.join(str(asked(child)) for child in both)} asked; same bytes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--videos", type=int, default=6)
    parser.add_argument("--only", nargs="+", choices=list(EVENTS), default=list(EVENTS))
    parser.add_argument("--write", action="store_true", help="put the table into docs/faults.md")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows, green = [], True
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder).resolve(), given.videos)
        for name in given.only:
            try:
                row = [EVENTS[name].name, EVENTS[name].expected, EVENTS[name].run(ground, given.kills), "green"]
            except (FaultError, InputError) as failure:
                row, green = [EVENTS[name].name, EVENTS[name].expected, str(failure), "**red**"], False
            rows.append(row)
            print(row, file=sys.stderr, flush=True)
    table = markdown_table(["event", "expected", "observed", ""], rows)
    print(table)
    if given.write:
        before, mark, _ = PAGE.read_text(encoding="utf-8").partition("<!-- written by perf/faults.py -->\n")
        PAGE.write_text(f"{before}{mark}\n{table}\n", encoding="utf-8")
    raise SystemExit(0 if green else 1)


if __name__ == "__main__":
    main()

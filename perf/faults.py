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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import torch
from echo_server import free_port, serve
from ground import FILES, Child, Ground, alike, asked, held, seconds, stored_files
from small_disk import small_disk

from apollobench.curate.pipeline import RESPONSES
from apollobench.errors import InputError
from apollobench.evaluate.compact import compact
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store, is_store, load_responses, survey
from apollobench.models.registry import load_model
from apollobench.report.tables import markdown_table
from apollobench.types import Answer, Mode, Request, Status

PAGE = Path(__file__).parent.parent / "docs" / "faults.md"
BAR = 2.0


@dataclass(frozen=True)
class Event:
    """What is provoked, and what has to come of it. run: says what came of it; `FaultError` for anything else."""

    name: str
    expected: str
    run: Callable[[Ground, int], str]


class FaultError(Exception):
    """Something else happened than was expected."""


EVENTS: dict[str, Event] = {}
Run = Callable[[Ground, int], str]


def event(name: str, expected: str) -> Callable[[Run], Run]:
    """Registers an event. Its function takes the ground, and how often to provoke the fault where that counts."""

    def register(provoke: Run) -> Run:
        EVENTS[provoke.__name__] = Event(name, expected, provoke)
        return provoke

    return register


def check(holds: bool, otherwise: object) -> None:
    if not holds:
        raise FaultError(str(otherwise))


def finish(ground: Ground, output: Path) -> int:
    """Curates once more: how many questions were asked. The end has to be that of the undisturbed run."""
    return asked(finished(ground, output))


def finished(ground: Ground, output: Path) -> Child:
    child = ground.curation(output)
    check(child.wait() == 0, child.said)
    check(ground.lost(output) == 0, "acknowledged responses are lost")
    check(ground.equal(output), "the end is not that of the undisturbed run")
    return child


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


@event("the server dies and comes back", "requests wait for it; no answer is lost, none is an error")
def server(ground: Ground, _: int) -> str:
    output, port, items = ground.new("server"), free_port(), ground.pool
    arguments = {"base_url": f"http://127.0.0.1:{port}/v1", "model": "echo", "tries": "12", "frames": "2"}
    os.environ["NO_PROXY"] = "127.0.0.1"
    first = serve(port)

    def act() -> None:
        with Store(output) as store:
            run(load_model("http:echo", arguments), items, [Mode.TEXT], store, progress=False)

    child = ground.fork(act, ground.journal(output))
    deadline = time.monotonic() + 120
    while not (is_store(output) and len(load_responses(output)) > len(items) // 4) and time.monotonic() < deadline:
        time.sleep(0.02)
    before = len(load_responses(output))
    first.kill()
    first.wait()
    time.sleep(1)
    second = serve(port)
    check(child.wait() == 0, child.said)
    second.kill()
    second.wait()
    responses = load_responses(output)
    check(len(responses) == len(items) and all(one.status is Status.OK for one in responses), "errors")
    return f"killed after {before} of {len(items)} answers, back a second later: {len(responses)} answers, no error"


@event("the GPU is out of memory", "the batch is halved until it fits; every answer is there")
def out_of_memory(ground: Ground, _: int) -> str:
    output, sizes, items = ground.new("memory"), [], ground.pool
    model = load_model(PANEL_MODEL)

    class Small:
        """The model on a device that holds five questions."""

        def __getattr__(self, name: str) -> Any:
            return getattr(model, name)

        def answer(self, requests: Sequence[Request]) -> Iterator[Answer]:
            sizes.append(len(requests))
            if len(requests) > 5:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return model.answer(requests)

    with Store(output) as store:
        counts = run(Small(), items, [Mode.TEXT, Mode.VIDEO], store, batch_size=len(items), progress=False)
    expected = {one.key: one for one in ground.undisturbed}
    check(all(expected[one.key].choice == one.choice for one in counts.responses), "other answers")
    check(len(sizes) < 2 * len(counts.responses), "asked one by one")
    return (
        f"batches of up to {max(sizes)} came down to at most 5 in {len(sizes)} calls; {counts.asked} answers, no error"
    )


PANEL_MODEL = "apollo-tiny-s"


@event("a video changes during the run", "its questions fail with the reason, and the next run asks only them again")
def video_changes(ground: Ground, _: int) -> str:
    from apollobench.evaluate import prepare  # noqa: F401  # imported before its decoder is watched
    from apollobench.video import decode

    output, path = ground.new("changed"), ground.pool[0].video.path
    real, original = decode.decode, path.read_bytes()
    own = [item for item in ground.pool if item.video.path == path]
    donor = next(item.video.path for item in ground.pool if item.video.path != path).read_bytes()

    def overtaken(probed: Any, *given: Any) -> Any:
        if probed.path == path:
            path.write_bytes(donor)
        return real(probed, *given)

    try:
        decode.decode = overtaken
        with Store(output) as store:
            first = run(load_model(PANEL_MODEL), ground.pool, [Mode.VIDEO], store, progress=False)
    finally:
        decode.decode = real
        path.write_bytes(original)
    failed = [one for one in first.responses if one.status is Status.ERROR]
    check({one.item for one in failed} == {item.id for item in own}, [one.error for one in failed])
    check(all(str(path) in (one.error or "") for one in failed), "not named")
    with Store(output) as store:
        again = run(load_model(PANEL_MODEL), ground.pool, [Mode.VIDEO], store, progress=False)
    expected = {one.key: one for one in ground.undisturbed}
    check(
        again.asked == len(own) and alike(again.responses, [expected[one.key] for one in again.responses]), "not mended"
    )
    reason = (failed[0].error or "").rpartition(": ")[2]
    return f'{len(failed)} questions failed, "{reason}"; the next run asked those {again.asked}'


def copied(ground: Ground, name: str) -> Path:
    """A finished curation in a folder of its own."""
    output = ground.new(name)
    (output / RESPONSES).mkdir(parents=True)
    for path in [*(ground.whole / RESPONSES).iterdir(), *(ground.whole / name for name in FILES)]:
        (output / path.relative_to(ground.whole)).write_bytes(path.read_bytes())
    return output


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

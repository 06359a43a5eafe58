"""A check-up: every file is examined once, in a process that may be killed, and what is found is noted as it comes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from apollobench.benchmark import absolute
from apollobench.doctor.crew import Died, Hung, run_each
from apollobench.evaluate.progress import Progress
from apollobench.video.examine import examine
from apollobench.video.health import Finding, Health, Kind, missing, stamp
from apollobench.video.register import Register

SECONDS = 60.0
# Reading a long file to its end takes its time on a slow disk: so many bytes give a second more.
BYTES_PER_SECOND = 10_000_000
# Found by how the examination ended, which may have been the machine's fault: such files are tried again.
UNSETTLED = (Kind.HUNG, Kind.CRASHED)


@dataclass(frozen=True, slots=True)
class Checkup:
    """What is known of every file. items: file -> number of items on it, 0 for each where no items were given.

    register: the file that has all records. examined: how many files were opened this time.
    """

    records: tuple[Health, ...]
    items: Mapping[Path, int]
    register: Path
    examined: int

    @property
    def faulty(self) -> tuple[Health, ...]:
        return tuple(record for record in self.records if record.faults)

    @property
    def exit_code(self) -> int:
        """1 if any file has a fault."""
        return 1 if self.faulty else 0


def check_up(
    items: Mapping[Path, int],
    folder: Path,
    *,
    workers: int | None = None,
    seconds: float = SECONDS,
    look: Callable[[Path], Health] = examine,
) -> Checkup:
    """Examines the files that the register in `folder` does not know as they are now, and notes what is found.

    workers: processes, by default one per core. seconds: that one file may take, and one more per 10 MB. look: what
    examines a file, in another process. Raises InputError where the register cannot be written.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with Register(absolute(folder)) as register:
        stamps = {path: stamp(path) for path in items}
        for path in [path for path, (size, _) in stamps.items() if size < 0]:
            if register.records.get(path) != missing(path):
                register.append(missing(path))
        wanted = [path for path in items if not _is_known(register.records.get(path), stamps[path])]
        with closing(Progress(len(items), "doctor", unit="files")) as progress:
            progress.skip(len(items) - len(wanted))
            for record in _examined(look, wanted, stamps, workers or cores, seconds):
                register.append(record)
                progress.advance(1, errors=bool(record.faults))
        return Checkup(tuple(register.records[path] for path in items), items, register.path, len(wanted))


def _is_known(record: Health | None, now: tuple[int, int]) -> bool:
    """Whether a record is of the file as it is now, and settled."""
    if record is None or (record.size, record.modified) != now:
        return False
    return not any(finding.kind in UNSETTLED for finding in record.findings)


def _examined(
    look: Callable[[Path], Health],
    paths: Iterable[Path],
    stamps: Mapping[Path, tuple[int, int]],
    workers: int,
    seconds: float,
) -> Iterator[Health]:
    jobs = ((path, seconds + stamps[path][0] / BYTES_PER_SECOND) for path in paths)
    for path, outcome in run_each(look, jobs, workers):
        match outcome:
            case Hung(limit):
                text = (
                    f"not done after {limit:.0f} s and killed: a decoder hangs on it. Replace or re-encode the file; "
                    "for a slow disk raise --time_limit."
                )
                yield Health(path, *stamps[path], "", (Finding(Kind.HUNG, text),))
            case Died() as died:
                text = f"the process that read it died ({died.cause}). Replace or re-encode the file; {_memory(died)}"
                yield Health(path, *stamps[path], "", (Finding(Kind.CRASHED, text),))
            case record:
                yield record


def _memory(died: Died) -> str:
    return "SIGKILL mostly means that memory ran out." if died.cause == "SIGKILL" else "the decoder is at fault."

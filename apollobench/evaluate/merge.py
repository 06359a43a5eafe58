"""What counts of all that was ever stored.

* Under one key an answer (`ok`, `unparsed`, `wrong`) beats an `error` or `unsupported`; among equals the later line
  counts.
* An `error` is forgotten once the same model answers the same item in the same mode later, under whatever key
  (the key of an error may lack the frame plan that a video which could not be read did not have).

So errors are asked again by the next run, and answers are not. All that can bear on a response is about the same
question, so what does not fit in memory is sorted by question and merged question by question.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from typing import IO

from apollobench.evaluate.records import PlanLine, parse_line, response_line
from apollobench.evaluate.segments import SNAPSHOT, Damage, Segment, read_segment
from apollobench.types import Mode, Response, Status

ANSWERED = (Status.OK, Status.UNPARSED, Status.WRONG)
RUN = 200_000


def question(response: Response) -> tuple[str, str, Mode]:
    """What was asked of whom."""
    return response.item, response.model, response.mode


class Merge:
    """Takes responses in the order in which they were stored; `responses` is what counts of them, by key."""

    def __init__(self) -> None:
        self.responses: dict[str, Response] = {}
        self._errors: dict[tuple[str, str, Mode], set[str]] = {}

    def ordered(self) -> list[Response]:
        return sorted(self.responses.values(), key=lambda r: (r.item, r.model, r.mode, r.key))

    def add(self, response: Response) -> None:
        held = self.responses.get(response.key)
        if held and held.status in ANSWERED and response.status not in ANSWERED:
            return
        self.responses[response.key] = response
        if response.status is Status.ERROR:
            self._errors.setdefault(question(response), set()).add(response.key)
        elif self._errors and (errors := self._errors.get(question(response))):
            errors.discard(response.key)
            if response.status in ANSWERED:
                for key in self._errors.pop(question(response)):
                    del self.responses[key]


def by_question(
    segments: Sequence[Segment], damage: list[Damage], take_plan: Callable[[PlanLine], object] = lambda plan: None
) -> Iterator[list[Response]]:
    """What counts about each question, sorted by it; within a bounded memory, whatever `segments` hold.

    Snapshots are sorted as they are. Lines are sorted in runs, of which all but the last wait in temporary files.
    """
    with ExitStack() as stack:
        runs = list(_runs(segments, stack, damage, take_plan))
        for _, group in groupby(heapq.merge(*runs, key=question), key=question):
            found = list(group)
            if len(found) > 1:
                merge = Merge()
                for response in found:
                    merge.add(response)
                found = list(merge.responses.values())
            yield found


def _runs(
    segments: Sequence[Segment], stack: ExitStack, damage: list[Damage], take_plan: Callable[[PlanLine], object]
) -> Iterator[Iterable[Response]]:
    """Responses sorted by question, those about one question in the order in which they were stored."""
    waiting: list[Response] = []
    for segment in segments:
        if segment.name.endswith(SNAPSHOT):
            yield sorted(waiting, key=question)
            waiting = []
            yield (record for record in read_segment(segment, damage) if isinstance(record, Response))
            continue
        for record in read_segment(segment, damage):
            if isinstance(record, PlanLine):
                take_plan(record)
                continue
            waiting.append(record)
            if len(waiting) == RUN:
                yield _spilled(waiting, stack)
                waiting = []
    yield sorted(waiting, key=question)


def _spilled(responses: list[Response], stack: ExitStack) -> Iterable[Response]:
    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    file.writelines(map(response_line, sorted(responses, key=question)))
    file.seek(0)
    return _read(file)


def _read(file: IO[bytes]) -> Iterator[Response]:
    for line in file:
        record = parse_line(line)
        assert isinstance(record, Response)
        yield record

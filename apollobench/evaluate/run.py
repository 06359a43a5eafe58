"""Asks a model every question that the store has no answer to: plan, decode ahead, ask, store, video by video.

Threads plan and decode the next videos while the model answers about this one; each video is read once for all its
questions and modes. A model that can be asked about several videos at once is, and what is answered first is stored
first. Nothing that goes wrong with a video, an item or the model ends the run: it becomes a status.
"""

from __future__ import annotations

import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from apollobench.errors import InputError
from apollobench.evaluate.judge import respond
from apollobench.evaluate.prepare import Work, describe, prepare
from apollobench.evaluate.progress import Progress
from apollobench.evaluate.shard import WHOLE, in_shard
from apollobench.evaluate.store import Store
from apollobench.models.base import Model
from apollobench.types import Answer, FramePlan, Item, Mode, Request, Response, Status, Video

LayOut = Callable[[Video, list[Item]], Work]


@dataclass(frozen=True, slots=True)
class RunCounts:
    """How a run ended. responses: those to exactly what was asked, by mode, then item.

    stored: answers found in the store; asked: questions put to the model now; statuses: of `responses`.
    """

    responses: tuple[Response, ...]
    stored: int
    asked: int

    @property
    def statuses(self) -> dict[Status, int]:
        found = Counter(response.status for response in self.responses)
        return {status: found[status] for status in Status}


def run(
    model: Model,
    items: Sequence[Item],
    modes: Sequence[Mode],
    store: Store,
    *,
    shard: tuple[int, int] = WHOLE,
    batch_size: int = 1,
    decode_workers: int | None = None,
    progress: bool = True,
) -> RunCounts:
    """Answers `items` in `modes`, those of `shard` (i, n) only, and adds what was missing to `store`.

    The model gets whole videos at a time, as many as it takes to reach `batch_size` questions; with the default its
    batches do not depend on shards or on what an earlier run left. decode_workers: threads that read videos, up to
    four by default. progress: tell on standard error which modes the model does not support, before anything is asked,
    and how far the run is. Raises InputError when two items have one id, or when the store cannot be written.
    """
    if len({item.id for item in items}) < len(items):
        twice, _ = Counter(item.id for item in items).most_common(1)[0]
        raise InputError(f"item {twice} occurs more than once; every item needs its own id")
    modes = tuple(dict.fromkeys(modes))
    mine = [item for item in items if in_shard(item, shard)]
    if progress:
        for line in refusals(model, modes):
            print(line, file=sys.stderr, flush=True)
    shows = any(mode in model.modes and mode is not Mode.TEXT for mode in modes)
    threads = (decode_workers or min(4, os.cpu_count() or 1)) if shows else 0
    lay_out = partial(prepare, modes=modes, model=model, responses=store.responses)
    bar = Progress(len(mine) * len(modes), model.name) if progress else None
    runner = _Runner(model, store, batch_size, bar)
    try:
        with closing(_prepared(by_video(mine), lay_out, threads)) as works:
            for work in works:
                runner.take(work)
        runner.finish()
    finally:
        runner.close()
        store.flush()
        if bar:
            bar.close()
    done = runner.responses
    return RunCounts(tuple(done[item.id, mode] for mode in modes for item in mine), runner.stored, runner.asked)


def refusals(model: Model, modes: Iterable[Mode]) -> list[str]:
    """One line for each of `modes` that the model cannot be asked in."""
    return [
        f"{model.name} does not support {mode} mode: its questions there count as unsupported"
        for mode in modes
        if mode not in model.modes
    ]


def by_video(items: Iterable[Item]) -> dict[Video, list[Item]]:
    """The items of each video, in order."""
    groups: dict[Video, list[Item]] = {}
    for item in items:
        groups.setdefault(item.video, []).append(item)
    return groups


def _prepared(groups: Mapping[Video, list[Item]], lay_out: LayOut, threads: int) -> Generator[Work]:
    """The work on each video, in order, laid out by `threads` threads that keep at most two videos each ahead."""
    if not threads:
        yield from (lay_out(video, items) for video, items in groups.items())
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    ahead: deque[Future[Work]] = deque()
    try:
        for video, items in groups.items():
            ahead.append(pool.submit(lay_out, video, items))
            if len(ahead) >= 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class _Runner:
    """Takes prepared work, asks the model in batches and stores what comes of it."""

    def __init__(self, model: Model, store: Store, batch_size: int, progress: Progress | None) -> None:
        self.model, self.store, self.batch_size, self.progress = model, store, batch_size, progress
        self.responses: dict[tuple[str, Mode], Response] = {}
        self.stored = self.asked = 0
        self._waiting: list[Work] = []
        self._pool = ThreadPoolExecutor(model.at_once, thread_name_prefix="ask") if model.at_once > 1 else None
        self._asking: dict[Future[list[Answer]], list[Work]] = {}

    def take(self, work: Work) -> None:
        """Settles what needs no model, and asks the model once enough questions wait."""
        self._keep(work.stored, {})
        self._keep(work.failed, {})
        self.stored += len(work.stored)
        if self.progress:
            self.progress.skip(len(work.stored))
            self.progress.advance(len(work.failed), sum(r.status is Status.ERROR for r in work.failed))
        if work.asks:
            self._waiting.append(work)
        if sum(len(waiting.asks) for waiting in self._waiting) >= self.batch_size:
            self._ask()

    def finish(self) -> None:
        """Asks everything that waits, and waits for every answer."""
        self._ask()
        while self._asking:
            self._collect()

    def close(self) -> None:
        """Ends the threads; what was asked and not yet answered is given up."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self) -> None:
        batch, self._waiting = self._waiting, []
        requests = [ask.request for work in batch for ask in work.asks]
        if not self._pool:
            self._settle(batch, _answers(self.model, requests))
            return
        self._asking[self._pool.submit(_answers, self.model, requests)] = batch
        if len(self._asking) >= self.model.at_once:
            self._collect()

    def _collect(self) -> None:
        """Settles what is answered, once something is."""
        for future in wait(self._asking, return_when=FIRST_COMPLETED).done:
            self._settle(self._asking.pop(future), future.result())

    def _settle(self, batch: Sequence[Work], answered: Sequence[Answer]) -> None:
        """Stores the answers to a batch; those about one video in one write."""
        answers = iter(answered)
        for work in batch:
            made = [
                respond(ask.request.item, ask.request.mode, self.model.name, ask.key, ask.plan, next(answers))
                for ask in work.asks
            ]
            self._keep(made, work.plans)
            self.asked += len(made)
            if self.progress:
                self.progress.advance(len(made), sum(response.status is Status.ERROR for response in made))

    def _keep(self, responses: Sequence[Response], plans: Mapping[str, FramePlan]) -> None:
        held = self.store.responses
        self.store.append([response for response in responses if held.get(response.key) != response], plans)
        self.responses.update({(response.item, response.mode): response for response in responses})


def _answers(model: Model, requests: Sequence[Request]) -> list[Answer]:
    """One answer for each request. A batch that fails is asked again one by one, and what fails then is an error."""
    if not requests:
        return []
    try:
        return _asked(model, requests)
    except (Exception, SystemExit) as error:
        if len(requests) == 1:
            return [Answer(None, error=f"the model failed: {describe(error)}")]
    return [answer for request in requests for answer in _answers(model, [request])]


def _asked(model: Model, requests: Sequence[Request]) -> list[Answer]:
    answers = list(model.answer(requests))
    if len(answers) != len(requests):
        raise InputError(f"it gave {len(answers)} answers to {len(requests)} requests")
    return answers

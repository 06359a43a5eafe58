"""Asks a model every question that the store has no answer to: plan, decode ahead, ask, store, video by video.

Threads plan and decode the next videos, and one does what the model can do to their frames beforehand, while the model
answers about this one; each video is read once for all its questions and modes. A model that can be asked about several
videos at once is, and what is answered first is stored first. Nothing that goes wrong with a video, an item or the
model ends the run: it becomes a status.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from functools import partial

from apollobench.evaluate.ask import Settled, ask, at_hand
from apollobench.evaluate.ledger import Ledger, RunCounts
from apollobench.evaluate.prepare import Work, prepare, preprocessed
from apollobench.evaluate.shard import WHOLE
from apollobench.evaluate.store import Store
from apollobench.models.base import Model
from apollobench.types import Item, Mode, Video

LayOut = Callable[[Video, list[Item]], Work]


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
    with closing(Ledger(model, items, modes, store, shard=shard, progress=progress)) as ledger:
        shows = any(mode in model.modes and mode is not Mode.TEXT for mode in ledger.modes)
        threads = (decode_workers or min(4, os.cpu_count() or 1)) if shows else 0
        lay_out = partial(prepare, modes=ledger.modes, model=model, responses=store.responses)
        with (
            closing(_Asker(model, batch_size, ledger.keep)) as asker,
            closing(_prepared(ledger.groups, lay_out, partial(preprocessed, model=model), threads)) as works,
        ):
            for work in works:
                asker.take(work)
            asker.finish()
    return ledger.counts()


def _prepared(
    groups: Mapping[Video, list[Item]], lay_out: LayOut, finish: Callable[[Work], Work], threads: int
) -> Generator[Work]:
    """The work on each video, in order, laid out by `threads` threads that keep at most two videos each ahead.

    One thread more finishes what they laid out, in the same order.
    """
    if not threads:
        yield from (lay_out(video, items) for video, items in groups.items())
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decode")
    finisher = ThreadPoolExecutor(1, thread_name_prefix="preprocess")
    ahead: deque[Future[Work]] = deque()
    try:
        for video, items in groups.items():
            laid = pool.submit(lay_out, video, items)
            ahead.append(finisher.submit(_after, laid, finish))
            if len(ahead) >= 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        finisher.shutdown(cancel_futures=True)


def _after(laid: Future[Work], finish: Callable[[Work], Work]) -> Work:
    return finish(laid.result())


class _Asker:
    """Takes prepared work, asks the model in batches and hands on what comes of it."""

    def __init__(self, model: Model, batch_size: int, keep: Callable[[Settled], None]) -> None:
        self.model, self.batch_size, self.keep = model, batch_size, keep
        self._waiting: list[Work] = []
        self._pool = ThreadPoolExecutor(model.at_once, thread_name_prefix="ask") if model.at_once > 1 else None
        self._asking: set[Future[list[Settled]]] = set()

    def take(self, work: Work) -> None:
        """Settles what needs no model, and asks the model once enough questions wait."""
        self.keep(at_hand(work))
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
        if not self._pool:
            self._keep_all(ask(self.model, batch))
            return
        self._asking.add(self._pool.submit(ask, self.model, batch))
        if len(self._asking) >= self.model.at_once:
            self._collect()

    def _collect(self) -> None:
        """Hands on what is answered, once something is."""
        done, self._asking = wait(self._asking, return_when=FIRST_COMPLETED)
        for future in done:
            self._keep_all(future.result())

    def _keep_all(self, settled: Sequence[Settled]) -> None:
        for one in settled:
            self.keep(one)

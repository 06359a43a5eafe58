"""What a run is to answer and has answered: where responses are counted, shown and handed to the store."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from apollobench.errors import InputError
from apollobench.evaluate.ask import Settled
from apollobench.evaluate.progress import Progress
from apollobench.evaluate.shard import WHOLE, in_shard
from apollobench.evaluate.store import Store
from apollobench.models.base import Subject
from apollobench.types import Item, Mode, Response, Status, Video


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


class Ledger:
    """A run of one model over `items` in `modes`, those of `shard` (i, n) only, written to `store`.

    groups: what is to be settled, by video. progress: tell on standard error which modes the model does not support,
    and how far the run is. Raises InputError when two items have one id.
    """

    def __init__(
        self,
        model: Subject,
        items: Sequence[Item],
        modes: Sequence[Mode],
        store: Store,
        *,
        shard: tuple[int, int] = WHOLE,
        progress: bool = True,
    ) -> None:
        if len({item.id for item in items}) < len(items):
            twice, _ = Counter(item.id for item in items).most_common(1)[0]
            raise InputError(f"item {twice} occurs more than once; every item needs its own id")
        self.modes = tuple(dict.fromkeys(modes))
        self.items = [item for item in items if in_shard(item, shard)]
        self.groups = by_video(self.items)
        self.store = store
        self._responses: dict[tuple[str, Mode], Response] = {}
        self._stored = self._asked = 0
        if progress:
            for line in refusals(model, self.modes):
                print(line, file=sys.stderr, flush=True)
        self._progress = Progress(len(self.items) * len(self.modes), model.name) if progress else None

    def keep(self, settled: Settled) -> None:
        """Stores what is new of it in one write, and counts all of it. Raises InputError as `Store.append` does."""
        new = [*settled.failed, *settled.made]
        found = [*settled.stored, *new]
        held = self.store.responses
        self.store.append([response for response in found if held.get(response.key) != response], settled.plans)
        self._responses.update({(response.item, response.mode): response for response in found})
        self._stored += len(settled.stored)
        self._asked += len(settled.made)
        if self._progress:
            self._progress.skip(len(settled.stored))
            self._progress.advance(len(new), sum(response.status is Status.ERROR for response in new))

    def close(self) -> None:
        """Forces to the disk what was kept, and ends the progress."""
        self.store.flush()
        if self._progress:
            self._progress.close()

    def counts(self) -> RunCounts:
        """How it ended, once everything is settled."""
        done = self._responses
        responses = tuple(done[item.id, mode] for mode in self.modes for item in self.items)
        return RunCounts(responses, self._stored, self._asked)


def refusals(model: Subject, modes: Iterable[Mode]) -> list[str]:
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

"""The replicas of one model: actors that hold it, as many as are wanted, replaced when they die."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ObjectLostError, RayError, RayTaskError

from apollobench import __version__
from apollobench.errors import InputError
from apollobench.evaluate.cluster.worker import Introduction, Replica
from apollobench.evaluate.prepare import describe
from apollobench.models.base import Model, Sketch
from apollobench.models.usage import Prices, Usage

TRIES = 4  # of whatever is lost by no fault of its own, before it counts as failed
PATIENCE = 60.0  # seconds until a user is told that a replica waits for a place
LEAVE = 30.0  # seconds that a replica gets to close its model


@dataclass(slots=True, eq=False)
class Seat:
    """A replica that is ready. room: units it may have at a time, one more than it answers, so that frames travel."""

    actor: Any
    node: str
    room: int
    taken: int = 0


class Replicas:
    """At any time as many as `wanted()` says, in actors that each hold `gpus` GPUs."""

    def __init__(self, name: str, load: Callable[[], Model], gpus: float, wanted: Callable[[], int]) -> None:
        self.name, self._load, self._gpus, self._wanted = name, load, gpus, wanted
        self._subject: Sketch | None = None
        self._seats: list[Seat] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._deaths = self._refused = 0
        self._failure: InputError | None = None

    async def subject(self) -> Sketch:
        """What the model is, as its first replica says. Raises InputError when none can be loaded."""
        await self._until(lambda: self._seats)
        assert self._subject is not None
        return self._subject

    @property
    def ready(self) -> int:
        """How many can be asked now."""
        return len(self._seats)

    @property
    def room(self) -> int:
        """Units that all of them may have at a time, by the first that is ready."""
        return self._wanted() * self._seats[0].room if self._seats else 0

    @asynccontextmanager
    async def one(self, near: str) -> AsyncIterator[Any]:
        """The replica with the least to do, preferably on the node `near`, once one has room.

        One that dies meanwhile is replaced. Raises InputError when there is none and none can be loaded.
        """
        await self._until(self._with_room)
        seat = min(self._with_room(), key=lambda seat: (seat.taken, seat.node != near))
        seat.taken += 1
        try:
            yield seat.actor
        except RayError as error:
            if not isinstance(error, RayTaskError | ObjectLostError):
                self._dismiss(seat)
            raise
        finally:
            seat.taken -= 1
            self._changed.set()

    async def usage(self) -> tuple[Usage, Prices] | None:
        """What asking those that are alive has cost; None for a model that tells nothing."""
        asked = (seat.actor.usage.remote() for seat in self._seats)
        known = [one for one in await asyncio.gather(*asked, return_exceptions=True) if isinstance(one, tuple)]
        return (sum((usage for usage, _ in known), Usage()), known[0][1]) if known else None

    async def close(self) -> None:
        """Lets all of them go."""
        self._wanted = lambda: 0
        for task in [*self._starting]:
            task.cancel()
        await asyncio.gather(*map(self._leave, self._seats))
        for seat in [*self._seats]:
            self._dismiss(seat)

    async def _leave(self, seat: Seat) -> None:
        with suppress(RayError, TimeoutError):
            await asyncio.wait_for(seat.actor.close.remote(), LEAVE)

    async def _until(self, ready: Callable[[], object]) -> None:
        """Waits until `ready()`. Raises InputError when there is no replica and none can be loaded."""
        self._tend()
        while not ready():
            if self._failure is not None and not self._seats and not self._starting:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()

    def _with_room(self) -> list[Seat]:
        return [seat for seat in self._seats if seat.taken < seat.room]

    def _dismiss(self, seat: Seat) -> None:
        if seat in self._seats:
            self._seats.remove(seat)
            ray.kill(seat.actor)

    def _tend(self) -> None:
        """Starts replicas until there are as many as wanted, but for those that could not be loaded."""
        while len(self._seats) + len(self._starting) + self._refused < self._wanted():
            task = asyncio.create_task(self._start())
            self._starting.add(task)
            task.add_done_callback(self._started)

    async def _start(self) -> None:
        actor = _Replica.options(**self._placement()).remote(self._load)
        late = asyncio.get_running_loop().call_later(
            PATIENCE, self._say, "a replica still waits for its place, or loads"
        )
        try:
            self._seat(actor, await actor.introduce.remote())
        except Exception as error:
            ray.kill(actor)
            self._note_failure(error)
        except asyncio.CancelledError:
            ray.kill(actor)
            raise
        finally:
            late.cancel()

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting.discard(task)
        self._tend()
        self._changed.set()

    def _placement(self) -> dict[str, Any]:
        """A replica without GPUs shares its node's CPUs with the decoding, as the runner of one machine does."""
        spread = "DEFAULT" if self._gpus else "SPREAD"
        return {"num_gpus": self._gpus, "num_cpus": 0, "max_restarts": 0, "scheduling_strategy": spread}

    def _seat(self, actor: Any, told: Introduction) -> None:
        """Takes in a replica that is ready. Raises InputError unless it holds the same model as the others."""
        if told.version != __version__:
            raise InputError(f"node {told.node} has apollobench {told.version}, this one {__version__}; install one")
        self._subject = self._subject or told.sketch
        if told.sketch != self._subject:
            raise InputError(
                f"node {told.node} has another model under this name: revision {told.sketch.revision}, elsewhere "
                f"{self._subject.revision}; give all nodes the same weights"
            )
        self._deaths = 0
        self._seats.append(Seat(actor, told.node, told.at_once + 1))

    def _note_failure(self, error: Exception) -> None:
        """What raised while it was loaded is not tried again; what died is, a few times."""
        raised = not isinstance(error, RayError) or isinstance(error, RayTaskError)
        self._deaths += not raised
        if raised or self._deaths >= TRIES:
            self._refused += 1
            reason = f"a replica could not be loaded: {told(error)}"
            self._failure = InputError(f"{self.name}: {reason}")
            self._say(reason.partition("\n")[0])

    def _say(self, text: str) -> None:
        print(f"note: {self.name}: {text}", file=sys.stderr, flush=True)


def told(error: Exception) -> str:
    """What went wrong on a node, in one line."""
    if isinstance(error, RayTaskError):
        return describe(error.cause)
    return describe(error).partition("\n")[0]


_Replica: Any = ray.remote(Replica)

"""What runs on the nodes of a cluster: videos are laid out in tasks, and each replica of a model lives in an actor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import ray

from apollobench import __version__
from apollobench.evaluate.ask import Settled, ask, at_hand
from apollobench.evaluate.prepare import Work, prepare
from apollobench.models.base import Metered, Model, Sketch
from apollobench.models.usage import Prices, Usage
from apollobench.types import Item, Mode, Response, Video

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Laid:
    """What the driver learns of a laid-out video. asks: questions that are left for the model. node: where it lies."""

    settled: Settled
    asks: int
    node: str


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a replica says of itself once its model is loaded. version: of apollobench on its node."""

    sketch: Sketch
    at_once: int
    node: str
    version: str


def present(paths: Sequence[Path]) -> frozenset[Path]:
    """Those of `paths` that are files on this node."""
    return frozenset(path for path in paths if path.is_file())


def lay_out(
    video: Video, items: Sequence[Item], modes: Sequence[Mode], model: Sketch, responses: Mapping[str, Response]
) -> tuple[Laid, Work]:
    """The work on a video in two objects: the first goes to the driver, the second, with frames, to a replica."""
    work = prepare(video, items, modes, model, responses)
    return Laid(at_hand(work), len(work.asks), _node()), work


class Replica:
    """One copy of a model. All that touches it runs on threads of its own, as many as it can be asked from."""

    def __init__(self, load: Callable[[], Model]) -> None:
        self._load = load
        self._hands = ThreadPoolExecutor(1)

    async def introduce(self) -> Introduction:
        """Loads the model; whatever that raises reaches the driver."""
        self._model = model = await self._by_hand(self._load)
        if model.at_once > 1:
            self._hands = ThreadPoolExecutor(model.at_once)
        settings = dict(model.settings)
        sketch = Sketch(
            model.name, model.revision, settings, model.modes, model.sampling, wants_frames=model.wants_frames
        )
        return Introduction(sketch, model.at_once, _node(), __version__)

    async def answer(self, *works: Work) -> list[Settled]:
        return await self._by_hand(ask, self._model, works)

    async def usage(self) -> tuple[Usage, Prices] | None:
        """What asking this replica has cost; None for a model that tells nothing."""
        return (self._model.usage, self._model.prices) if isinstance(self._model, Metered) else None

    async def close(self) -> None:
        await self._by_hand(self._model.close)

    async def _by_hand(self, does: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._hands, does, *arguments)


def _node() -> str:
    return str(ray.get_runtime_context().get_node_id())

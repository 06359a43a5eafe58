"""A model behind a server that completes chats: groups questions on the same frames, asks, and reads the replies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol

from apollobench.errors import InputError
from apollobench.models.http.messages import Part
from apollobench.models.http.server import RequestError, Server
from apollobench.models.usage import Prices, Usage
from apollobench.types import Answer, FramePlan, Mode, Request, Sampling

COMPLETIONS = "/chat/completions"
FORGOTTEN = 400  # also what a bad request gets, which then fails once more with all its parts


class Dialect(Protocol):
    """What differs between servers. `show` and `extra` may raise `InputError` for a request that cannot be put."""

    def show(self, request: Request) -> Sequence[Part]:
        """The content parts that stand before the question: the video; empty where the mode shows nothing.

        Called once for requests that follow each other and show the same, in the thread that asks.
        """
        ...

    def again(self, parts: Sequence[Part]) -> Sequence[Part]:
        """What may stand for `parts` in later questions for as long as the server remembers them; else `parts`."""
        ...

    def extra(self, request: Request) -> Mapping[str, Any]:
        """The fields of the request's body beside `model` and `messages`."""
        ...

    def read(self, request: Request, reply: Mapping[str, Any]) -> Answer:
        """The answer in the JSON of a response; one with `error` when it holds none. Nothing is raised."""
        ...


@dataclass
class ServedModel:
    """Satisfies `models.base.Model` and `Metered`. model: the id sent to the server.

    The first question on a video is answered before the others on the same frames are sent, all at once, so that the
    server can take the video and what stands before the question out of its caches.
    """

    name: str
    revision: str
    settings: Mapping[str, str | int | float | bool]
    modes: frozenset[Mode]
    sampling: Sampling
    wants_frames: bool
    model: str
    server: Server
    dialect: Dialect
    usage: Usage = field(default_factory=Usage)
    prices: Prices = field(default_factory=Prices)

    @property
    def at_once(self) -> int:
        return self.server.concurrency

    def answer(self, requests: Sequence[Request]) -> list[Answer]:
        """One answer per request, in order; whatever goes wrong with one is its `error`."""
        groups = [list(group) for _, group in groupby(requests, key=_shown)]
        return self.server.run(self._all([(group, self._parts(group[0])) for group in groups]))

    def close(self) -> None:
        self.server.close()

    def _parts(self, request: Request) -> Sequence[Part] | InputError:
        try:
            return self.dialect.show(request)
        except InputError as error:
            return error

    async def _all(self, groups: Iterable[tuple[list[Request], Sequence[Part] | InputError]]) -> list[Answer]:
        found = await asyncio.gather(*(self._group(group, parts) for group, parts in groups))
        return [answer for answers in found for answer in answers]

    async def _group(self, group: list[Request], parts: Sequence[Part] | InputError) -> list[Answer]:
        if isinstance(parts, InputError):
            return [Answer(None, error=str(parts)) for _ in group]
        ahead = 1 if parts else 0
        first = [await self._one(request, parts) for request in group[:ahead]]
        return [*first, *await asyncio.gather(*(self._later(request, parts) for request in group[ahead:]))]

    async def _later(self, request: Request, parts: Sequence[Part]) -> Answer:
        """Asks by what the server remembers of the parts, and with all of them where it has forgotten."""
        again = self.dialect.again(parts)
        if again is not parts:
            try:
                return await self._asked(request, again)
            except InputError as error:
                return Answer(None, error=str(error))
            except RequestError as error:
                if error.status != FORGOTTEN:
                    return Answer(None, error=str(error))
        return await self._one(request, parts)

    async def _one(self, request: Request, parts: Sequence[Part]) -> Answer:
        try:
            return await self._asked(request, parts)
        except (RequestError, InputError) as error:
            return Answer(None, error=str(error))

    async def _asked(self, request: Request, parts: Sequence[Part]) -> Answer:
        reply = await self.server.post(COMPLETIONS, self._body(request, parts))
        self.usage.add(reply)
        return self.dialect.read(request, reply)

    def _body(self, request: Request, parts: Sequence[Part]) -> dict[str, Any]:
        content = [*parts, {"type": "text", "text": request.prompt}] if parts else request.prompt
        message = {"role": "user", "content": content}
        return {"model": self.model, "messages": [message], **self.dialect.extra(request)}


def _shown(request: Request) -> tuple[str, Mode, FramePlan | None]:
    """What requests must have in common to show the same."""
    return request.item.video.id, request.mode, request.plan

"""What the rest of the package knows of a model: who it is, what it can be asked, and how to ask it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from apollobench.types import Answer, Mode, Request, Sampling


class Model(Protocol):
    """Something that answers requests.

    name: in the roster. revision: digest of its weights. settings: whatever else changes its answers.
    modes: those it can be asked in. sampling: how it wants a video sampled in `video` mode.
    at_once: about how many videos it can be asked at the same time, each from a thread of its own; 1: never from
    threads. wants_frames: whether requests must carry the frames of their plan, or it reads the video itself.
    """

    @property
    def name(self) -> str: ...

    @property
    def revision(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, str | int | float | bool]: ...

    @property
    def modes(self) -> frozenset[Mode]: ...

    @property
    def sampling(self) -> Sampling: ...

    @property
    def at_once(self) -> int: ...

    @property
    def wants_frames(self) -> bool: ...

    def answer(self, requests: Sequence[Request]) -> Iterable[Answer]:
        """One answer per request, in order. Requests about one video stand next to each other.

        A request that cannot be answered gives an `Answer` with `error`; it never ends the others.
        """
        ...

    def close(self) -> None:
        """Lets go of what it holds (a server it started, connections); nothing is asked after it."""
        ...

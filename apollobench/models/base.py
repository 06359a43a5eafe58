"""What the rest of the package knows of a model: who it is, what it can be asked, how to ask it, what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from apollobench.models.usage import Prices, Usage
from apollobench.types import Answer, Mode, Request, Sampling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Respondent(Protocol):
    """Who answered, as a result tells it. sampling: None where it is not known."""

    @property
    def name(self) -> str: ...

    @property
    def revision(self) -> str: ...

    @property
    def settings(self) -> Mapping[str, str | int | float | bool]: ...

    @property
    def sampling(self) -> Sampling | None: ...


class Subject(Protocol):
    """What decides which requests a model gets and under which keys its answers are stored.

    name: in the roster. revision: digest of its weights. settings: whatever else changes its answers.
    modes: those it can be asked in. sampling: how it wants a video sampled in `video` mode.
    wants_frames: whether requests must carry the frames of their plan, or it reads the video itself.
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
    def wants_frames(self) -> bool: ...


class Model(Subject, Protocol):
    """Something that answers requests.

    at_once: about how many videos it can be asked at the same time, each from a thread of its own; 1: never from
    threads.
    """

    @property
    def at_once(self) -> int: ...

    def answer(self, requests: Sequence[Request]) -> Iterable[Answer]:
        """One answer per request, in order. Requests about one video stand next to each other.

        A request that cannot be answered gives an `Answer` with `error`; it never ends the others.
        """
        ...

    def close(self) -> None:
        """Lets go of what it holds (a server it started, connections); nothing is asked after it."""
        ...


@runtime_checkable
class Preprocessor(Protocol):
    """A model whose work on frames can begin before it is asked, on a thread of its own."""

    def preprocess(self, frames: NDArray[np.uint8]) -> Any:
        """What `answer` wants to find as `inputs` of a request with these frames; without it, it makes it itself."""
        ...


@runtime_checkable
class Metered(Protocol):
    """A model that tells what asking it has cost so far."""

    @property
    def usage(self) -> Usage: ...

    @property
    def prices(self) -> Prices: ...


@dataclass(frozen=True, slots=True)
class Rates:
    """What an estimate assumes of a model, as (least, most); None where nothing is known.

    completion_tokens: of one reply. at_once: requests under way at a time.
    """

    tokens_per_frame: tuple[float, float] | None = None
    completion_tokens: tuple[float, float] | None = None
    seconds_per_request: tuple[float, float] | None = None
    at_once: int = 1
    prices: Prices = field(default_factory=Prices)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What can be told of a model without loading or asking it; satisfies `Subject`.

    revision: empty where only the loaded model can tell.
    """

    name: str
    revision: str
    settings: Mapping[str, str | int | float | bool]
    modes: frozenset[Mode]
    sampling: Sampling
    rates: Rates = Rates()
    wants_frames: bool = False

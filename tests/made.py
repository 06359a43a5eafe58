"""Results as an evaluation writes them, of models that answer as a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.types import Item, Mode, Response, Sampling, Status, Video

ABOUT = About("world", benchmark="b" * 32, size=200)
NAMES = ("OCR", "Spatial")


class Named:
    """The identity of a model that answered elsewhere."""

    def __init__(self, name: str) -> None:
        self.name, self.revision = name, "1"
        self.modes, self.sampling = frozenset(Mode), Sampling("uniform", 8)
        self.settings: dict[str, str | int | float | bool] = {"decoding": "greedy"}

    def answer(self, requests: Sequence[object]) -> list[object]:
        raise NotImplementedError("its answers are given")


def world(count: int = 200) -> list[Item]:
    return [
        Item(f"world/{n}", f"Question {n}?", ("a", "b", "c", "d"), n % 4, Video(str(n // 4), Path("/v")), NAMES[n % 2])
        for n in range(count)
    ]


def responses(
    name: str, items: Sequence[Item], right: Callable[[int], bool], mode: Mode = Mode.VIDEO
) -> list[Response]:
    return [
        Response(
            key=f"{name}{mode}{n}",
            item=item.id,
            model=name,
            mode=mode,
            status=Status.OK,
            text=None,
            choice=item.answer if right(n) else (item.answer + 1) % 4,
            option_logprobs=None,
            plan=None,
        )
        for n, item in enumerate(items)
    ]


def answered(
    root: Path, name: str, right: Callable[[int], bool], items: Sequence[Item] | None = None, **about: object
) -> Path:
    """A result in three modes: `right` says which items video mode gets; text mode every fourth, frame mode half."""
    items = items or world()
    solved = {Mode.TEXT: lambda n: n % 8 < 2, Mode.FRAME: lambda n: n % 4 < 2, Mode.VIDEO: right}
    given = [response for mode, rule in solved.items() for response in responses(name, items, rule, mode)]
    folder = root / "".join(c for c in name if c.isalnum())
    write_results(folder, Named(name), items, given, replace(ABOUT, **{"size": len(items), **about}))
    return folder

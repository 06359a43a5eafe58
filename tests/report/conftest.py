"""Results as an evaluation writes them, of models that answer as a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.types import Item, Mode, Response, Sampling, Status, Video

ABOUT = About("world", benchmark="b" * 32, size=200)
NAMES = ("OCR", "Spatial")
Write = Callable[..., Path]


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


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, right: Callable[[int], bool], items: list[Item] | None = None, **about: object) -> Path:
        items = items or world()
        write_results(tmp_path / name, Named(name), items, responses(name, items, right), replace(ABOUT, **about))
        return tmp_path / name

    return written

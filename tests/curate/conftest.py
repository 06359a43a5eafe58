"""Pools and responses with a known outcome, built as plain data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from apollobench.curate.answers import Answers, gather
from apollobench.types import Item, Mode, Response, Status, Truth, Video, digest

Marks = Mapping[Mode, Sequence[str]]


def build_item(number: int, *, options: int = 4, video: str | None = None, **known: object) -> Item:
    """Item `toy/number`, key 0, on its own video unless one is named."""
    name = video or f"v{number}"
    return Item(
        id=f"{known.pop('source', 'toy')}/{number}",
        question=f"question {number}",
        options=tuple(f"option {i}" for i in range(options)),
        answer=0,
        video=Video(name, Path(f"/media/{name}.mp4")),
        truth=known.pop("truth", None),
        category=known.pop("category", None),
        native=known.pop("native", {}),
    )


def build_responses(items: Sequence[Item], marks: Mapping[str, Marks]) -> list[Response]:
    """model -> mode -> a letter per item: `1` right, `0` wrong, `u` unparsed, `e` error, `x` unsupported, `-` none."""
    status = {"u": Status.UNPARSED, "e": Status.ERROR, "x": Status.UNSUPPORTED}
    responses = []
    for model, by_mode in marks.items():
        for mode, letters in by_mode.items():
            for item, letter in zip(items, "".join(letters), strict=True):
                if letter == "-":
                    continue
                choice = {"1": item.answer, "0": item.answer + 1}.get(letter)
                key = digest([item.id, model, mode])
                kind = status.get(letter, Status.OK)
                responses.append(Response(key, item.id, model, mode, kind, "", choice, None, None))
    return responses


@pytest.fixture(scope="session")
def make_item() -> Callable[..., Item]:
    return build_item


@pytest.fixture(scope="session")
def make_answers() -> Callable[..., Answers]:
    def make(marks: Mapping[str, Marks], items: Sequence[Item] | None = None) -> Answers:
        first = next(iter(next(iter(marks.values())).values()))
        pool = items or [build_item(i) for i in range(len("".join(first)))]
        modes = list(dict.fromkeys(mode for by_mode in marks.values() for mode in by_mode))
        return gather(pool, build_responses(pool, marks), list(marks), modes)

    return make


@pytest.fixture(scope="session")
def truths() -> Callable[[str, str], Truth]:
    return lambda needs, flaw="": Truth(needs, flaw)

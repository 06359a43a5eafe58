"""A few items as a reader of a source would give them, and how a test imports files about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from apollobench.imports.collect import Tally, collect
from apollobench.imports.match import Matcher
from apollobench.types import Item, Mode, Response, Video

Import = Callable[..., tuple[dict[str, Response], Tally]]


def item(native: str, question: str, options: Sequence[str], answer: int, video: str) -> Item:
    path = Path("/videos") / f"{video}.mp4"
    return Item(f"videomme/{native}", question, tuple(options), answer, Video(f"videomme/{video}", path))


@pytest.fixture(scope="session")
def items() -> list[Item]:
    """The last two differ by their videos alone."""
    return [
        item("001-1", "What color is the car?", ("Red", "Blue", "Green", "Black"), 1, "fFjv93ACGo8"),
        item("001-2", "How many people enter the room?", ("1", "2", "3", "4"), 2, "fFjv93ACGo8"),
        item("002-1", "Why does the girl\nlook at the camera?", ("She is happy.", "She waves", "-5", "5"), 0, "Ab_c-1"),
        item("003-1", "Which way does the ball move?", ("Left to right.", "Right to left."), 0, "ball_1"),
        item("003-2", "Which way does the ball move?", ("Left to right.", "Right to left."), 1, "ball_2"),
    ]


@pytest.fixture
def run(items: list[Item]) -> Import:
    """Imports one file: the responses by native id of their item, and the tally."""

    def imported(
        path: Path, form: str | None = None, model: str | None = "m", pool: Sequence[Item] = items
    ) -> tuple[dict[str, Response], Tally]:
        made, tallies = collect([path], Matcher(pool), form=form, model=model, mode=Mode.VIDEO)
        return {response.item.split("/")[1]: response for response in made}, tallies[0]

    return imported

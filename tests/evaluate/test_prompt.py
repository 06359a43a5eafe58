"""The one prompt, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.evaluate.prompt import build_prompt
from apollobench.types import Item, Video


def _item(options: tuple[str, ...]) -> Item:
    return Item("world/1", "What passes first?", options, 0, Video("v", Path("/v.mp4")))


def test_question_options_instruction() -> None:
    assert build_prompt(_item(("a bus", "a car", "nobody"))) == (
        "What passes first?\nA. a bus\nB. a car\nC. nobody\n"
        "Answer with the option's letter from the given choices directly."
    )


@pytest.mark.parametrize("count", [0, 1, 11])
def test_impossible_numbers_of_options_name_the_item(count: int) -> None:
    with pytest.raises(InputError, match=rf"world/1: {count} options, expected 2 to 10"):
        build_prompt(_item(tuple(str(i) for i in range(count))))

"""The one prompt that every model gets for every item, in every mode; its version is part of every response's key."""

from __future__ import annotations

from apollobench.errors import InputError
from apollobench.types import LETTERS, Item

PROMPT_VERSION = "1"
INSTRUCTION = "Answer with the option's letter from the given choices directly."


def build_prompt(item: Item) -> str:
    """The question, one `A. text` line for each option, then the instruction; the item's context before all, if any.

    Raises InputError when the item has fewer than two options or more than there are letters.
    """
    if not 2 <= len(item.options) <= len(LETTERS):
        raise InputError(
            f"item {item.id}: {len(item.options)} options, expected 2 to {len(LETTERS)}; correct or remove the item"
        )
    lines = [f"{letter}. {option}" for letter, option in zip(LETTERS, item.options, strict=False)]
    context = [item.context, ""] if item.context else []
    return "\n".join([*context, item.question, *lines, INSTRUCTION])

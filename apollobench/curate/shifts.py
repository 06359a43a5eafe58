"""Blind questions asked again with their options rotated: right is who is right wherever the key stands.

A rotated question is an item of its own, `ID~1` with its options one place further; the order of the options is part of
an item's fingerprint, so runner and store treat it like any other. A model that prefers a letter is right under one
rotation of k and so never under all. One that prefers an option for its wording, knowing nothing, is right under all
or none: chance stays one over the number of options.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from apollobench.curate.answers import MISSING, STATUSES, Answers, Codes, gather
from apollobench.recipe.filter import ChanceAwareFilter, FilterSpec
from apollobench.types import Item, Mode, Response, Status

OK = STATUSES.index(Status.OK)
FIRST = (MISSING, *(STATUSES.index(s) for s in (Status.ERROR, Status.UNSUPPORTED, Status.UNPARSED, Status.WRONG)))


def wants_shifts(spec: FilterSpec) -> bool:
    """Whether the filter needs the rotated questions asked."""
    return isinstance(spec, ChanceAwareFilter) and spec.shifts


def rotated(item: Item, shift: int) -> Item:
    """The item with option `shift` first and the rest after it in their circle."""
    options = item.options[shift:] + item.options[:shift]
    answer = (item.answer - shift) % len(options)
    return replace(item, id=f"{item.id}~{shift}", options=options, answer=answer)


def rotations(items: Sequence[Item]) -> list[Item]:
    """Every item under every rotation but none: k - 1 of each with k options, in their order."""
    return [rotated(item, shift) for item in items for shift in range(1, len(item.options))]


def under_all_rotations(answers: Answers, responses: Iterable[Response]) -> Answers:
    """`answers` with those in text mode judged under all rotations. responses: those to `rotations` among others.

    Right under all is a right answer; else the first wrong option chosen is the answer. Where one of them is missing,
    failed or could not be read, that is the status, in this order.
    """
    asked = gather(rotations(answers.items), responses, answers.models, [Mode.TEXT])
    status, choice = answers.status[Mode.TEXT].copy(), answers.choice[Mode.TEXT].copy()
    start = 0
    for column, item in enumerate(answers.items):
        count = len(item.options)
        block = slice(start, start + count - 1)
        states = np.column_stack([status[:, column], asked.status[Mode.TEXT][:, block]])
        placed = np.column_stack([choice[:, column], asked.choice[Mode.TEXT][:, block]])
        meant = (placed + np.arange(count)) % count
        status[:, column] = _worst(states)
        wrong = meant != item.answer
        first = meant[np.arange(len(meant)), wrong.argmax(axis=1)]
        choice[:, column] = np.where(status[:, column] == OK, first, -1)
        start += count - 1
    return replace(
        answers,
        status={**answers.status, Mode.TEXT: status},
        choice={**answers.choice, Mode.TEXT: choice},
    )


def _worst(states: Codes) -> Codes:
    """Per row the first of FIRST that occurs in it, else OK."""
    found = np.full(len(states), OK, dtype=np.int8)
    for state in reversed(FIRST):
        found[(states == state).any(axis=1)] = state
    return found

"""What a panel answered, as arrays: the plain data that every stage of curation reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.evaluate.store import ANSWERED
from apollobench.stats.clusters import Floats, Partition, partition
from apollobench.types import Item, Mode, Response, Status

Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]

STATUSES = tuple(Status)
MISSING = -1
RIGHT, NOT_RIGHT, NO_VOTE = 1, 0, -1


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers of `models` on `items`, one array [models, items] per mode.

    status: index into `STATUSES`, or MISSING where no response is stored. choice: the chosen option's index, -1 none.
    repeated: responses left aside because a later one answers the same question.
    """

    items: tuple[Item, ...]
    models: tuple[str, ...]
    status: Mapping[Mode, Codes]
    choice: Mapping[Mode, Codes]
    repeated: int = 0

    @property
    def modes(self) -> tuple[Mode, ...]:
        return tuple(self.status)

    def scores(self, mode: Mode) -> Codes:
        """[models, items]: RIGHT, NOT_RIGHT (an unparsed or wrong answer), or NO_VOTE (missing, error, unsupported)."""
        keys = np.array([item.answer for item in self.items], dtype=np.int8)
        status = self.status[mode]
        voted = np.isin(status, [STATUSES.index(answered) for answered in ANSWERED])
        right = (status == STATUSES.index(Status.OK)) & (self.choice[mode] == keys)
        return np.where(voted, right.astype(np.int8), np.int8(NO_VOTE))

    def votes(self, mode: Mode) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Per item: how many models are right, of how many that voted."""
        return tally(self.scores(mode))

    def only(self, models: Sequence[str]) -> Answers:
        """The answers of these models, in this order."""
        rows = [self.models.index(model) for model in models]
        return Answers(
            self.items,
            tuple(models),
            {mode: array[rows] for mode, array in self.status.items()},
            {mode: array[rows] for mode, array in self.choice.items()},
            self.repeated,
        )

    def at(self, columns: Bools | NDArray[np.intp]) -> Answers:
        """The answers on some items, given by mask or by position."""
        positions = np.arange(len(self.items))[columns]
        return Answers(
            tuple(self.items[i] for i in positions),
            self.models,
            {mode: array[:, positions] for mode, array in self.status.items()},
            {mode: array[:, positions] for mode, array in self.choice.items()},
            self.repeated,
        )

    @property
    def videos(self) -> Partition:
        """The items' clusters."""
        return partition([item.video.id for item in self.items])

    @property
    def chance(self) -> Floats:
        """Per item: the probability that a blind guess is right, one over the number of options."""
        return np.array([1 / len(item.options) for item in self.items])


def gather(
    items: Sequence[Item], responses: Iterable[Response], models: Sequence[str], modes: Sequence[Mode]
) -> Answers:
    """The responses of `models` in `modes` on `items`; of several to the same question the last counts.

    Responses of other models, modes and items are left aside. Raises InputError for an item that occurs twice, a key
    or a choice that is not among an item's options.
    """
    rows = {model: row for row, model in enumerate(models)}
    columns: dict[str, int] = {}
    for column, item in enumerate(items):
        if columns.setdefault(item.id, column) != column:
            raise InputError(f"{item.id}: two items have this id; every item of a pool needs its own")
        if not 0 <= item.answer < len(item.options):
            raise InputError(f"{item.id}: the key is option {item.answer}, but there are {len(item.options)} options")
    shape = (len(models), len(items))
    status = {mode: np.full(shape, MISSING, dtype=np.int8) for mode in modes}
    choice = {mode: np.full(shape, -1, dtype=np.int8) for mode in modes}
    repeated = 0
    for response in responses:
        if response.model not in rows or response.item not in columns or response.mode not in status:
            continue
        row, column = rows[response.model], columns[response.item]
        options = len(items[column].options)
        if response.choice is not None and not 0 <= response.choice < options:
            raise InputError(
                f"{response.item}: {response.model} chose option {response.choice} of {options} in {response.mode} "
                f"mode; the stored response does not belong to this item"
            )
        repeated += status[response.mode][row, column] != MISSING
        status[response.mode][row, column] = STATUSES.index(response.status)
        choice[response.mode][row, column] = -1 if response.choice is None else response.choice
    return Answers(tuple(items), tuple(models), status, choice, int(repeated))


def tally(scores: Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Per column of a score matrix [models, items]: how many are RIGHT, and how many are votes at all.

    Goes row by row, so that a matrix of a billion answers needs no second one beside it.
    """
    right = np.zeros(scores.shape[1], dtype=np.int32)
    voted = np.zeros(scores.shape[1], dtype=np.int32)
    for row in scores:
        right += row == RIGHT
        voted += row != NO_VOTE
    return right.astype(np.int64), voted.astype(np.int64)

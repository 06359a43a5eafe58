"""What an item needs, told from how many models solve it in each mode, as far as the votes can tell.

In each mode an item is `solved` when at least half of the models know it, guessing taken off (right / votes at least
(1 + chance) / 2), and guessing alone does not explain it: the binomial upper tail against chance, after Benjamini and
Hochberg over the items, is at most the level. It is `not solved` when the votes refute that half of the models know it:
the binomial lower tail against (1 + chance) / 2, adjusted alike. Else it is undecided. Models of one family are not
independent, so a family has one vote, its members' mean, and the binomial distribution is continued to fractions by the
incomplete beta function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import NO_VOTE, RIGHT
from apollobench.curate.matrix import Matrix
from apollobench.stats.clusters import Floats
from apollobench.stats.multiple import benjamini_hochberg
from apollobench.types import Mode


class State(StrEnum):
    """Whether the models solve an item in a mode."""

    SOLVED = "solved"
    NOT_SOLVED = "not solved"
    UNDECIDED = "undecided"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True, eq=False)
class Solving:
    """One mode, per item. by_family: whether families have the votes. right, votes: theirs, which may be fractions.

    p_guess: of so many right by guessing; p_half: of so few if half of the models knew; both adjusted over the items,
    nan without a test.
    """

    by_family: bool

    right: Floats
    votes: Floats
    p_guess: Floats
    p_half: Floats
    state: tuple[State, ...]


@dataclass(frozen=True, slots=True)
class ItemType:
    """A type of item: the states that make it one."""

    name: str
    meaning: str
    needs: tuple[tuple[Mode, frozenset[State]], ...]

    def fits(self, states: Mapping[Mode, State]) -> bool:
        return all(states.get(mode, State.NOT_ASKED) in allowed for mode, allowed in self.needs)


_YES, _NO, _UNASKED = frozenset({State.SOLVED}), frozenset({State.NOT_SOLVED}), frozenset({State.NOT_ASKED})
_NOT_YES = frozenset(State) - _YES
_SEEN = ((Mode.TEXT, _NO), (Mode.FRAME, _NO), (Mode.VIDEO, _YES))
UNDECIDED = "undecided"
# The first that fits.
TYPES = (
    ItemType("text-answerable", "solved without any picture", ((Mode.TEXT, _YES),)),
    ItemType("single-frame", "solved from the center frame, not from text", ((Mode.TEXT, _NO), (Mode.FRAME, _YES))),
    ItemType(
        "unsolved", "not solved with the video", ((Mode.TEXT, _NOT_YES), (Mode.FRAME, _NOT_YES), (Mode.VIDEO, _NO))
    ),
    ItemType("order-invariant", "needs several frames, in any order", (*_SEEN, (Mode.SHUFFLED, _YES))),
    ItemType("temporal", "needs the frames in their order", (*_SEEN, (Mode.SHUFFLED, _NO))),
    ItemType("video", "needs several frames; shuffled ones were not asked", (*_SEEN, (Mode.SHUFFLED, _UNASKED))),
)


def units(matrix: Matrix, by_family: bool = True) -> NDArray[np.int64]:
    """The independent unit [models] that each model belongs to: its family, or itself, also where there is but one."""
    families = list(dict.fromkeys(matrix.families))
    if by_family and len(families) > 1:
        return np.array([families.index(family) for family in matrix.families])
    return np.arange(len(matrix.models))


def unit_votes(matrix: Matrix, unit: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Per item: the sum over units of their mean vote, and how many units voted."""
    right, votes = np.zeros(len(matrix.ids)), np.zeros(len(matrix.ids))
    for name in np.unique(unit):
        rows = matrix.scores[unit == name]
        voted = (rows != NO_VOTE).sum(axis=0)
        right += np.divide((rows == RIGHT).sum(axis=0), voted, out=np.zeros(len(voted)), where=voted > 0)
        votes += voted > 0
    return right, votes


def solving(matrix: Matrix, level: float = 0.05, by_family: bool = True) -> Solving:
    """Judges every item of one mode at the false discovery rate `level`; items of unknown chance stay undecided."""
    right, votes = unit_votes(matrix, units(matrix, by_family))
    half = (1 + matrix.chance) / 2
    testable = (votes > 0) & ~np.isnan(matrix.chance)
    p_guess = benjamini_hochberg(np.where(testable, _at_least(right, votes, matrix.chance), np.nan))
    p_half = benjamini_hochberg(np.where(testable, _at_least(votes - right, votes, 1 - half), np.nan))
    with np.errstate(invalid="ignore"):
        share = right / np.maximum(votes, 1)
        yes, no = (p_guess <= level) & (share >= half), (p_half <= level) & (share < half)
    states = np.where(yes, State.SOLVED, np.where(no, State.NOT_SOLVED, State.UNDECIDED))
    state = tuple(State.NOT_ASKED if not n else State(s) for n, s in zip(votes, states, strict=True))
    return Solving(by_family, right, votes, p_guess, p_half, state)


def item_types(solved: Mapping[Mode, Solving]) -> list[str]:
    """The type of every item, `undecided` where no type fits."""
    count = len(next(iter(solved.values())).state)
    return [_type({mode: found.state[i] for mode, found in solved.items()}) for i in range(count)]


def type_counts(types: Sequence[str], categories: Sequence[str]) -> dict[str, dict[str, int]]:
    """Category (in the order of first occurrence) -> type -> items."""
    names = [*(kind.name for kind in TYPES), UNDECIDED]
    counts: dict[str, dict[str, int]] = {c: dict.fromkeys(names, 0) for c in dict.fromkeys(categories)}
    for kind, category in zip(types, categories, strict=True):
        counts[category][kind] += 1
    return counts


def _type(states: Mapping[Mode, State]) -> str:
    return next((kind.name for kind in TYPES if kind.fits(states)), UNDECIDED)


def _at_least(right: Floats, votes: Floats, chance: Floats) -> Floats:
    """P(X >= right), X binomial: I_chance(right, votes - right + 1), which fractions may enter; 1 for none right."""
    from scipy.special import betainc

    some = np.where(right > 0, right, 1.0)
    return np.where(right > 0, betainc(some, votes - some + 1, chance), 1.0)

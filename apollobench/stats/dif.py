"""Differential item functioning: is a family of models better or worse on an item than its abilities say?

An exact test. Under the Rasch model, which of the models are right on an item, given how many are, does not depend on
its difficulty: a set S has probability prod_{m in S} exp(ability_m) over the same for all sets of that size. So the
number right within a family, given the number right in all, has a known distribution (a weighted hypergeometric one;
with equal abilities it is Fisher's exact test, with strata Mantel and Haenszel's). It holds for any number of models;
abilities are taken as known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats
from apollobench.stats.multiple import benjamini_hochberg


@dataclass(frozen=True, slots=True)
class Shift:
    """A family on an item: how many of it are right, of how many that voted; how many its abilities lead to expect.

    p: two-sided exact; q: after Benjamini and Hochberg over all items and families tested.
    """

    item: int
    family: str
    right: int
    votes: int
    expected: float
    p: float
    q: float


@dataclass(frozen=True, slots=True)
class Shifts:
    """All tests that could be made. least: the smallest p that any could have given; needed: what the first rejection
    at `level` needs where no other test helps it. With least > needed none can be found alone."""

    tests: tuple[Shift, ...]
    level: float
    least: float

    @property
    def found(self) -> tuple[Shift, ...]:
        return tuple(test for test in self.tests if test.q <= self.level)

    @property
    def needed(self) -> float:
        return self.level / max(1, len(self.tests))


def family_shifts(scores: NDArray[np.int8], ability: Floats, families: tuple[str, ...], level: float = 0.05) -> Shifts:
    """Tests every family of two or more on every item of `scores` [models, items] (1 right, 0 not, negative no vote).

    Left out: items that all who voted solve or miss, families with fewer than two votes on an item or with all of its
    votes, and families of one model, whose quirk and whose luck cannot be told apart.
    """
    raw = list(_tests(scores, ability, families))
    adjusted = benjamini_hochberg([p for *_, p, _ in raw])
    tests = tuple(
        Shift(item, family, right, votes, expected, p, float(q))
        for (item, family, right, votes, expected, p, _), q in zip(raw, adjusted, strict=True)
    )
    return Shifts(tests, level, min((least for *_, least in raw), default=1.0))


def _tests(
    scores: NDArray[np.int8], ability: Floats, families: tuple[str, ...]
) -> Iterator[tuple[int, str, int, int, float, float, float]]:
    ease = np.exp(ability - ability.mean())
    names = np.array(families)
    several = [name for name in dict.fromkeys(families) if families.count(name) > 1]
    members = {name: names == name for name in several}

    @cache
    def distribution(name: str, voters: bytes, k: int) -> Floats:
        voted = np.frombuffer(voters, dtype=np.bool_)
        inside, outside = _symmetric(ease[voted & members[name]]), _symmetric(ease[voted & ~members[name]])
        weights = np.array(
            [inside[t] * outside[k - t] if 0 <= k - t < len(outside) else 0.0 for t in range(len(inside))]
        )
        return np.asarray(weights / weights.sum(), dtype=np.float64)

    for item in range(scores.shape[1]):
        column = scores[:, item]
        voted = column >= 0
        k, n = int((column == 1).sum()), int(voted.sum())
        if not 0 < k < n:
            continue
        for name in several:
            votes = int((voted & members[name]).sum())
            if not 2 <= votes < n:
                continue
            chances = distribution(name, voted.tobytes(), k)
            right = int((column[members[name]] == 1).sum())
            expected = float(np.arange(votes + 1) @ chances)
            p = float(chances[chances <= chances[right] * (1 + 1e-9)].sum())
            yield item, name, right, votes, expected, min(1.0, p), float(chances[chances > 0].min())


def _symmetric(weights: Floats) -> Floats:
    """Elementary symmetric polynomials of `weights`, of every degree."""
    found = np.ones(1)
    for weight in weights:
        found = np.append(found, 0.0) + np.append(0.0, found * weight)
    return found

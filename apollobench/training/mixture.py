"""Which sample stands where in training: a function of the seed and the step alone, so that nothing has to be resumed.

The shares are kept within every stretch of samples, not only on the whole: the places of a block are shared out like
the teeth of several combs, one per kind, shaken a little. Within a kind every sample is drawn once before any is drawn
again, each time in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from apollobench.errors import InputError
from apollobench.training.recipe import KINDS, Kind

BLOCK = 10_000
CANDIDATES = 16


@dataclass(frozen=True, slots=True)
class Draw:
    """A place in a batch: the sample's number within its kind, then those that stand in for it if it is unusable."""

    kind: Kind
    candidates: tuple[int, ...]


class Mixture:
    """The draws of one stage. sizes: how many samples there are of each kind.

    Raises `InputError` for a kind that has a share but no samples.
    """

    def __init__(self, shares: Mapping[Kind, float], sizes: Mapping[Kind, int], batch: int, seed: tuple[int, ...]):
        empty = [kind for kind in KINDS if shares[kind] and not sizes.get(kind)]
        if empty:
            raise InputError(f"the mixture wants {shares[empty[0]]:g} of {empty[0]}, but there is no such data")
        self._sizes, self._batch, self._seed = sizes, batch, seed
        self._quotas = quotas([shares[kind] for kind in KINDS])

    def batch(self, step: int) -> list[Draw]:
        """The whole batch of step number `step`, counted from 0."""
        return [self._draw(place) for place in range(step * self._batch, (step + 1) * self._batch)]

    def _draw(self, place: int) -> Draw:
        block, offset = divmod(place, BLOCK)
        kinds = _kinds(self._quotas, (1, *self._seed, block))
        chosen = int(kinds[offset])
        before = block * self._quotas[chosen] + int((kinds[:offset] == chosen).sum())
        kind = KINDS[chosen]
        size = self._sizes[kind]
        epoch, first = divmod(before, size)
        order = _order(size, (2, *self._seed, chosen, epoch))
        return Draw(kind, tuple(int(order[(first + n) % size]) for n in range(min(CANDIDATES, size))))


def quotas(shares: Sequence[float]) -> tuple[int, ...]:
    """Places of a block for each share, by largest remainder; they add up to `BLOCK`."""
    exact = np.array(shares) * BLOCK
    whole = np.floor(exact + 1e-6).astype(int)
    short = BLOCK - whole.sum()
    whole[np.argsort(whole - exact, kind="stable")[:short]] += 1
    return tuple(int(count) for count in whole)


@lru_cache(maxsize=4)
def _kinds(quotas: tuple[int, ...], seed: tuple[int, ...]) -> NDArray[np.int64]:
    """The kind of every place of a block."""
    counts = np.array(quotas)
    numbers = np.concatenate([np.arange(count) for count in counts])
    places = (numbers + np.random.default_rng(seed).random(BLOCK)) / np.repeat(counts, counts)
    return np.repeat(np.arange(len(counts)), counts)[np.argsort(places, kind="stable")]


@lru_cache(maxsize=2 * len(KINDS))
def _order(size: int, seed: tuple[int, ...]) -> NDArray[np.int64]:
    """The order in which an epoch of one kind is drawn."""
    return np.random.default_rng(seed).permutation(size)

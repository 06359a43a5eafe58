"""What a selection chooses from, how many of each category it wants, and how ties are ordered."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import Codes
from apollobench.recipe.select import Quotas
from apollobench.stats.clusters import Floats
from apollobench.types import Item


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The survivors as columns. category: index into `categories`; video: cluster number; both int [items].

    scores: the panel's score matrix int8 [models, items] in the mode that ranks, as `Answers.scores` gives it.
    families [models]: what is not independent of each other shares one. cost [items]: of showing an item to a model,
    in the unit of the recipe's budget; None where nobody asked for one.
    """

    ids: tuple[str, ...]
    category: NDArray[np.intp]
    video: NDArray[np.intp]
    scores: Codes
    families: tuple[str, ...]
    categories: tuple[str, ...]
    cost: Floats | None = None

    @property
    def sources(self) -> NDArray[np.str_]:
        """What each item's id says before its first slash."""
        return np.array([name.split("/", 1)[0] for name in self.ids])


def quota_per_category(spec: Quotas, candidates: Candidates) -> dict[str, int]:
    """Items wanted per category.

    balanced: equal shares, the remainder going to the first categories in their order. proportional: the candidates'
    shares, the remainder going to the largest fractions, then to the first in order.
    """
    names = candidates.categories
    if isinstance(spec.quotas, dict):
        return dict(spec.quotas)
    if spec.quotas == "balanced":
        share, rest = divmod(spec.size, len(names))
        return {name: share + (i < rest) for i, name in enumerate(names)}
    held = np.bincount(candidates.category, minlength=len(names))
    exact = min(spec.size, int(held.sum())) * held / max(1, held.sum())
    wanted = np.floor(exact + 1e-9).astype(int)
    short = round(float(exact.sum())) - int(wanted.sum())
    wanted[np.argsort(-np.round(exact - wanted, 9), kind="stable")[:short]] += 1
    return {name: int(count) for name, count in zip(names, wanted, strict=True)}


@lru_cache(maxsize=2)
def tie_keys(ids: tuple[str, ...], seed: int) -> NDArray[np.uint64]:
    """A number per item that depends on its id and the seed alone: BLAKE2b, 8 bytes."""
    prefix = f"{seed}:".encode()
    hashes = b"".join(hashlib.blake2b(prefix + name.encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(hashes, dtype=">u8").astype(np.uint64)


def spread_order(count: int, start: int) -> Floats:
    """For places 0 .. count - 1 on a line, a priority in (0, 1]: the highest ones lie evenly along it, however many.

    One minus the van der Corput sequence in base 2 (the bits of the place reversed) from place `start` on and round the
    end, so that any number of first places is a systematic sample to within the logarithm of that number.
    """
    bits = max(1, (count - 1).bit_length())
    places = np.arange(count, dtype=np.uint64)
    turned = np.zeros(count, dtype=np.uint64)
    for bit in range(bits):
        turned |= ((places >> np.uint64(bit)) & np.uint64(1)) << np.uint64(bits - 1 - bit)
    return np.roll(1 - turned / 2.0**bits, start % max(1, count))


def members(candidates: Candidates, eligible: Sequence[bool] | NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Positions of the eligible candidates of each category, in order of category."""
    mask = np.asarray(eligible, dtype=np.bool_)
    order = np.argsort(candidates.category, kind="stable")
    order = order[mask[order]]
    edges = np.searchsorted(candidates.category[order], np.arange(len(candidates.categories) + 1))
    return [order[start:stop] for start, stop in pairwise(edges)]


def item_seconds(items: Sequence[Item]) -> Floats:
    """Seconds of the video that each item [items] asks about; nan where it cannot be read."""
    from apollobench.video.lengths import video_lengths

    known = video_lengths(item.video.path for item in items)
    return np.array([known.get(item.video.path, np.nan) for item in items])

"""Chooses the benchmark's items from the survivors: a score per item, then quotas, then ties by hash.

Rankers give the scores and are registered by name; the recipe names one. All of it works on arrays, without a matrix
beside the one given, so that a thousand models and a million items fit into a small machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import Codes, tally
from apollobench.errors import InputError
from apollobench.recipe import EntropySelection, Quotas, RandomSelection
from apollobench.stats.clusters import Floats
from apollobench.types import CATEGORIES


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The survivors as columns. category: index into CATEGORIES; video: cluster number; both int [items].

    scores: the panel's score matrix int8 [models, items] in the mode that ranks, as `Answers.scores` gives it.
    """

    ids: Sequence[str]
    category: NDArray[np.intp]
    video: NDArray[np.intp]
    scores: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """chosen: positions of the selected items, best first. score [items]: what they were ranked by, nan = not rankable.

    wanted, taken: items per category asked for and found.
    """

    chosen: NDArray[np.intp]
    score: Floats
    wanted: Mapping[str, int]
    taken: Mapping[str, int]

    @property
    def short(self) -> Mapping[str, tuple[int, int]]:
        """Category -> (taken, wanted) wherever there were too few."""
        return {c: (self.taken[c], wanted) for c, wanted in self.wanted.items() if self.taken[c] < wanted}


Ranker = Callable[[Candidates, Any], Floats]
RANKERS: dict[str, Ranker] = {}


def ranker(name: str) -> Callable[[Ranker], Ranker]:
    """Registers a ranker under the name that a recipe's `select.method` gives: score [items], higher is better."""

    def register(function: Ranker) -> Ranker:
        RANKERS[name] = function
        return function

    return register


@ranker("entropy")
def entropy(candidates: Candidates, spec: EntropySelection) -> Floats:
    """Entropy in bits of right against wrong among the votes; nan for an item without a vote."""
    return binary_entropy(*tally(candidates.scores))


@ranker("random")
def random(candidates: Candidates, spec: RandomSelection) -> Floats:
    """Nothing tells the items apart, so that the seeded hash decides alone."""
    return np.zeros(len(candidates.ids))


def binary_entropy(right: NDArray[np.int64], voted: NDArray[np.int64]) -> Floats:
    """H = -p log2 p - (1 - p) log2(1 - p) with p = right / voted, 0 log 0 = 0; nan where nobody voted.

    Computed from the rarer outcome, so that 3 of 10 and 7 of 10 tie exactly.
    """
    from scipy.special import xlogy

    rare = np.minimum(right, voted - right)
    with np.errstate(invalid="ignore"):
        p, q = rare / voted, (voted - rare) / voted
    return np.asarray(-(xlogy(p, p) + xlogy(q, q)) / np.log(2) + 0.0, dtype=np.float64)


def select(candidates: Candidates, spec: EntropySelection | RandomSelection) -> Selection:
    """The selection a recipe asks for.

    Raises InputError when nobody survived, and, where `when_short` is `stop`, when a category has too few survivors.
    """
    if not len(candidates.ids):
        raise InputError(
            "no item survived the filter, so there is nothing to select from; see the report's filter table"
        )
    score = RANKERS[spec.method](candidates, spec)
    wanted = quota_per_category(spec)
    chosen = _fill(candidates, score, tie_keys(candidates.ids, spec.seed), wanted, spec.max_per_video)
    if not len(chosen):
        raise InputError("no survivor can be ranked: the panel has no usable answer in the mode that ranks")
    counts = np.bincount(candidates.category[chosen], minlength=len(CATEGORIES))
    selection = Selection(chosen, score, wanted, {c: int(counts[CATEGORIES.index(c)]) for c in wanted})
    if selection.short and spec.when_short == "stop":
        found = ", ".join(f"{c} {taken} of {asked}" for c, (taken, asked) in selection.short.items())
        raise InputError(
            f"too few survivors: {found}. Ask for fewer with --size, widen the pool, or set select.when_short: take_all"
        )
    return selection


def quota_per_category(spec: Quotas) -> dict[str, int]:
    """Items wanted per category. Balanced: equal shares, the remainder going to the first categories in their order."""
    if isinstance(spec.quotas, dict):
        return dict(spec.quotas)
    share, rest = divmod(spec.size, len(CATEGORIES))
    return {category: share + (i < rest) for i, category in enumerate(CATEGORIES)}


def tie_keys(ids: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """A number per item that depends on its id and the seed alone: BLAKE2b, 8 bytes."""
    prefix = f"{seed}:".encode()
    hashes = b"".join(hashlib.blake2b(prefix + name.encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(hashes, dtype=">u8").astype(np.uint64)


def _fill(
    candidates: Candidates,
    score: Floats,
    ties: NDArray[np.uint64],
    wanted: Mapping[str, int],
    max_per_video: int | None,
) -> NDArray[np.intp]:
    """One pass from the best to the worst: take an item while its category and its video still have room."""
    ranked = np.lexsort((ties, -score))
    ranked = ranked[~np.isnan(score[ranked])]
    room = [wanted.get(category, 0) for category in CATEGORIES]
    left = sum(room)
    per_video: dict[int, int] = {}
    chosen: list[int] = []
    categories, videos = candidates.category.tolist(), candidates.video.tolist()
    for position in ranked.tolist():
        if not left:
            break
        category, video = categories[position], videos[position]
        if not room[category] or (max_per_video is not None and per_video.get(video, 0) >= max_per_video):
            continue
        chosen.append(position)
        room[category] -= 1
        left -= 1
        per_video[video] = per_video.get(video, 0) + 1
    return np.array(chosen, dtype=np.intp)

"""What passes between the methods that sort items into categories and those who use them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate, clustered_proportion
from apollobench.types import CATEGORIES, Item


@dataclass(frozen=True, slots=True)
class Categorized:
    """An item whose `category` is set, and where the category came from.

    provenance: `native:label=value`, `text:p=0.83`, `http:MODEL` or `decision:REVIEWER`.
    """

    item: Item
    provenance: str

    @property
    def origin(self) -> str:
        """The provenance without what differs from item to item: `native`, `text`, `http:MODEL`, `decision:WHO`."""
        kind = self.provenance.partition(":")[0]
        return kind if kind in ("native", "text") else self.provenance


@dataclass(frozen=True, slots=True)
class Quality:
    """A method's categories against known ones, with intervals clustered by video.

    how: what was measured, and on what. accuracy: share of the items put where they belong. majority: the same for
    always saying the commonest category. found: by category, the share of its items that are put there. sound: by
    category, the share of the items put there that are of it. abroad: by source, accuracy and majority on it after
    learning from the other sources alone; empty where that cannot be measured.
    """

    how: str
    accuracy: Estimate
    majority: Estimate
    found: Mapping[str, Estimate]
    sound: Mapping[str, Estimate]
    abroad: Mapping[str, tuple[Estimate, Estimate]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sorting:
    """A pool with its categories, how good the method is where that was measured, and what should be known of it."""

    categorized: tuple[Categorized, ...]
    quality: Quality | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """What a method is given. known: per item, its category by decision or label; None where the method has to tell.

    reasons: per item, why it has no usable label; empty where it has. folder: where answers are kept; None: nowhere.
    level: confidence of intervals.
    """

    items: tuple[Item, ...]
    known: tuple[Categorized | None, ...]
    reasons: tuple[str, ...]
    folder: Path | None
    level: float

    @property
    def unknown(self) -> list[int]:
        """Positions of the items whose category the method has to tell."""
        return [i for i, entry in enumerate(self.known) if entry is None]

    def filled(self, told: Mapping[int, Categorized]) -> tuple[Categorized, ...]:
        """The whole pool, with `told` at the positions that were unknown."""
        return tuple(told[i] if entry is None else entry for i, entry in enumerate(self.known))


Categorizer = Callable[[Job, Any], Sorting]
CATEGORIZERS: dict[str, Categorizer] = {}


def categorizer(name: str) -> Callable[[Categorizer], Categorizer]:
    """Registers a method under the name that a recipe's `categorize.method` gives."""

    def register(function: Categorizer) -> Categorizer:
        CATEGORIZERS[name] = function
        return function

    return register


def agreement(
    how: str,
    items: Sequence[Item],
    truth: Sequence[str],
    told: Sequence[str],
    majority: Sequence[str],
    level: float,
    abroad: Mapping[str, tuple[Estimate, Estimate]] | None = None,
) -> Quality:
    """The categories `told` of items, and those of the majority rule, against their `truth`; all lists [items]."""
    known, given = np.array(truth), np.array(told)

    def share(right: np.ndarray[Any, Any], of: np.ndarray[Any, Any]) -> Estimate:
        videos = partition([item.video.id for item, inside in zip(items, of, strict=True) if inside])
        return clustered_proportion(right[of].astype(np.float64), videos, level)

    everything = np.ones(len(items), dtype=np.bool_)
    return Quality(
        how=how,
        accuracy=share(given == known, everything),
        majority=share(np.array(majority) == known, everything),
        found={c: share(given == known, known == c) for c in CATEGORIES if (known == c).any()},
        sound={c: share(given == known, given == c) for c in CATEGORIES if (given == c).any()},
        abroad=abroad or {},
    )

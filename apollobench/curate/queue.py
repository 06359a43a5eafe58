"""The review queue: the most suspicious items first, and how many of the flaws it finds where they are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from apollobench.curate.itemcards import ItemCard
from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate, clustered_proportion
from apollobench.stats.roc import roc_area

ORDERS: dict[str, Callable[[ItemCard], tuple[float | str, ...]]] = {
    "suspicion": lambda card: (-card.suspicion, card.id),
    "item_rest": lambda card: (np.inf if card.item_rest is None else card.item_rest, card.id),
    "difficulty": lambda card: (np.inf if card.difficulty is None else -card.difficulty, card.id),
    "id": lambda card: (card.id,),
}


@dataclass(frozen=True, slots=True)
class Found:
    """How well suspicion finds a kind of flaw in a pool whose truth is known. flaw: empty for any.

    area: under the ROC curve against all sound items. first: of so many items at the head of the queue as there are
    flaws, the share that has the flaw (precision and recall at once).
    """

    flaw: str
    flaws: int
    area: Estimate
    first: Estimate


def queue(cards: Sequence[ItemCard]) -> list[ItemCard]:
    """The items with a reason to look at, the most suspicious first, equal ones by id."""
    return sorted((card for card in cards if card.reasons), key=ORDERS["suspicion"])


def found_flaws(cards: Sequence[ItemCard], level: float = 0.95) -> list[Found]:
    """Every kind of flaw that occurs, then all kinds together; nothing where truth is not known or all are sound."""
    known = [card for card in cards if card.truth is not None]
    flaws = sorted({card.truth.flaw for card in known if card.truth and card.truth.flaw})
    return [_found(known, kind, level) for kind in ([*flaws, ""] if len(flaws) > 1 else flaws)]


def _found(known: Sequence[ItemCard], kind: str, level: float) -> Found:
    """Items with another flaw are left out: finding them is no mistake."""
    cards = [card for card in known if card.truth and (not card.truth.flaw or not kind or card.truth.flaw == kind)]
    positive = np.array([bool(card.truth and card.truth.flaw) for card in cards])
    videos = [card.video for card in cards]
    area = roc_area([card.suspicion for card in cards], positive, partition(videos), level)
    ranked = sorted(range(len(cards)), key=lambda n: ORDERS["suspicion"](cards[n]))[: int(positive.sum())]
    first = clustered_proportion(positive[ranked].astype(np.float64), partition([videos[n] for n in ranked]), level)
    return Found(kind, int(positive.sum()), area, first)

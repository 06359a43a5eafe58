"""Why somebody should look at an item: reasons from the answers and the media, each with its evidence and a weight.

A weight is counted in bans, -log10 of how likely a sound item shows as much: 1 is one in ten, 2 one in a hundred. No
reason weighs more than `MOST`, since no model of a sound item is true further out. Reasons overlap, so their sum ranks
items and is not a probability.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import Answers
from apollobench.curate.itemtypes import Solving
from apollobench.stats.itemrest import ItemRest
from apollobench.types import LETTERS, Mode

MOST = 3.0
RARE = 0.1
TEXT_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: which, in words, and its weight in bans."""

    name: str
    evidence: str
    bans: float


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known of all items. answers: None where only scores are known, so that no option can be named.

    units [models of the video mode]: as of `itemtypes.units`. faults: position -> what is wrong with the item's file.
    """

    answers: Answers | None
    units: NDArray[np.int64]
    types: tuple[str, ...]
    solved: Mapping[Mode, Solving]
    item_rest: ItemRest
    faults: Mapping[int, str]


Finder = Callable[[Evidence], Iterator[tuple[int, Reason]]]
REASONS: dict[str, Finder] = {}


def reason(name: str) -> Callable[[Callable[[Evidence], Iterator[tuple[int, str, float]]]], Finder]:
    """Registers what yields (position of an item, evidence, bans) under the reason's name."""

    def register(find: Callable[[Evidence], Iterator[tuple[int, str, float]]]) -> Finder:
        def found(evidence: Evidence) -> Iterator[tuple[int, Reason]]:
            for position, text, bans in find(evidence):
                yield position, Reason(name, text, min(MOST, bans))

        REASONS[name] = found
        return found

    return register


def reasons(evidence: Evidence) -> dict[int, tuple[Reason, ...]]:
    """Position of an item -> its reasons, heaviest first; items without one are left out."""
    found: dict[int, list[Reason]] = {}
    for find in REASONS.values():
        for position, why in find(evidence):
            found.setdefault(position, []).append(why)
    return {position: tuple(sorted(why, key=lambda r: -r.bans)) for position, why in found.items()}


@reason("against the key")
def against_the_key(evidence: Evidence) -> Iterator[tuple[int, str, float]]:
    """The models' choices fit another option better than the key.

    If option j were right, a model of accuracy a would choose it with probability a and any other of K with
    (1 - a) / (K - 1); so j is likelier than the key by the product, over models that chose j and over one for those
    that chose the key, of a (K - 1) / (1 - a). Models worse than guessing count for nothing, and those of one family
    together as one.
    """
    if evidence.answers is None or Mode.VIDEO not in evidence.answers.modes:
        return
    answers = evidence.answers
    right, voted = (answers.scores(Mode.VIDEO) == 1).sum(axis=1), (answers.scores(Mode.VIDEO) >= 0).sum(axis=1)
    accuracy = (right + 1) / (voted + 2)
    share = 1 / np.bincount(evidence.units)[evidence.units]
    for position, item in enumerate(answers.items):
        choice, count = answers.choice[Mode.VIDEO][:, position], len(item.options)
        weight = share * np.maximum(0, np.log10(accuracy * (count - 1) / (1 - accuracy)))
        for_option = np.bincount(choice[choice >= 0], weights=weight[choice >= 0], minlength=count)
        chosen = np.bincount(choice[choice >= 0], minlength=count)
        bans = for_option - for_option[item.answer]
        other = int(bans.argmax())
        if bans[other] > 0:
            times = "over 1,000" if bans[other] > MOST else f"{10 ** bans[other]:,.1f}"
            yield (
                position,
                f"{chosen[other]} of {chosen.sum()} models chose {LETTERS[other]}, {chosen[item.answer]} the key "
                f"{LETTERS[item.answer]}; were {LETTERS[other]} right, that would be {times} times as likely",
                float(bans[other]),
            )


@reason("item-rest r < 0")
def negative_item_rest(evidence: Evidence) -> Iterator[tuple[int, str, float]]:
    """Models that are better elsewhere do worse here, as under a wrong key."""
    r, se, p = evidence.item_rest.r, evidence.item_rest.se, evidence.item_rest.p
    for position in np.flatnonzero((r < 0) & ~np.isnan(p)):
        text = f"r = {r[position]:.2f} (standard error {se[position]:.2f}, p = {p[position]:.2g})"
        yield int(position), text, -float(np.log10(p[position]))


@reason("among the hardest")
def among_the_hardest(evidence: Evidence) -> Iterator[tuple[int, str, float]]:
    """At most a tenth of the items are solved by so few: a hard question, or one that has no right answer. The weight
    is of that share itself, so that in a pool of hard items it is small."""
    if Mode.VIDEO not in evidence.solved:
        return
    found = evidence.solved[Mode.VIDEO]
    asked = found.votes > 0
    shares = np.divide(found.right, found.votes, out=np.full(len(asked), np.nan), where=asked).round(9)
    ordered = np.sort(shares[asked])
    for position in np.flatnonzero(asked):
        rarer = float(np.searchsorted(ordered, shares[position], side="right") / len(ordered))
        if rarer <= RARE:
            text = (
                f"{found.right[position]:.3g} of {found.votes[position]:g} votes right, {rarer:.2%} of the items as few"
            )
            yield int(position), text, -float(np.log10(rarer))


@reason("two dominant options")
def two_options(evidence: Evidence) -> Iterator[tuple[int, str, float]]:
    """Two options share nearly all answers, each at least three in ten, both together nine in ten, although there are
    three or more: the other wrong options are not in play, by the binomial probability that so many of the wrong
    answers meet on one of them, times the number of wrong options."""
    if evidence.answers is None or Mode.VIDEO not in evidence.answers.modes:
        return
    from scipy.special import bdtrc

    for position, item in enumerate(evidence.answers.items):
        choice, wrong = evidence.answers.choice[Mode.VIDEO][:, position], len(item.options) - 1
        chosen = np.bincount(choice[choice >= 0], minlength=wrong + 1)
        first, second = np.argsort(-chosen, kind="stable")[:2]
        total = chosen.sum()
        if wrong < 2 or chosen[second] < 0.3 * total or chosen[first] + chosen[second] < 0.9 * total:
            continue
        missed = total - chosen[item.answer]
        most = max(chosen[option] for option in (first, second) if option != item.answer)
        p = min(1.0, wrong * float(bdtrc(most - 1, missed, 1 / wrong)))
        if p < 1:
            text = (
                f"{chosen[first]} chose {LETTERS[first]}, {chosen[second]} {LETTERS[second]} of {total} (p = {p:.2g})"
            )
            yield position, text, -float(np.log10(p))


@reason("faulty media")
def faulty_media(evidence: Evidence) -> Iterator[tuple[int, str, float]]:
    """The doctor's register knows a fault of the item's file."""
    for position, fault in evidence.faults.items():
        yield position, fault, MOST


@reason("text-answerable")
def text_answerable(evidence: Evidence) -> Iterator[tuple[int, str, float]]:
    """Needs no video: no mistake, so a small fixed weight puts it behind what may be one."""
    for position, kind in enumerate(evidence.types):
        if kind == "text-answerable":
            found = evidence.solved[Mode.TEXT]
            text = f"{found.right[position]:.3g} of {found.votes[position]:g} votes right without any picture"
            yield position, text, TEXT_WEIGHT


def suspicion(why: tuple[Reason, ...]) -> float:
    """The sum of the reasons' weights."""
    return float(sum(r.bans for r in why))

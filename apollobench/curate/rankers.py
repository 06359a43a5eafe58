"""Scores that order the survivors for selection, one registered function per method of a recipe.

All of it works on arrays, without a matrix beside the one given, so that a thousand models and a million items fit into
a small machine; `information` alone needs a few copies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import tally
from apollobench.curate.candidates import Candidates, members, spread_order, tie_keys
from apollobench.errors import InputError
from apollobench.recipe.select import EntropySelection, InformationSelection, ItemRestSelection, RandomSelection
from apollobench.recipe.select import StratifiedSelection as Stratified
from apollobench.stats.clusters import Floats
from apollobench.stats.itemresponse import expected_information, fit_irt
from apollobench.stats.itemrest import item_rest
from apollobench.stats.items import shrunk

LEAST_MODELS = 3
LEAST_SHARE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """score [items]: higher is better, nan for an item that cannot be ranked. notes: what the report should tell.

    representative: whether accuracy on the items chosen estimates accuracy on all, given quotas in proportion.
    """

    score: Floats
    notes: tuple[str, ...] = ()
    representative: bool = False


Ranker = Callable[[Candidates, Any], Ranking]
RANKERS: dict[str, Ranker] = {}


def ranker(name: str) -> Callable[[Ranker], Ranker]:
    """Registers a ranker under the name that a recipe's `select.method` gives."""

    def register(function: Ranker) -> Ranker:
        RANKERS[name] = function
        return function

    return register


@ranker("entropy")
def entropy(candidates: Candidates, spec: EntropySelection) -> Ranking:
    """Entropy in bits of right against wrong among the votes; nan for an item without a vote."""
    return Ranking(binary_entropy(*tally(candidates.scores)))


@ranker("random")
def random(candidates: Candidates, spec: RandomSelection) -> Ranking:
    """A number between 0 and 1 from the seeded hash of the id."""
    return Ranking(tie_keys(candidates.ids, spec.seed) / 2.0**64, representative=True)


@ranker("stratified")
def stratified(candidates: Candidates, spec: Stratified) -> Ranking:
    """Within each category, a priority that spreads the first items of it evenly over difficulty."""
    right, voted = tally(candidates.scores)
    spread = spread_over_difficulty(candidates, voted > 0, difficulty(right, voted), spec.seed)
    return Ranking(spread, representative=True)


@ranker("item_rest")
def item_rest_correlation(candidates: Candidates, spec: ItemRestSelection) -> Ranking:
    """Corrected point-biserial correlation, shrunk; refused where the items differ by little more than chance."""
    score, share = shrunk_item_rest(candidates)
    if share < LEAST_SHARE:
        raise InputError(
            f"item_rest cannot tell these items apart: over {len(candidates.scores)} models {share:.1%} of the "
            f"variance of their item-rest correlations is more than sampling error, less than {LEAST_SHARE:.0%}. Ask "
            f"more models, or use stratified or random"
        )
    told = f"{share:.0%} of the variance of the item-rest correlations is more than sampling error"
    return Ranking(np.where(tally(candidates.scores)[1] > 0, score, np.nan), (told,))


@ranker("information")
def information(candidates: Candidates, spec: InformationSelection) -> Ranking:
    """Expected Fisher information; refused where the answers tell less than half of the spread among the items.

    That is the rule of `ItemResponse.identified`: else the prior would rank the items.
    """
    try:
        found = fit_irt(candidates.scores, spec.model)
    except ValueError as error:
        raise InputError(f"information: {error}; name more models in the panel, or use another method") from error
    if not found.identified:
        rather = "use model: rasch, or another method" if spec.model == "2pl" else "use another method"
        raise InputError(
            f"information ({spec.model}) cannot tell these items apart: {found.warning}. Ask more models, {rather}"
        )
    score = np.where(tally(candidates.scores)[1] > 0, expected_information(found), np.nan)
    told = " and ".join(f"{share:.0%}" for share in found.learned)
    return Ranking(score, (f"{spec.model}: the answers tell {told} of the spread among the items",))


def binary_entropy(right: NDArray[np.int64], voted: NDArray[np.int64]) -> Floats:
    """H = -p log2 p - (1 - p) log2(1 - p) with p = right / voted, 0 log 0 = 0; nan where nobody voted.

    Computed from the rarer outcome, so that 3 of 10 and 7 of 10 tie exactly.
    """
    from scipy.special import xlogy

    rare = np.minimum(right, voted - right)
    with np.errstate(invalid="ignore"):
        p, q = rare / voted, (voted - rare) / voted
    return np.asarray(-(xlogy(p, p) + xlogy(q, q)) / np.log(2) + 0.0, dtype=np.float64)


def difficulty(right: NDArray[np.int64], voted: NDArray[np.int64]) -> Floats:
    """(right + 1/2) / (votes + 1) [items]: so that one of one does not count as easier than nine of ten."""
    return np.asarray((right + 0.5) / (voted + 1.0))


def spread_over_difficulty(candidates: Candidates, eligible: NDArray[np.bool_], easy: Floats, seed: int) -> Floats:
    """Priorities in (0, 1] [items], per category even along `easy` whatever the quota; nan where not eligible.

    Items of equal difficulty stand in the order of their hash.
    """
    ties = tie_keys(candidates.ids, seed)
    found = np.full(len(candidates.ids), np.nan)
    starts = tie_keys(candidates.categories, seed)
    for positions, start in zip(members(candidates, eligible), starts, strict=True):
        line = positions[np.lexsort((ties[positions], easy[positions]))]
        found[line] = spread_order(len(line), int(start))
    return found


def shrunk_item_rest(candidates: Candidates) -> tuple[Floats, float]:
    """`shrunk` correlations [items] and share. Raises InputError for fewer than three models."""
    answering = int((candidates.scores >= 0).any(axis=1).sum())
    if answering < LEAST_MODELS:
        raise InputError(
            f"item-rest correlation needs the answers of {LEAST_MODELS} models or more in the mode that ranks, found "
            f"{answering}; name more models in the panel, or use stratified or random"
        )
    votes = tally(candidates.scores)[1]
    return shrunk(item_rest(candidates.scores).r, votes)

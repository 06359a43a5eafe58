"""Is an item answered without its video more often than guessing explains? One exact test for each item of a mode.

The ability on an item is the probability that a model of a family not asked so far is right about it
(`apollobench.stats.votes`). Tested is ability <= chance + margin. A habit that all families share, such as preferring
option A, is ability in this sense; rotating the options (`apollobench.curate.shifts`) takes it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import NO_VOTE, RIGHT
from apollobench.curate.matrix import Matrix
from apollobench.errors import InputError
from apollobench.stats.clusters import partition
from apollobench.stats.votes import GRID, beta_prior, right_pmf, right_tail, spread

BELOW_ONE = 1 - 1e-9  # at 1 a family cannot disagree, and a posterior given that it did is 0 / 0

Correlation = float | Literal["estimate"]


@dataclass(frozen=True, slots=True)
class BlindTest:
    """p: of at least so many right votes at ability chance + margin. posterior: probability of an ability above it."""

    p: float
    posterior: float


def blind_tests(votes: Matrix, margin: float, correlation: Correlation) -> list[BlindTest]:
    """One test for each item of a mode. correlation: of the votes of one family (`family_correlation`).

    The posterior's prior is a beta distribution for each number of options, with the mean and the variance that the
    abilities have between items, by the moments of the votes; uniform where two families cannot be compared.
    Raises InputError where chance is not known.
    """
    if np.isnan(votes.chance).any():
        unknown = votes.ids[int(np.flatnonzero(np.isnan(votes.chance))[0])]
        raise InputError(
            f"item {unknown}: how many options it has is not known, so neither is chance; give n_options in items.csv"
        )
    rho = family_correlation(votes, correlation)
    right = (votes.scores == RIGHT).sum(axis=0)
    p, posterior = np.ones(len(votes.ids)), np.ones(len(votes.ids))
    for chance in np.unique(votes.chance):
        alike = np.flatnonzero(votes.chance == chance)
        null = min(1.0, float(chance) + margin)
        moments = spread(votes.scores[:, alike], votes.families)
        prior = beta_prior(moments.mean, moments.variance)
        patterns, which = _patterns(votes, alike)
        for number, sizes in enumerate(patterns):
            members = alike[which == number]
            p[members] = right_tail(sizes, [null], rho)[0, right[members]]
            weights = prior[:, None] * right_pmf(sizes, GRID, min(rho, BELOW_ONE))
            posterior[members] = (weights[null + 1e-9 < GRID].sum(axis=0) / weights.sum(axis=0))[right[members]]
    return [BlindTest(*pair) for pair in zip(p.tolist(), posterior.tolist(), strict=True)]


def family_correlation(votes: Matrix, given: Correlation) -> float:
    """The correlation to use: the one given, or that of the votes, in [0, 1].

    A panel of one family cannot tell what its models share by kinship from what is shared by all: it counts as one
    vote (1). Where every family has one model there is nothing to correct (0).
    """
    if given != "estimate":
        return given
    voters = [family for family, row in zip(votes.families, votes.scores, strict=True) if (row != NO_VOTE).any()]
    if len(set(voters)) == len(voters):
        return 0.0
    found = spread(votes.scores, votes.families).correlation
    return 1.0 if np.isnan(found) else float(np.clip(found, 0.0, 1.0))


def _patterns(votes: Matrix, items: NDArray[np.intp]) -> tuple[list[list[int]], NDArray[np.intp]]:
    """The different ways in which families voted on `items`: votes per family, largest first; and whose is which."""
    kin = partition(votes.families)
    voted = votes.scores[:, items] != NO_VOTE
    sizes = np.array([voted[kin.codes == family].sum(axis=0) for family in range(kin.count)])
    kinds, which = np.unique(-np.sort(-sizes, axis=0), axis=1, return_inverse=True)
    return [[int(size) for size in kind if size] for kind in kinds.T], which.reshape(-1)

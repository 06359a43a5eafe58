"""Item response theory with few models and many items: the Rasch and the 2PL model with priors.

P(model j right on item i) = 1 / (1 + exp(-exp(u_i) (theta_j - b_i))) with b_i ~ N(0, 1.5^2), theta_j ~ N(0, 2^2), and
u_i ~ N(0, 0.5^2) under 2PL, 0 under Rasch. The priors (as in Mislevy 1986) fix place and scale, which the answers do
not. The mode is found by turns over models and items: each model answers far more items than there are models, so that
abilities are known well, and it is the items that need priors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats

PRIOR_DIFFICULTY, PRIOR_LOG_SLOPE, PRIOR_ABILITY = 1.5, 0.5, 2.0
_ROUNDS, _STEPS, _LIMIT = 30, 3, 8.0


@dataclass(frozen=True, slots=True, eq=False)
class ItemResponses:
    """ability [models]; slope, difficulty [items].

    left: per item, posterior over prior variance of what tells items apart (log slope under 2PL, difficulty under
    Rasch): 1 where the answers said nothing, near 0 where they said all.
    """

    ability: Floats
    slope: Floats
    difficulty: Floats
    left: Floats


def fit(scores: NDArray[np.int8], *, slopes: bool) -> ItemResponses:
    """Posterior mode for scores int8 [models, items]: 1 right, 0 not right, negative no answer.

    slopes: whether items differ in slope (2PL) or not (Rasch). Raises ValueError for fewer than two models.
    """
    if len(scores) < 2:
        raise ValueError("one model has no ability relative to others")
    voted, y = scores >= 0, (scores > 0).astype(np.float64)
    share = (np.where(voted, y, 0).sum(axis=1) + 0.5) / (voted.sum(axis=1) + 1)
    ability = np.log(share / (1 - share))
    u, b = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    for _ in range(_ROUNDS):
        before = ability
        for _ in range(_STEPS):
            u, b, _ = _step_items(y, voted, ability, u, b, slopes)
        ability = _step_models(y, voted, ability, np.exp(u), b)
        u, b, ability = _settled(u, b, ability)
        if np.abs(ability - before).max() < 1e-3:
            break
    u, b, left = _step_items(y, voted, ability, u, b, slopes)
    return ItemResponses(ability, np.exp(u), b, left)


def expected_information(found: ItemResponses) -> Floats:
    """Fisher information of each item [items] about the ability, a^2 P (1 - P), on average over models like these.

    That is over N(m, s^2) with mean and standard deviation of the abilities; Gauss-Hermite quadrature with 21 nodes.
    Birnbaum in Lord and Novick (1968), section 20.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    total = np.zeros_like(found.slope)
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        p = _logistic(found.slope * (found.ability.mean() + found.ability.std() * node - found.difficulty))
        total += weight * found.slope**2 * p * (1 - p)
    return total


def _settled(u: Floats, b: Floats, ability: Floats) -> tuple[Floats, Floats, Floats]:
    """The same probabilities at the scale where the mean log slope is 0, and at the place that the priors like best."""
    scale = np.exp(u.mean())
    b, ability = b * scale, ability * scale
    pull = b.sum() / PRIOR_DIFFICULTY**2 + ability.sum() / PRIOR_ABILITY**2
    shift = pull / (len(b) / PRIOR_DIFFICULTY**2 + len(ability) / PRIOR_ABILITY**2)
    return u - u.mean(), b - shift, ability - shift


def _step_items(
    y: Floats, voted: NDArray[np.bool_], ability: Floats, u: Floats, b: Floats, slopes: bool
) -> tuple[Floats, Floats, Floats]:
    """One Fisher-scoring step of every item's (u, b), and the posterior over prior variance of u, or of b."""
    a = np.exp(u)
    gap = ability[:, None] - b
    p = _logistic(a * gap)
    residual, weight = np.where(voted, y - p, 0.0), np.where(voted, p * (1 - p), 0.0)
    gradient_b = -a * residual.sum(axis=0) - b / PRIOR_DIFFICULTY**2
    curve_b = a**2 * weight.sum(axis=0) + PRIOR_DIFFICULTY**-2
    if not slopes:
        moved = b + np.clip(gradient_b / curve_b, -1, 1)
        return u, np.clip(moved, -_LIMIT, _LIMIT), 1 / (curve_b * PRIOR_DIFFICULTY**2)
    gradient_u = a * (residual * gap).sum(axis=0) - u / PRIOR_LOG_SLOPE**2
    curve_u = a**2 * (weight * gap**2).sum(axis=0) + PRIOR_LOG_SLOPE**-2
    both = -(a**2) * (weight * gap).sum(axis=0)
    det = curve_u * curve_b - both**2
    step_u = (curve_b * gradient_u - both * gradient_b) / det
    step_b = (curve_u * gradient_b - both * gradient_u) / det
    moved = np.clip(b + np.clip(step_b, -1, 1), -_LIMIT, _LIMIT)
    return u + np.clip(step_u, -0.5, 0.5), moved, curve_b / det / PRIOR_LOG_SLOPE**2


def _step_models(y: Floats, voted: NDArray[np.bool_], ability: Floats, a: Floats, b: Floats) -> Floats:
    """One Newton step of every model's ability."""
    p = _logistic(a * (ability[:, None] - b))
    gradient = (np.where(voted, y - p, 0.0) * a).sum(axis=1) - ability / PRIOR_ABILITY**2
    curve = (np.where(voted, p * (1 - p), 0.0) * a**2).sum(axis=1) + PRIOR_ABILITY**-2
    return np.asarray(ability + np.clip(gradient / curve, -1, 1))


def _logistic(x: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))))

"""Item response models for few models and many items: Rasch and 2PL, marginal over the items.

P(model m is right on item i) = 1 / (1 + exp(-a_i (ability_m - b_i))); Rasch: a_i = 1. In schools persons are many and
are integrated out, here items are: difficulties b_i ~ Normal(0, sd^2), log discriminations ~ Normal(mean, sd^2), all
independent. The marginal likelihood of the abilities and of these two distributions is maximised (L-BFGS, exact
gradient, quadrature on an even grid); what is known of an item is its posterior. Ability 0 solves half of the items of
average difficulty; in the 2PL the unit is the standard deviation of difficulty. Abilities carry a weak prior,
Normal(0, 4^2), so that a model that is always right stays finite. There is no guessing parameter: what is guessed makes
items look easier and less discriminating.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apollobench.stats.clusters import Floats

Kind = Literal["rasch", "2pl"]
FEWEST: dict[Kind, int] = {"rasch": 2, "2pl": 6}
LEARNED = 0.5
_REACH, _ABILITY_SD, _ITERATIONS = 6.0, 4.0, 500
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class ItemResponse:
    """A fitted model. ability, ability_se [models]; difficulty, discrimination and their posterior deviations [items].

    learned: share of the spread of difficulty (and, in the 2PL, of log discrimination) among items that the answers
    tell, 1 - mean posterior variance / variance: what is left to 1 is the prior. difficulty_sd, log_discrimination:
    of the items' distributions, the latter (mean, sd). log_likelihood: marginal, priors left out. gradient: the largest
    slope left per item; converged: whether the optimiser says so.
    """

    kind: Kind
    ability: Floats
    ability_se: Floats
    difficulty: Floats
    difficulty_se: Floats
    discrimination: Floats
    discrimination_se: Floats
    learned: tuple[float, ...]
    difficulty_sd: float
    log_discrimination: tuple[float, float]
    log_likelihood: float
    iterations: int
    gradient: float
    converged: bool

    @property
    def identified(self) -> bool:
        """Whether the answers tell at least half of every item parameter's spread."""
        return min(self.learned) >= LEARNED

    @property
    def warning(self) -> str:
        """What to beware of; empty where nothing is."""
        told = []
        if not self.converged:
            told.append(
                f"the fit did not converge in {self.iterations} steps (slope left {self.gradient:.1g} per item)"
            )
        names = ("difficulty", "discrimination")
        for name, share in zip(names, self.learned, strict=False):
            if share < LEARNED:
                told.append(
                    f"{len(self.ability)} models tell only {share:.0%} of the spread of {name} among the items, the "
                    "rest is the prior: single values are not identified"
                )
        return "; ".join(told)


def fit_irt(scores: NDArray[np.int8], kind: Kind = "rasch") -> ItemResponse:
    """Fits `scores` [models, items]: 1 right, 0 not, negative no vote (left out, as if missing at random).

    Standard errors of abilities come from the cross-products of the items' scores, take items as independent given the
    abilities, and include what the distributions of items cost. Raises ValueError for fewer models than `FEWEST`, and
    where no two models differ on any item.
    """
    models = len(scores)
    if models < FEWEST[kind]:
        raise ValueError(f"{kind}: {models} models, at least {FEWEST[kind]} are needed")
    if not ((scores == 1).any(axis=0) & (scores == 0).any(axis=0)).any():
        raise ValueError(f"{kind}: no item that one model solves and another does not; nothing tells the models apart")
    patterns, inverse, counts = np.unique(scores.T, axis=0, return_inverse=True, return_counts=True)
    problem = _Problem(kind, patterns, counts.astype(np.float64))
    return problem.solve(inverse.reshape(-1))


def expected_information(found: ItemResponse) -> Floats:
    """Fisher information of each item [items] about the ability, a^2 P (1 - P), on average over models like these.

    Over abilities N(m, s^2) with the models' own mean and standard deviation, at each item's posterior mean;
    Gauss-Hermite quadrature with 21 nodes. Birnbaum in Lord and Novick (1968), section 20.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(21)
    total = np.zeros_like(found.difficulty)
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        ability = found.ability.mean() + found.ability.std() * node
        p = 1 / (1 + np.exp(-found.discrimination * (ability - found.difficulty)))
        total += weight * found.discrimination**2 * p * (1 - p)
    return total


class _Problem:
    """The marginal likelihood on a grid of item parameters. Items with the same answers are one pattern, counted."""

    def __init__(self, kind: Kind, patterns: NDArray[np.int8], counts: Floats) -> None:
        self.kind, self.counts, self.models = kind, counts, patterns.shape[1]
        self.right, self.wrong = (patterns == 1).astype(np.float64), (patterns == 0).astype(np.float64)
        step = min(0.25, 1.5 / math.sqrt(self.models))
        self.z = np.linspace(-_REACH, _REACH, 2 * round(_REACH / step) + 1)
        self.u = np.linspace(-3.5, 3.5, 15) if kind == "2pl" else np.zeros(1)

    def solve(self, inverse: NDArray[np.intp]) -> ItemResponse:
        from scipy.optimize import minimize

        result = minimize(
            self._loss, self._start(), jac=True, method="L-BFGS-B",
            bounds=self._bounds(), options={"maxiter": _ITERATIONS, "ftol": 1e-11, "gtol": 1e-6},
        )  # fmt: skip
        x = np.asarray(result.x)
        ability, sd, mean_log, sd_log = self._unpack(x)
        scores, likelihood, moments = self._scores(x)
        information = (scores * self.counts[:, None]).T @ scores
        information[np.diag_indices(self.models)] += 1 / _ABILITY_SD**2
        covariance = np.linalg.pinv(information)
        difficulty, difficulty_sd, discrimination, discrimination_sd, variance_log = moments
        total = self.counts.sum()
        learned = [1 - float(self.counts @ difficulty_sd**2 / total) / sd**2]
        if self.kind == "2pl":
            learned.append(1 - float(self.counts @ variance_log / total) / sd_log**2)
        return ItemResponse(
            kind=self.kind,
            ability=ability,
            ability_se=np.sqrt(np.diag(covariance)[: self.models]),
            difficulty=difficulty[inverse],
            difficulty_se=difficulty_sd[inverse],
            discrimination=discrimination[inverse],
            discrimination_se=discrimination_sd[inverse],
            learned=tuple(learned),
            difficulty_sd=sd,
            log_discrimination=(mean_log, sd_log),
            log_likelihood=float(self.counts @ likelihood),
            iterations=int(result.nit),
            gradient=float(np.abs(result.jac).max()),
            converged=bool(result.success),
        )

    def _start(self) -> Floats:
        seen = self.counts @ (self.right + self.wrong)
        share = (self.counts @ self.right + 0.5) / (seen + 1)
        ability = np.log(share / (1 - share)) * 1.4
        return np.append(ability, [0.0] if self.kind == "rasch" else [0.0, math.log(0.5)])

    def _bounds(self) -> list[tuple[float | None, float | None]]:
        hyper: list[tuple[float | None, float | None]] = [(-4.0, 2.5)]
        return [(None, None)] * self.models + (hyper if self.kind == "rasch" else [(-3.0, 3.0), (-3.0, 0.7)])

    def _unpack(self, x: Floats) -> tuple[Floats, float, float, float]:
        """Abilities, sd of difficulty, mean and sd of log discrimination."""
        ability = x[: self.models]
        if self.kind == "rasch":
            return ability, float(np.exp(x[-1])), 0.0, 0.0
        return ability, 1.0, float(x[-2]), float(np.exp(x[-1]))

    def _loss(self, x: Floats) -> tuple[float, Floats]:
        """Minus the penalised log-likelihood per item, and its gradient."""
        ability = x[: self.models]
        scores, likelihood, _ = self._scores(x)
        total = self.counts.sum()
        value = self.counts @ likelihood - np.square(ability).sum() / (2 * _ABILITY_SD**2)
        gradient = self.counts @ scores
        gradient[: self.models] -= ability / _ABILITY_SD**2
        return -float(value) / total, -gradient / total

    def _scores(self, x: Floats) -> tuple[Floats, Floats, tuple[Floats, ...]]:
        """Per pattern: gradient of the log-likelihood [patterns, parameters], the log-likelihood, posterior moments.

        Moments: mean and sd of b, mean and sd of a, variance of log a. With standard normal z and u, b = sd z and
        log a = mean + sd_log u, so that the grid's weights are fixed and the parameters move the nodes.
        """
        ability, sd, mean_log, sd_log = self._unpack(x)
        z, u = (axis.ravel() for axis in np.meshgrid(self.z, self.u, indexing="ij"))
        log_weight = -(z * z + u * u) / 2
        log_weight -= np.log(np.exp(log_weight).sum())
        b, a = sd * z, np.exp(mean_log + sd_log * u)
        logit = a * (ability[:, None] - b)
        log_p, log_q = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
        p = np.exp(log_p)
        parts = []
        block = max(1, _CELLS // len(z))
        for start in range(0, len(self.right), block):
            right, wrong = self.right[start : start + block], self.wrong[start : start + block]
            joint = right @ log_p + wrong @ log_q + log_weight
            top = joint.max(axis=1, keepdims=True)
            weight = np.exp(joint - top)
            total = weight.sum(axis=1, keepdims=True)
            weight /= total
            voted = right + wrong
            slopes = [right * (weight @ a)[:, None] - voted * (weight @ (a * p).T)]
            # d log L / d node, summed over models, is needed for the parameters that move the nodes.
            residual_b = -(right.sum(axis=1)[:, None] * a - voted @ (a * p)) * weight
            if self.kind == "rasch":
                slopes.append((residual_b @ b)[:, None])
            else:
                residual_a = (right @ logit - voted @ (p * logit)) * weight
                slopes += [residual_a.sum(axis=1)[:, None], (residual_a @ (sd_log * u))[:, None]]
            likelihood = (top + np.log(total)).ravel()
            means = weight @ np.stack([b, b * b, a, a * a, u, u * u], axis=1)
            parts.append((np.concatenate(slopes, axis=1), likelihood, means))
        scores, likelihood, m = (np.concatenate(part) for part in zip(*parts, strict=True))
        moments = (
            m[:, 0], _sd(m[:, 0], m[:, 1]), m[:, 2], _sd(m[:, 2], m[:, 3]), sd_log**2 * _sd(m[:, 4], m[:, 5]) ** 2,
        )  # fmt: skip
        return scores, likelihood, moments


def _sd(mean: Floats, square: Floats) -> Floats:
    return np.sqrt(np.maximum(square - mean * mean, 0))

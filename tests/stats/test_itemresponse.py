"""Item response models: recovery of what was simulated, closed forms, conditional likelihood, published parameters."""

from __future__ import annotations

import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import spearmanr

from apollobench.curate.recorded import read_matrices
from apollobench.stats.itemresponse import FEWEST, expected_information, fit_irt
from apollobench.types import Mode


def simulate(
    ability: np.ndarray, difficulty: np.ndarray, discrimination: np.ndarray | float = 1.0, seed: int = 0
) -> np.ndarray:
    p = 1 / (1 + np.exp(-discrimination * (ability[:, None] - difficulty)))
    return (np.random.default_rng(seed).random(p.shape) < p).astype(np.int8)


def test_two_models_have_a_closed_form() -> None:
    """exp(ability 1 - ability 2) is the number of items that only the first solves over those that only the second."""
    columns = [(1, 1)] * 220 + [(1, 0)] * 90 + [(0, 1)] * 40 + [(0, 0)] * 150
    fit = fit_irt(np.array(columns, dtype=np.int8).T)
    assert fit.converged
    assert fit.ability[0] - fit.ability[1] == pytest.approx(np.log(90 / 40), abs=0.01)


def conditional_rasch(scores: np.ndarray) -> np.ndarray:
    """Rasch's conditional maximum likelihood (Andersen 1970): abilities from which models solve an item, given how
    many do; difficulties cancel. By its definition, over all subsets."""
    models = len(scores)
    totals = scores.sum(axis=0)
    sets = {
        k: np.array([[m in s for m in range(models)] for s in combinations(range(models), k)]) for k in range(1, models)
    }

    def loss(free: np.ndarray) -> float:
        ability = np.append(0.0, free)
        value = float((scores.sum(axis=1) * ability).sum())
        return -(value - sum((totals == k).sum() * np.log(np.exp(sets[k] @ ability).sum()) for k in sets)) / len(totals)

    # Items that all solve or miss say nothing; their part of the first term is a constant only if left out.
    mixed = (totals > 0) & (totals < models)
    scores, totals = scores[:, mixed], totals[mixed]
    found = np.append(0.0, minimize(loss, np.zeros(models - 1), method="BFGS").x)
    return np.asarray(found - found.mean())


def test_agrees_with_conditional_likelihood_which_knows_no_distribution_of_items() -> None:
    scores = simulate(np.array([-1.0, -0.3, 0.2, 0.5, 1.4]), np.random.default_rng(1).normal(0.3, 1.2, 4000))
    fit, conditional = fit_irt(scores), conditional_rasch(scores)
    assert fit.ability - fit.ability.mean() == pytest.approx(conditional, abs=0.03)


@pytest.mark.parametrize("models", [4, 30])
def test_rasch_recovers_what_was_simulated(models: int) -> None:
    ability, difficulty = np.linspace(-1.2, 1.5, models), np.random.default_rng(2).normal(0, 1.3, 1500)
    fit = fit_irt(simulate(ability, difficulty))
    assert fit.converged
    assert fit.difficulty_sd == pytest.approx(1.3, rel=0.12)
    assert np.abs((fit.ability - ability) / fit.ability_se).max() < 4
    assert np.std((fit.difficulty - difficulty) / fit.difficulty_se) == pytest.approx(1, abs=0.07)
    # How much is told of difficulty is what its estimates have in common with the truth.
    assert fit.learned[0] == pytest.approx(np.corrcoef(fit.difficulty, difficulty)[0, 1] ** 2, abs=0.06)


def test_standard_errors_of_abilities_are_those_of_repeated_samples() -> None:
    ability, rng = np.array([-1.0, -0.5, 0.0, 0.4, 0.8, 1.5]), np.random.default_rng(3)
    fits = [fit_irt(simulate(ability, rng.normal(0, 1, 300), seed=seed)) for seed in range(120)]
    spread = np.std([fit.ability for fit in fits], axis=0)
    assert np.mean([fit.ability_se for fit in fits], axis=0) == pytest.approx(spread, rel=0.2)


def test_2pl_recovers_what_was_simulated() -> None:
    rng = np.random.default_rng(4)
    ability, difficulty = np.linspace(-2, 2, 60), rng.normal(0, 1, 600)
    discrimination = np.exp(rng.normal(0.3, 0.5, 600))
    fit = fit_irt(simulate(ability, difficulty, discrimination), "2pl")
    assert fit.converged
    assert fit.identified
    assert fit.warning == ""
    assert np.corrcoef(fit.difficulty, difficulty)[0, 1] > 0.95
    assert np.corrcoef(np.log(fit.discrimination), np.log(discrimination))[0, 1] > 0.75
    assert fit.log_discrimination == pytest.approx((0.3, 0.5), abs=0.1)
    assert np.std((fit.difficulty - difficulty) / fit.difficulty_se) == pytest.approx(1, abs=0.1)
    assert np.abs((fit.ability - ability) / fit.ability_se).max() < 4


def test_the_gradient_is_the_slope() -> None:
    from apollobench.stats.itemresponse import _Problem

    scores = simulate(np.linspace(-1, 1, 7), np.random.default_rng(5).normal(size=60), 1.2)
    scores[2, :9] = -1
    patterns, counts = np.unique(scores.T, axis=0, return_counts=True)
    for kind in FEWEST:
        problem = _Problem(kind, patterns, counts.astype(np.float64))
        x = problem._start() + 0.1
        slope = [(problem._loss(x + h)[0] - problem._loss(x - h)[0]) / 2e-5 for h in 1e-5 * np.eye(len(x))]
        assert problem._loss(x)[1] == pytest.approx(slope, abs=1e-7)


def test_few_models_are_told_from_what_they_do_not_tell() -> None:
    rng = np.random.default_rng(6)
    scores = simulate(np.linspace(-1, 1, 8), rng.normal(0, 1, 800), np.exp(rng.normal(0, 0.3, 800)))
    fit = fit_irt(scores, "2pl")
    assert not fit.identified
    assert "8 models tell only" in fit.warning
    assert "of discrimination" in fit.warning
    with pytest.raises(ValueError, match="2pl: 5 models, at least 6"):
        fit_irt(scores[:5], "2pl")
    with pytest.raises(ValueError, match="rasch: 1 models"):
        fit_irt(scores[:1])


def test_constant_models_and_items_stay_finite_and_missing_answers_are_left_out() -> None:
    scores = simulate(np.array([-1.0, 0, 0.5, 1]), np.random.default_rng(7).normal(size=300))
    scores[0], scores[3], scores[:, 0], scores[:, 1] = 0, 1, 0, 1
    scores[1, 10:20], scores[:, 5] = -1, -1
    fit = fit_irt(scores)
    for values in (fit.ability, fit.ability_se, fit.difficulty, fit.difficulty_se):
        assert np.isfinite(values).all()
    assert fit.ability.argmax() == 3
    assert fit.ability.argmin() == 0
    # Nobody answered item 5: nothing is known but the prior.
    assert fit.difficulty[5] == pytest.approx(0, abs=1e-6)
    assert fit.difficulty_se[5] == pytest.approx(fit.difficulty_sd, rel=0.01)


def test_models_that_agree_everywhere_are_refused() -> None:
    with pytest.raises(ValueError, match="no item that one model solves and another does not"):
        fit_irt(np.array([[1, 0, 1], [1, 0, 1]], dtype=np.int8))


def test_agrees_with_published_parameters_of_twelve_language_models(shared: Path) -> None:
    """Against a neural four-parameter model's estimates on the same 41,871 items."""
    place = shared / "data" / "responses" / "psn_irt_12llm"
    scores = read_matrices(place)[Mode.VIDEO].scores
    published = [_column(place / "item_parameters.csv", name) for name in ("difficulty", "discrimination")]
    abilities = _column(place / "student_abilities.csv", "ability")
    rasch = fit_irt(scores)
    assert rasch.converged
    assert spearmanr(rasch.difficulty, published[0]).statistic > 0.95
    assert spearmanr(rasch.ability, abilities).statistic > 0.85
    two = fit_irt(scores, "2pl")
    assert spearmanr(two.difficulty, published[0]).statistic > 0.95
    assert spearmanr(two.discrimination, published[1]).statistic > 0.6
    assert "12 models tell only" in two.warning


def _column(path: Path, name: str) -> list[float]:
    with path.open() as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def test_information_is_greatest_at_the_models_level_and_averages_the_curve() -> None:
    rng = np.random.default_rng(0)
    ability, hard = np.linspace(-1, 3, 30), rng.normal(0, 1.5, 400)
    scores = (rng.random((30, 400)) < 1 / (1 + np.exp(hard - ability[:, None]))).astype(np.int8)
    found = fit_irt(scores)
    information = expected_information(found)
    level = found.ability.mean()
    order = np.argsort(np.abs(found.difficulty - level))
    assert (np.diff(information[order]) <= 1e-12).all()
    grid = np.linspace(-8, 8, 4001) * found.ability.std() + level
    weight = np.exp(-(np.linspace(-8, 8, 4001) ** 2) / 2)
    p = 1 / (1 + np.exp(found.difficulty[7] - grid))
    assert information[7] == pytest.approx((weight * p * (1 - p)).sum() / weight.sum(), rel=1e-3)

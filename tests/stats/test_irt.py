"""Item response models: what was simulated comes back, and the answers' share in it is told."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.stats.irt import PRIOR_LOG_SLOPE, ItemResponses, expected_information, fit


def simulated(models: int, items: int, slopes: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=models)
    ability = (ability - ability.mean()) / ability.std()
    slope, hard = np.exp(rng.normal(0, slopes, items)), rng.normal(size=items)
    p = 1 / (1 + np.exp(-slope * (ability[:, None] - hard)))
    return (rng.random(p.shape) < p).astype(np.int8), ability, slope, hard


def test_rasch_finds_abilities_and_difficulties() -> None:
    scores, ability, _, hard = simulated(60, 400, 0.0)
    found = fit(scores, slopes=False)
    assert np.corrcoef(found.ability, ability)[0, 1] > 0.98
    assert np.corrcoef(found.difficulty, hard)[0, 1] > 0.95
    assert set(found.slope.tolist()) == {1.0}
    assert found.ability.std() == pytest.approx(1, abs=0.15)


def test_2pl_finds_slopes_where_many_models_answer_and_says_so() -> None:
    scores, _, slope, _ = simulated(300, 200, 0.5)
    found = fit(scores, slopes=True)
    assert np.corrcoef(np.log(found.slope), np.log(slope))[0, 1] > 0.8
    assert np.median(found.left) < 0.3
    assert PRIOR_LOG_SLOPE * 0.5 < np.log(found.slope).std() < PRIOR_LOG_SLOPE * 1.3


def test_few_models_leave_slopes_to_the_prior() -> None:
    scores, *_ = simulated(10, 300, 0.5)
    assert np.median(fit(scores, slopes=True).left) > 0.6
    assert np.median(fit(scores, slopes=False).left) < 0.5


def test_missing_answers_are_left_out() -> None:
    scores, ability, _, _ = simulated(40, 400, 0.0)
    gaps = np.random.default_rng(5).random(scores.shape) < 0.3
    scores[gaps] = -1
    assert np.corrcoef(fit(scores, slopes=False).ability, ability)[0, 1] > 0.96


def test_items_that_everybody_or_nobody_solves_stay_finite() -> None:
    scores, *_ = simulated(8, 50, 0.0)
    scores[:, 0], scores[:, 1], scores[2] = 1, 0, 1
    for slopes in (False, True):
        found = fit(scores, slopes=slopes)
        assert np.isfinite([found.difficulty, found.slope, found.left]).all()
        assert found.difficulty[0] < found.difficulty[1]


def test_information_is_a_quarter_of_the_squared_slope_for_a_narrow_population() -> None:
    flat = ItemResponses(np.array([-1.0, 1.0]), np.array([1e-3, 1e-3]), np.array([0.0, 1.0]), np.zeros(2))
    assert expected_information(flat) == pytest.approx([0.25e-6, 0.25e-6], rel=1e-3)
    found = expected_information(
        ItemResponses(np.array([-1.0, 1.0]), np.ones(3), np.array([0.0, 2.0, -2.0]), np.zeros(3))
    )
    p = 1 / (1 + np.exp(-np.linspace(-8, 8, 20001)))
    density = np.exp(-(np.linspace(-8, 8, 20001) ** 2) / 2)
    assert found[0] == pytest.approx((p * (1 - p) * density).sum() / density.sum(), rel=1e-4)
    assert found[1] == pytest.approx(found[2])
    assert found[0] > found[1]


def test_one_model_is_refused() -> None:
    with pytest.raises(ValueError, match="one model"):
        fit(np.ones((1, 5), dtype=np.int8), slopes=False)

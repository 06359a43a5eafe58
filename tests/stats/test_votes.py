"""The distribution of right votes: closed forms, scipy's beta-binomial, and what simulated families give back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from apollobench.stats.votes import GRID, beta_prior, critical_count, detectable, power, right_pmf, right_tail, spread


@given(st.integers(1, 12), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_one_family_is_beta_binomial(size: int, ability: float, correlation: float) -> None:
    a, b = (x * (1 - correlation) / correlation for x in (ability, 1 - ability))
    expected = betabinom.pmf(np.arange(size + 1), size, a, b)
    assert right_pmf([size], [ability], correlation)[0] == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.floats(0.001, 0.999))
def test_independent_votes_are_binomial_however_they_are_grouped(sizes: list[int], ability: float) -> None:
    n = sum(sizes)
    assert right_pmf(sizes, [ability], 0)[0] == pytest.approx(binom.pmf(np.arange(n + 1), n, ability), abs=1e-9)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.floats(0, 1), st.floats(0, 1))
def test_it_is_a_distribution_with_the_stated_moments(sizes: list[int], ability: float, correlation: float) -> None:
    pmf, k = right_pmf(sizes, [ability], correlation)[0], np.arange(sum(sizes) + 1)
    mean = pmf @ k
    assert pmf.sum() == pytest.approx(1)
    assert mean == pytest.approx(ability * sum(sizes), abs=1e-9)
    variance = sum(n * ability * (1 - ability) * (1 + (n - 1) * correlation) for n in sizes)
    assert pmf @ (k - mean) ** 2 == pytest.approx(variance, abs=1e-9)


def test_wholly_dependent_families_are_one_vote_each() -> None:
    assert right_pmf([3, 3], [0.25], 1.0)[0] == pytest.approx([0.5625, 0, 0, 0.375, 0, 0, 0.0625])


def test_tail_power_and_what_can_be_found() -> None:
    tail = right_tail([1] * 10, [0.25], 0.0)[0]
    assert tail == pytest.approx(binom.sf(np.arange(11) - 1, 10, 0.25))
    critical = critical_count([1] * 10, 0.25, 0.01, 0.0)
    assert critical == 7  # P(K >= 6) = .0197, P(K >= 7) = .0035
    curve = power([1] * 10, critical, 0.0, [0.25, 0.6, 0.9])
    assert curve == pytest.approx(binom.sf(6, 10, [0.25, 0.6, 0.9]))
    found = detectable([1] * 10, critical, 0.0)
    assert found is not None
    assert binom.sf(6, 10, found) >= 0.8 > binom.sf(6, 10, found - 0.0025)


def test_two_models_can_find_nothing() -> None:
    critical = critical_count([1, 1], 0.35, 0.05, 0.0)
    assert critical == 3
    assert power([1, 1], critical, 0.0, GRID).tolist() == [0.0] * GRID.size
    assert detectable([1, 1], critical, 0.0) is None


def simulate(items: int, sizes: list[int], correlation: float, seed: int) -> np.ndarray:
    """Scores [models, items]: abilities from Beta(2, 3), each family's rate from a beta distribution around them."""
    rng = np.random.default_rng(seed)
    ability, scale = rng.beta(2, 3, items), (1 - correlation) / correlation
    rows = []
    for size in sizes:
        rate = rng.beta(ability * scale, (1 - ability) * scale)
        rows += [(rng.random(items) < rate).astype(np.int8) for _ in range(size)]
    return np.array(rows)


@pytest.mark.parametrize("correlation", [0.1, 0.4])
def test_moments_of_simulated_families_come_back(correlation: float) -> None:
    sizes = [3, 3, 2, 1, 1]
    families = [str(f) for f, size in enumerate(sizes) for _ in range(size)]
    found = spread(simulate(20_000, sizes, correlation, 1), families)
    assert found.mean == pytest.approx(0.4, abs=0.01)
    assert found.variance == pytest.approx(0.04, abs=0.004)  # of Beta(2, 3)
    assert found.correlation == pytest.approx(correlation, abs=0.03)


def test_moments_live_with_gaps_constant_models_and_lone_families() -> None:
    sizes = [3, 3, 2]
    families = [str(f) for f, size in enumerate(sizes) for _ in range(size)]
    whole = simulate(20_000, sizes, 0.3, 2)
    gappy = np.where(np.random.default_rng(3).random(whole.shape) < 0.3, -1, whole).astype(np.int8)
    assert spread(gappy, families).correlation == pytest.approx(0.3, abs=0.04)
    constant = np.vstack([whole, np.zeros_like(whole[:1])])
    assert spread(constant, [*families, "0"]).correlation == pytest.approx(spread(whole, families).correlation)
    assert np.isnan(spread(whole, ["a"] * 8).correlation)
    lone = spread(whole, [str(i) for i in range(8)])
    assert np.isnan(lone.correlation)
    assert lone.variance > 0
    nothing = spread(np.full((3, 4), -1, dtype=np.int8), ["a", "a", "b"])
    assert np.isnan([nothing.mean, nothing.variance, nothing.correlation]).all()


def test_prior_has_its_moments_or_is_uniform() -> None:
    weights = beta_prior(0.4, 0.04)
    assert weights.sum() == pytest.approx(1)
    assert weights @ GRID == pytest.approx(0.4, abs=1e-3)
    assert weights @ (GRID - 0.4) ** 2 == pytest.approx(0.04, abs=1e-3)
    assert np.ptp(beta_prior(0.4, np.nan)) == 0
    assert beta_prior(0.4, -0.01) @ GRID == pytest.approx(0.4, abs=1e-3)

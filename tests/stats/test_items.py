"""What answers say of items, against numpy on plain arrays."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.stats import items as module
from apollobench.stats.items import accuracy_covariance, shrunk


@pytest.fixture
def scores() -> np.ndarray:
    rng = np.random.default_rng(0)
    skill, hard = rng.normal(size=12), rng.normal(size=60)
    return (rng.random((12, 60)) < 1 / (1 + np.exp(hard - skill[:, None]))).astype(np.int8)


def test_blocks_do_not_change_anything(scores: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = accuracy_covariance(scores)
    monkeypatch.setattr(module, "_CELLS", 100)
    assert np.allclose(accuracy_covariance(scores), whole)


def test_constant_items_have_no_covariance_and_silent_ones_an_unknown_one() -> None:
    scores = np.array([[1, 0, -1, 1], [1, 0, -1, 0], [1, 0, -1, 1], [1, 1, -1, -1]], dtype=np.int8)
    assert np.isnan(accuracy_covariance(scores)[2])
    assert accuracy_covariance(scores)[0] == 0


def test_covariances_add_up_to_the_variance_of_accuracy(scores: np.ndarray) -> None:
    found = accuracy_covariance(scores)
    accuracy = scores.mean(axis=1)
    assert found[7] == pytest.approx(np.cov(scores[:, 7], accuracy, bias=True)[0, 1], abs=1e-6)
    assert found.mean() == pytest.approx(accuracy.var(), abs=1e-6)


def test_pure_noise_is_shrunk_to_the_mean_and_signal_is_not() -> None:
    rng = np.random.default_rng(1)
    votes = np.full(4000, 20)
    noise = np.tanh(rng.normal(0, 1 / np.sqrt(19), 4000))
    drawn, share = shrunk(noise, votes)
    assert share < 0.05
    assert drawn.std() < 0.3 * noise.std()
    truth = rng.normal(0.2, 0.3, 4000).clip(-0.9, 0.9)
    seen = np.tanh(np.arctanh(truth) + rng.normal(0, 1 / np.sqrt(17), 4000))
    drawn, share = shrunk(seen, votes)
    assert -0.15 < share - truth.var() / seen.var() < 0.03  # errors shrink with high r, so the mean overstates them
    assert np.square(drawn - truth).mean() < np.square(seen - truth).mean()


def test_an_unknown_correlation_counts_as_none() -> None:
    assert shrunk(np.array([np.nan, np.nan]), np.array([3, 3])) == (pytest.approx([0, 0]), 0.0)
    drawn, _ = shrunk(np.array([0.9, 0.1, np.nan, -0.8]), np.array([30, 30, 30, 30]))
    assert drawn[2] == 0

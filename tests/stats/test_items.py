"""What answers say of items, against numpy on plain arrays."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.stats import items as module
from apollobench.stats.items import accuracy_covariance, item_rest, shrunk


@pytest.fixture
def scores() -> np.ndarray:
    rng = np.random.default_rng(0)
    skill, hard = rng.normal(size=12), rng.normal(size=60)
    return (rng.random((12, 60)) < 1 / (1 + np.exp(hard - skill[:, None]))).astype(np.int8)


def test_item_rest_is_the_correlation_with_everything_else(scores: np.ndarray) -> None:
    r, votes = item_rest(scores)
    for i in range(60):
        rest = np.delete(scores, i, axis=1).mean(axis=1)
        if np.ptp(scores[:, i]):
            assert r[i] == pytest.approx(np.corrcoef(scores[:, i], rest)[0, 1], abs=1e-5)
        else:
            assert np.isnan(r[i])
    assert set(votes.tolist()) == {12}


def test_item_rest_goes_over_what_each_model_answered(scores: np.ndarray) -> None:
    scores[0, 5], scores[3, :30] = -1, -1
    r, votes = item_rest(scores)
    for i in (0, 5, 40):
        voted = np.flatnonzero(scores[:, i] >= 0)
        rest = [np.delete(scores[m], i)[np.delete(scores[m], i) >= 0].mean() for m in voted]
        assert r[i] == pytest.approx(np.corrcoef(scores[voted, i], rest)[0, 1], abs=1e-5)
        assert votes[i] == len(voted)


def test_blocks_do_not_change_anything(scores: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = item_rest(scores)[0], accuracy_covariance(scores)
    monkeypatch.setattr(module, "_CELLS", 100)
    assert np.allclose(item_rest(scores)[0], whole[0], equal_nan=True)
    assert np.allclose(accuracy_covariance(scores), whole[1])


def test_constant_and_silent_items_have_no_correlation() -> None:
    scores = np.array([[1, 0, -1, 1], [1, 0, -1, 0], [1, 0, -1, 1], [1, 1, -1, -1]], dtype=np.int8)
    r, votes = item_rest(scores)
    assert np.isnan(r[[0, 2]]).all()
    assert votes.tolist() == [4, 4, 0, 3]
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

"""Reliability against its definition, closed forms and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from apollobench.stats.clusters import partition
from apollobench.stats.reliability import (
    items_for_difference,
    kr20,
    kr20_over_families,
    length_for_reliability,
    pair_variances,
    spearman_brown,
)


def test_kr20_by_hand() -> None:
    scores = np.array([[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], dtype=np.int8)
    assert kr20(scores) == pytest.approx(4 / 3 * (1 - 0.8 / 2))  # sum p q = .16 + .24 + .24 + .16, var = 2


def test_kr20_is_cronbach_s_alpha_of_binary_items() -> None:
    rng = np.random.default_rng(0)
    scores = (rng.random((30, 25)) < rng.random((30, 1))).astype(np.int8)
    alpha = 25 / 24 * (1 - scores.var(axis=0).sum() / scores.sum(axis=1).var())
    assert kr20(scores) == pytest.approx(alpha, abs=1e-6)


def test_kr20_is_unknown_where_models_do_not_differ() -> None:
    assert math.isnan(kr20(np.ones((3, 4), dtype=np.int8)))
    assert math.isnan(kr20(np.eye(3, dtype=np.int8)[:, :1]))


def test_kr20_predicts_the_correlation_of_parallel_halves() -> None:
    rng = np.random.default_rng(1)
    skill = rng.normal(size=4000)
    scores = (rng.random((4000, 40)) < 1 / (1 + np.exp(-skill[:, None]))).astype(np.int8)
    halves = np.corrcoef(scores[:, :20].sum(axis=1), scores[:, 20:].sum(axis=1))[0, 1]
    assert kr20(scores) == pytest.approx(spearman_brown(halves, 2), abs=0.01)


def test_spearman_brown_and_its_inverse() -> None:
    assert spearman_brown(0.6, 2) == pytest.approx(0.75)
    assert length_for_reliability(0.6, 0.75) == pytest.approx(2)
    assert length_for_reliability(-0.1, 0.9) == math.inf


def test_families_are_resampled_whole() -> None:
    rng = np.random.default_rng(2)
    one = (rng.random((12, 50)) < np.linspace(0.2, 0.8, 12)[:, None]).astype(np.int8)
    apart = kr20_over_families(one, [str(i) for i in range(12)], draws=300)
    alike = kr20_over_families(one, ["a"] * 6 + ["b"] * 6, draws=300)
    assert apart.value == alike.value == pytest.approx(kr20(one))
    assert apart.low < apart.value < apart.high
    assert alike.clusters == 2


def test_items_for_a_difference_reach_the_power_they_promise() -> None:
    """Two models of 60 % and 55 %, independent: the variance of one item's difference is .24 + .2475."""
    n = round(items_for_difference(0.24 + 0.2475, 0.05))
    rng = np.random.default_rng(3)
    a, b = rng.random((3000, n)) < 0.6, rng.random((3000, n)) < 0.55
    d = a.astype(float) - b
    z = d.mean(axis=1) / (d.std(axis=1) / math.sqrt(n))
    assert (z > 1.96).mean() == pytest.approx(0.8, abs=0.025)


def test_pair_variances_count_dependence_within_videos() -> None:
    rng = np.random.default_rng(4)
    video = np.repeat(rng.integers(0, 2, (2, 200)), 5, axis=1).astype(np.int8)
    clustered = pair_variances(video, partition(np.repeat(np.arange(200), 5)))
    single = pair_variances(video, partition(np.arange(1000)))
    assert clustered[0] == pytest.approx(5 * single[0])
    video[0, 3:] = -1
    assert pair_variances(video, partition(np.zeros(1000, dtype=int))).size == 0

"""BenchBench's z by hand, following its own code (github.com/IBM/BenchBench, benchmark.py and reporting.py)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from apollobench.stats.benchbench import standings, win_rates


def by_hand(scores: pd.DataFrame) -> dict[str, float]:
    """Aggregate of mean win rates among models with a third of the benchmarks; tau of each with it; z over all."""
    kept = scores[scores.notna().sum(axis=1) >= max(1, scores.shape[1] // 3)]
    rates = pd.DataFrame(
        {
            name: {model: sum(value > other for other in column) / (len(column) - 1) for model, value in column.items()}
            for name, column in ((name, kept[name].dropna()) for name in kept)
        }
    )
    aggregate = rates.mean(axis=1)
    taus = {}
    for name in kept:
        column = kept[name].dropna()
        if len(column) >= 5:
            taus[name] = scipy.stats.kendalltau(column, aggregate[column.index]).statistic
    series = pd.Series(taus)
    return dict((series - series.mean()) / series.std())


def test_as_benchbench_computes_it() -> None:
    rng = np.random.default_rng(1)
    ability = rng.normal(size=15)
    scores = pd.DataFrame({f"b{i}": ability + (0.3 + i / 3) * rng.normal(size=15) for i in range(6)})
    scores = scores.mask(rng.random(scores.shape) < 0.25)
    scores.loc[4, "b5"] = np.nan
    scores["b6"] = scores["b0"].where(scores.index < 3)
    found = {s.benchmark: s for s in standings(scores)}
    for name, z in by_hand(scores).items():
        assert found[name].z == pytest.approx(z)
    assert np.isnan(found["b6"].tau)
    assert found["b0"].tau_rest <= found["b0"].tau


def test_a_benchmark_of_its_own_agrees_with_itself_only() -> None:
    ability = np.arange(8.0)
    scores = pd.DataFrame({"a": ability, "b": ability, "odd": -ability})
    found = {s.benchmark: s for s in standings(scores)}
    assert (found["a"].tau, found["odd"].tau, found["odd"].tau_rest) == pytest.approx((1, -1, -1))
    assert found["odd"].z == pytest.approx(-1.1547, abs=1e-4)
    assert win_rates(scores.to_numpy())[7] == pytest.approx(2 / 3)

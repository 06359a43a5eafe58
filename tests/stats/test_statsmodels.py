"""Equality with statsmodels where it has the same statistic."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from apollobench.stats.clusters import partition
from apollobench.stats.interval import clustered_mean, wilson
from apollobench.stats.multiple import benjamini_hochberg
from apollobench.stats.paired import holm, mcnemar_exact


@pytest.mark.parametrize(("right", "n"), [(0, 7), (3, 7), (81, 263), (400, 400)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_wilson(right: int, n: int, level: float) -> None:
    assert wilson(right, n, level) == pytest.approx(proportion_confint(right, n, 1 - level, method="wilson"), abs=1e-9)


def test_clustered_mean_is_a_regression_on_a_constant_with_clustered_covariance() -> None:
    rng = np.random.default_rng(0)
    videos = np.repeat(range(40), rng.integers(1, 6, 40))
    scores = (rng.random(len(videos)) < 0.7).astype(float)
    fit = sm.OLS(scores, np.ones(len(scores))).fit(
        cov_type="cluster", cov_kwds={"groups": videos, "use_correction": False}, use_t=True
    )
    found = clustered_mean(scores, partition(videos.tolist()))
    assert found.value == pytest.approx(fit.params[0])
    assert found.se == pytest.approx(fit.bse[0])
    # statsmodels' correction is G / (G - 1) x (n - 1) / (n - k), which is G / (G - 1) for a mean.
    corrected = sm.OLS(scores, np.ones(len(scores))).fit(cov_type="cluster", cov_kwds={"groups": videos}, use_t=True)
    assert (found.low, found.high) == pytest.approx(corrected.conf_int()[0])


def test_mcnemar() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random(60) < 0.5, rng.random(60) < 0.6
    table = [[(first & second).sum(), (first & ~second).sum()], [(~first & second).sum(), (~first & ~second).sum()]]
    assert mcnemar_exact(first, second).p == pytest.approx(mcnemar(table, exact=True).pvalue)


@pytest.mark.parametrize("count", [1, 2, 25])
def test_adjusted_p_values(count: int) -> None:
    p = np.random.default_rng(count).random(count).round(1) ** 3
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])

"""Benjamini and Hochberg's procedure: their own example, scipy as an oracle, and nan that is no test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from apollobench.stats.multiple import benjamini_hochberg


def test_the_example_of_1995_rejects_four() -> None:
    """Fifteen p-values of Benjamini and Hochberg (1995), section 3.2: four discoveries at 5 %, Bonferroni has three."""
    small = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
    large = [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert int((benjamini_hochberg(small + large) <= 0.05).sum()) == 4


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_scipy_agrees(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(false_discovery_control(p), abs=1e-12)


def test_nan_is_no_test() -> None:
    found = benjamini_hochberg([0.01, np.nan, 0.04])
    assert np.isnan(found[1])
    assert found[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(benjamini_hochberg([np.nan])).all()
    assert benjamini_hochberg([]).size == 0

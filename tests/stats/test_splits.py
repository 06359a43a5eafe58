"""Splits by family and the interval over them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.interval import t_quantile
from apollobench.stats.splits import family_halves, resampled_mean


@given(st.lists(st.sampled_from("abcdefg"), min_size=2, max_size=20), st.integers(1, 3), st.integers(0, 9))
def test_families_stay_whole_and_no_split_comes_twice(families: list[str], least: int, seed: int) -> None:
    splits = family_halves(families, 10, least, seed)
    seen = set()
    for training, held_out in splits:
        inside, outside = {families[i] for i in training}, {families[i] for i in held_out}
        assert not inside & outside
        assert sorted([*training, *held_out]) == list(range(len(families)))
        assert min(len(training), len(held_out)) >= least
        assert abs(len(inside) - len(outside)) <= 1
        seen.add(tuple(held_out))
    assert len(seen) == len(splits) <= 10


def test_all_halves_are_found_where_there_are_few() -> None:
    assert len(family_halves("aabbccdd", 50, 2, 0)) == 6
    assert family_halves("aaaa", 5, 1, 0) == []
    assert family_halves("aab", 5, 2, 0) == []


def test_corrected_interval_is_wider_by_the_ratio() -> None:
    values = np.random.default_rng(0).normal(0.1, 1, 20)
    found = resampled_mean(values, 1.0)
    assert found.se == pytest.approx(math.sqrt(1 / 20 + 1) * values.std(ddof=1))
    assert found.high - found.value == pytest.approx(t_quantile(0.95, 19) * found.se)
    assert resampled_mean(values[:1], 1.0).high == math.inf

"""Item-rest correlation by its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from apollobench.stats.itemrest import item_rest

MATRICES = arrays(np.int8, st.tuples(st.integers(1, 7), st.integers(1, 8)), elements=st.sampled_from([-1, 0, 1]))


@given(MATRICES)
def test_is_pearsons_correlation_with_the_share_right_of_the_others(scores: np.ndarray) -> None:
    found = item_rest(scores)
    for i in range(scores.shape[1]):
        others = np.delete(scores, i, axis=1)
        rows = np.flatnonzero(scores[:, i] >= 0)
        answered = (others >= 0).sum(axis=1)
        rest = (others == 1).sum(axis=1) / np.maximum(answered, 1)
        own = scores[rows, i]
        if len(rows) < 3 or np.ptp(own) == 0 or np.ptp(rest[rows]) < 1e-6:
            assert np.isnan(found.r[i])
            continue
        r = np.corrcoef(own, rest[rows])[0, 1]
        assert found.r[i] == pytest.approx(r, abs=1e-9)
        assert found.se[i] == pytest.approx(np.sqrt(max(0, 1 - r * r) / (len(rows) - 2)), abs=1e-6)
        assert 0 < found.p[i] <= 1


def test_few_independent_models_say_less() -> None:
    rng = np.random.default_rng(0)
    scores = (rng.random((12, 50)) < rng.random((12, 1))).astype(np.int8)
    alone, families = item_rest(scores), item_rest(scores, np.full(50, 4))
    assert families.r == pytest.approx(alone.r, nan_ok=True)
    known = ~np.isnan(alone.se)
    assert (families.se[known] > alone.se[known]).all()
    assert np.isnan(item_rest(scores, np.full(50, 2)).se).all()


def test_no_p_is_smaller_than_the_number_of_ways_allows() -> None:
    """One of four right, and it is the worst: r may be near -1, yet one such item in four comes by chance."""
    scores = np.array([[0, 1, 1, 1, 1], [0, 1, 1, 1, 1], [0, 1, 1, 1, 1], [1, 0, 0, 0, 0]], dtype=np.int8)
    found = item_rest(scores)
    assert found.r[0] == pytest.approx(-1)
    assert found.p[0] == pytest.approx(1 / 4)


def test_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = np.random.default_rng(1).integers(-1, 2, (6, 40)).astype(np.int8)
    whole = item_rest(scores)
    monkeypatch.setattr("apollobench.stats.itemrest._CELLS", 6 * 7)
    assert item_rest(scores).r == pytest.approx(whole.r, nan_ok=True)

"""Families that differ on an item: the exact test is exact, finds what was planted, and little else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import fisher_exact

from apollobench.stats.dif import family_shifts
from apollobench.stats.itemresponse import fit_irt

FAMILIES = tuple("aaaabbbbccccdd")


def rasch(ability: np.ndarray, difficulty: np.ndarray, seed: int) -> np.ndarray:
    p = 1 / (1 + np.exp(-(ability[:, None] - difficulty)))
    return (np.random.default_rng(seed).random(p.shape) < p).astype(np.int8)


def test_equal_abilities_make_it_fishers_exact_test() -> None:
    scores = np.array([[1, 1, 1, 0, 0, 0, 1, 0, 0]], dtype=np.int8).T
    found = family_shifts(scores, np.zeros(9), tuple("aaabbbbbb")).tests
    table = {test.family: test for test in found}
    expected = fisher_exact([[3, 0], [1, 5]]).pvalue
    assert table["a"].p == pytest.approx(expected)
    assert table["b"].p == pytest.approx(expected)
    assert table["a"].expected == pytest.approx(4 * 3 / 9)
    assert (table["a"].right, table["a"].votes) == (3, 3)


def test_better_families_are_expected_to_do_better() -> None:
    scores = np.array([[1], [1], [0], [0]], dtype=np.int8)
    found = {t.family: t for t in family_shifts(scores, np.array([3.0, 3, -3, -3]), tuple("aabb")).tests}
    assert found["a"].expected > 1.95
    assert found["a"].p > 0.99


def test_the_null_is_rejected_no_more_often_than_stated_with_fitted_abilities() -> None:
    rng = np.random.default_rng(1)
    scores = rasch(rng.normal(0.5, 1, 14), rng.normal(0, 1.5, 1500), 2)
    shifts = family_shifts(scores, fit_irt(scores).ability, FAMILIES)
    p = np.array([test.p for test in shifts.tests])
    assert len(p) > 3000
    for level in (0.01, 0.05, 0.2):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level / len(p))
    assert len(shifts.found) <= 2


def test_planted_shifts_are_found() -> None:
    rng = np.random.default_rng(3)
    families, ability, difficulty = tuple("a" * 8 + "b" * 8 + "c" * 8), rng.normal(0, 1, 24), rng.normal(0, 1, 400)
    scores = rasch(ability, difficulty, 4)
    scores[:8, :20], scores[8:, :20] = 1, 0
    shifts = family_shifts(scores, fit_irt(scores).ability, families)
    found = {test.item for test in shifts.found}
    assert found >= set(range(20))
    assert len(found) < 26


def test_what_a_small_panel_cannot_find_is_said() -> None:
    rng = np.random.default_rng(5)
    scores = rasch(rng.normal(size=4), rng.normal(size=300), 6)
    shifts = family_shifts(scores, np.zeros(4), tuple("aabb"))
    assert shifts.found == ()
    assert shifts.least == pytest.approx(1 / 6)
    assert shifts.needed < shifts.least


def test_what_cannot_be_tested_is_left_out() -> None:
    scores = np.array([[1, 1, 1, -1], [1, 0, -1, 1], [1, 1, 0, 0]], dtype=np.int8)
    assert [(t.item, t.family) for t in family_shifts(scores, np.zeros(3), ("a", "a", "b")).tests] == [(1, "a")]
    assert family_shifts(scores, np.zeros(3), ("a", "b", "c")).tests == ()
    assert family_shifts(scores, np.zeros(3), ("a", "a", "a")).tests == ()

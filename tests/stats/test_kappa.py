"""Kappa against published worked examples, against statsmodels, and in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.stats.clusters import Partition, partition
from apollobench.stats.kappa import agreement, cohen_kappa, fleiss_kappa, pairs_agreeing

# Fleiss, Statistical Methods for Rates and Proportions, 2nd edition (1981), table 13.1: two raters, 100 subjects.
DIAGNOSES = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
# Fleiss, Cohen and Everitt (1969), the example for unweighted kappa: 200 patients.
DISORDERS = [[106, 10, 4], [22, 28, 10], [2, 12, 6]]
# Fleiss (1971), table 1: 30 patients, six psychiatrists each, five diagnoses.
PATIENTS = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
# The worked example of Wikipedia's article on Fleiss' kappa: ten subjects, 14 raters.
SUBJECTS = [
    *([0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]),
    *([7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]),
]


def singles(n: int) -> Partition:
    return partition(range(n))


def ratings(table: list[list[int]]) -> tuple[list[int], list[int]]:
    pairs = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    return [i for i, _ in pairs], [j for _, j in pairs]


@pytest.mark.parametrize(("table", "kappa", "se"), [(DIAGNOSES, 0.68, 0.087), (DISORDERS, 0.429, 0.054)])
def test_cohen_as_published(table: list[list[int]], kappa: float, se: float) -> None:
    first, second = ratings(table)
    found = cohen_kappa(first, second, singles(len(first)))
    assert found.value == pytest.approx(kappa, abs=0.005)
    assert found.se == pytest.approx(se, abs=0.001)
    assert found.low < found.value < found.high


def test_fleiss_as_published() -> None:
    patients = np.array([[int(c) for c in row] for row in PATIENTS.split()], dtype=np.float64)
    assert patients.sum(axis=0).tolist() == [26, 26, 30, 55, 43]
    assert fleiss_kappa(patients, singles(30)).value == pytest.approx(0.430, abs=0.0005)
    assert pairs_agreeing(patients).mean() == pytest.approx(0.5556, abs=0.0005)
    subjects = np.array(SUBJECTS, dtype=np.float64)
    assert fleiss_kappa(subjects, singles(10)).value == pytest.approx(0.210, abs=0.0005)


@pytest.mark.parametrize("table", [DIAGNOSES, DISORDERS, [[45, 15], [25, 15]], [[20, 5], [10, 15]], [[3, 9], [8, 1]]])
def test_cohen_as_statsmodels(table: list[list[int]]) -> None:
    rater = pytest.importorskip("statsmodels.stats.inter_rater")
    theirs = rater.cohens_kappa(np.array(table))
    first, second = ratings(table)
    ours = cohen_kappa(first, second, singles(len(first)))
    assert ours.value == pytest.approx(theirs.kappa)
    assert ours.se == pytest.approx(math.sqrt(theirs.var_kappa))
    counts = np.array([np.bincount(pair, minlength=len(table)) for pair in zip(first, second, strict=True)])
    assert fleiss_kappa(counts.astype(float), singles(len(first))).value == pytest.approx(rater.fleiss_kappa(counts))


def test_agreeing_throughout_is_no_certainty() -> None:
    labels = ["keep"] * 8 + ["drop"] * 2
    found = cohen_kappa(labels, labels, singles(10))
    assert found.value == found.high == 1
    assert -1 < found.low < 0.6
    assert math.isnan(cohen_kappa(["keep"] * 5, ["keep"] * 5, singles(5)).value)
    whole = agreement(np.ones(10), singles(10))
    assert whole.value == 1
    assert whole.low < 0.8


def test_one_label_throughout_tells_nothing() -> None:
    found = cohen_kappa(["keep"] * 5, ["keep", "keep", "drop", "keep", "drop"], singles(5))
    assert found.value == pytest.approx(0)
    assert (found.se, found.low, found.high) == (None, -1, 1)


def test_one_video_says_nothing_of_others() -> None:
    found = cohen_kappa(["a", "b", "a"], ["a", "b", "b"], partition(["v", "v", "v"]))
    assert (found.se, found.low, found.high) == (None, -1, 1)


def test_wrong_sizes() -> None:
    with pytest.raises(ValueError, match="items"):
        cohen_kappa(["a"], ["a", "b"], singles(2))
    with pytest.raises(ValueError, match="two raters"):
        fleiss_kappa(np.array([[1.0, 0.0]]), singles(1))


@given(st.lists(st.tuples(st.sampled_from("kdx"), st.sampled_from("kdx")), min_size=2, max_size=30))
def test_who_is_first_does_not_matter(pairs: list[tuple[str, str]]) -> None:
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    one, other = (cohen_kappa(x, y, singles(len(pairs))) for x, y in ((first, second), (second, first)))
    assert one.value == pytest.approx(other.value, nan_ok=True)
    assert -1 <= one.low <= one.high <= 1
    if one.se is not None:
        assert one.se == pytest.approx(other.se)


def test_intervals_hold_what_they_promise() -> None:
    """Six questions a video of which one rater misses whole videos: the clustered interval covers, singles do not."""
    rng = np.random.default_rng(0)
    covered, narrow, draws = 0, 0, 300
    truth = 0.6  # half of the labels are `a`; a missed video is labelled by a coin: kappa is the share of seen videos
    for _ in range(draws):
        first = rng.integers(2, size=(60, 6))
        seen = rng.random((60, 1)) < truth
        second = np.where(seen, first, rng.integers(2, size=(60, 6)))
        videos = np.repeat(np.arange(60), 6)
        labels = first.ravel().tolist(), second.ravel().tolist()
        clustered = cohen_kappa(*labels, partition(videos.tolist()))
        single = cohen_kappa(*labels, singles(360))
        covered += clustered.low <= truth <= clustered.high
        narrow += single.low <= truth <= single.high
    assert 0.92 <= covered / draws <= 0.98
    assert narrow / draws < covered / draws

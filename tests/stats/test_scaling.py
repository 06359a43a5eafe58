"""Scaling Consistency: the paper's own table, closed forms, and intervals that know how few designs there are."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.content import content_path
from apollobench.stats.scaling import consistency, noise_ceiling, plateau, size_fit

SCORES = st.lists(st.integers(0, 40), min_size=4, max_size=12)
PAPER = {
    "7B": "Qwen2-7B-Instruct",
    "4B": "Qwen1.5-4B-Chat",
    "1.5B": "Qwen2-1.5B-Instruct",
    "0.5B": "Qwen2-0.5B-Instruct",
}


@pytest.fixture(scope="module")
def paper() -> pd.DataFrame:
    """The paper's 21 variants [design, mixture] at each size."""
    table = pd.read_csv(content_path("curation", "paper", "variants.csv"))
    return table.pivot(index=["design_id", "data_mixture"], columns="llm", values="average")


@pytest.mark.parametrize(
    ("small", "large", "r2", "agreement", "within"),
    [
        ("4B", "7B", 0.938, 0.900, 0.714),
        ("1.5B", "7B", 0.831, 0.838, 0.571),
        ("0.5B", "7B", 0.694, 0.810, 0.540),
        ("1.5B", "4B", 0.902, None, None),
    ],
)
def test_the_papers_tables(
    paper: pd.DataFrame, small: str, large: str, r2: float, agreement: float | None, within: float | None
) -> None:
    designs, mixtures = paper.index.get_level_values(0), paper.index.get_level_values(1)
    found = consistency(paper[PAPER[small]], paper[PAPER[large]], designs, mixtures)
    assert (found.n, found.r2.clusters) == (21, 7)
    assert round(found.r2.value, 3) == r2
    assert found.r2.low < found.r2.value < found.r2.high
    assert found.within is not None
    assert set(found.within.by_stratum) == {"A", "B", "C"}
    assert len(found.without) == 7
    if agreement:
        assert round(found.agreement.value, 3) == agreement
        assert round(found.within.agreement.value, 3) == within


def test_the_papers_fit_over_sizes(paper: pd.DataFrame) -> None:
    small = [paper[PAPER[size]] for size in ("0.5B", "1.5B", "4B")]
    fit = size_fit([0.5, 1.5, 4], small, paper[PAPER["7B"]], paper.index.get_level_values(0))
    assert [round(r2, 3) for r2 in fit.r2] == [0.694, 0.831, 0.938]
    assert (round(fit.a.value, 4), round(fit.b.value, 3)) == (0.1178, 0.778)
    assert fit.a.low < fit.a.value < fit.a.high
    rounded = np.polyfit(np.log([0.5, 1.5, 4]), [0.694, 0.831, 0.938], 1)  # what gives the figure often quoted
    assert np.round(rounded, 4) == pytest.approx([0.1175, 0.778])


def test_within_strata_by_hand() -> None:
    x = np.array([1.0, 2, 4, 11, 13, 15])
    y = np.array([3.0, 1, 5, 20, 26, 23])
    strata = list("aaabbb")
    found = consistency(x, y, range(6), strata).within
    assert found is not None
    centred = [v - np.repeat([v[:3].mean(), v[3:].mean()], 3) for v in (x, y)]
    assert found.r2.value == pytest.approx(np.corrcoef(*centred)[0, 1] ** 2)
    assert found.agreement.value == pytest.approx(4 / 6)
    assert found.by_stratum["a"] == pytest.approx(np.corrcoef(x[:3], y[:3])[0, 1] ** 2)


def test_leaving_out_a_design() -> None:
    x, y = [1.0, 2, 3, 9, 9.5], [2.0, 1, 3, 1, 2]
    found = consistency(x, y, list("abcdd"))
    assert found.without["d"] == pytest.approx(0.25)
    assert list(found.without) == list("abcd")


@given(SCORES, st.floats(0.5, 3), st.floats(-20, 20))
def test_a_straight_line_is_perfect(values: list[int], slope: float, offset: float) -> None:
    x = np.asarray(values, float)
    if np.ptp(x) == 0:
        with pytest.raises(ValueError, match="does not vary"):
            consistency(x, x, range(len(x)))
        return
    found = consistency(x, slope * x + offset, range(len(x)))
    assert (found.r2.value, found.agreement.value) == pytest.approx((1, 1))


def test_designs_are_resampled_whole() -> None:
    rng = np.random.default_rng(1)
    ability = np.repeat(rng.normal(size=5), 20)
    x, y = ability + 0.05 * rng.normal(size=100), np.repeat(rng.normal(size=5), 20) + 0.05 * rng.normal(size=100)
    whole, alone = consistency(x, y, np.repeat(np.arange(5), 20)).r2, consistency(x, y, np.arange(100)).r2
    assert whole.high - whole.low > 2 * (alone.high - alone.low)


def test_the_ceiling_is_what_noise_leaves_of_a_perfect_correlation() -> None:
    rng = np.random.default_rng(0)
    truth, se = rng.normal(0, 3, size=4000), 2.0
    x, y = truth + rng.normal(0, se, 4000), truth + rng.normal(0, se, 4000)
    ceiling = noise_ceiling(x, y, np.full(4000, se), np.full(4000, se))
    assert ceiling.r2 == pytest.approx((9 / 13) ** 2, abs=0.03)
    assert ceiling.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, abs=0.03)
    shared = rng.normal(0, se * math.sqrt(0.75))  # what all variants have in common hides nothing
    x, y = (truth + shared + rng.normal(0, se / 2, 4000) for _ in range(2))
    same = noise_ceiling(x, y, np.full(4000, se), np.full(4000, se), item_correlation=0.75)
    assert same.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, abs=0.03)
    assert noise_ceiling([1, 2, 3], [1, 2, 4], [9] * 3, [9] * 3).r2 == 0


def test_a_plateau_begins_where_more_samples_add_nothing() -> None:
    rng = np.random.default_rng(3)
    large = rng.normal(size=300)
    noise = rng.normal(size=300)
    small = [large + spread * noise for spread in (3.0, 1.0, 0.2, 0.19, 0.18)]
    found = plateau([75, 150, 250, 500, 1000], small, large, range(300))
    assert found.at == 250
    assert found.gain[-1].value == 0
    assert found.gain[0].low > 0.02
    assert found.r2[0].value < found.r2[1].value < found.r2[2].value
    assert plateau([1, 2], [small[2], small[2]], large, range(300)).at == 1


@pytest.mark.parametrize(
    ("x", "y", "designs", "told"),
    [
        ([1, 2], [1, 2], ["a", "b"], "at least three"),
        ([1, 2, 3], [1, 2, 3], ["a", "b"], "2 designs for 3"),
        ([1, 2, 3], [4, 4, 4], ["a", "b", "c"], "the second does not vary"),
        ([1, math.nan, 3], [1, 2, 3], ["a", "b", "c"], "must be finite"),
    ],
)
def test_too_little_is_refused(x: list[float], y: list[float], designs: list[str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        consistency(x, y, designs)


def test_few_sizes_and_amounts_are_refused() -> None:
    with pytest.raises(ValueError, match="two or more beside the largest"):
        size_fit([1], [[1, 2, 3]], [1, 2, 3], "abc")
    with pytest.raises(ValueError, match="ascending order"):
        plateau([5, 5], [[1, 2, 3]] * 2, [1, 2, 3], "abc")
    with pytest.raises(ValueError, match="item_correlation"):
        noise_ceiling([1, 2, 3], [1, 2, 3], [1] * 3, [1] * 3, 1)

"""A table of variants: every pair of sizes, and what a table must have for each figure."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.imports.published import read_variants
from apollobench.stats.sizes import Noise, scaling


def table(**columns: object) -> pd.DataFrame:
    known = {"data_mixture": "", "low": math.nan, "high": math.nan, "parameters": math.nan, "samples": math.nan}
    return pd.DataFrame({**known, **columns})


def grid(sizes: list[str], scores: list[list[float]], **columns: object) -> pd.DataFrame:
    rows = [(size, str(i), value) for size, values in zip(sizes, scores, strict=True) for i, value in enumerate(values)]
    llm, design, average = zip(*rows, strict=True)
    return table(llm=llm, design_id=design, average=average, **columns)


def test_the_paper() -> None:
    found = scaling(read_variants(content_path("curation", "paper", "variants.csv")).table)
    assert found.sizes == ("Qwen2-0.5B-Instruct", "Qwen2-1.5B-Instruct", "Qwen1.5-4B-Chat", "Qwen2-7B-Instruct")
    assert len(found.pairings) == 6
    assert [round(p.found.r2.value, 3) for p in found.to_largest] == [0.694, 0.831, 0.938]
    assert found.fit is not None
    assert found.fit.billions == (0.5, 1.5, 4)
    assert (found.plateaus, found.notes) == ({}, ())
    assert found.pairings[0].ceiling is None
    with_items = scaling(read_variants(content_path("curation", "paper", "variants.csv")).table, Noise(988))
    assert with_items.pairings[0].ceiling is not None


def test_variants_at_one_size_only_are_told() -> None:
    data = grid(["a-1B", "b-2B"], [[1, 2, 3, 4], [1, 2, 4, 3]])
    found = scaling(data.drop(index=[3]))
    assert found.pairings[0].found.n == 3
    assert found.notes == (
        "a-1B against b-2B: 1 variants are there at one of the sizes only",
        "no fit over sizes: a fit over sizes needs two or more beside the largest",
    )


def test_a_size_that_scores_all_alike_is_left_out() -> None:
    found = scaling(grid(["a", "b", "c"], [[1, 2, 3], [2, 2, 2], [1, 3, 2]]))
    assert [(p.small, p.large) for p in found.pairings] == [("a", "c")]
    assert "a against b left out: b does not vary: every variant has 2" in found.notes[0]
    assert "how large is a?" in found.notes[-1]


def test_ceiling_from_the_scores_intervals() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(50, 3, 30)
    data = grid(["1B", "2B"], [list(truth + rng.normal(0, 1, 30)), list(truth + rng.normal(0, 1, 30))])
    data["low"], data["high"] = data["average"] - 1.96, data["average"] + 1.96
    (pairing,) = scaling(data).pairings
    assert pairing.ceiling is not None
    assert pairing.ceiling.reliability_x == pytest.approx(1 - 1 / np.var(pairing.x, ddof=1), abs=1e-3)


def test_a_plateau_over_samples() -> None:
    rng = np.random.default_rng(0)
    truth, noise = rng.normal(50, 3, 40), rng.normal(0, 1, 40)
    few, many = list(truth + 6 * noise), list(truth + noise)
    data = grid(["1B", "1B", "1B", "7B"], [few, many, many, list(truth)], samples=np.repeat([100, 500, 900, 900], 40))
    found = scaling(data)
    assert list(found.plateaus) == ["1B"]
    assert found.plateaus["1B"].at == 500
    assert found.pairings[0].found.r2.value == pytest.approx(found.plateaus["1B"].r2[-1].value)


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="one size"):
        scaling(grid(["a"], [[1, 2, 3]]))
    with pytest.raises(InputError, match="a against b left out: 2 variants in common, at least three"):
        scaling(grid(["a", "b"], [[1, 2], [1, 2]]))

"""Redundancy: the paper's own correlations, known trees, and what cannot be judged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.stats.redundancy import Rule, near_duplicates, redundancy_of_table, tree_order

PAPER = {
    ("VMME-S", "VMME-M"): 0.97,
    ("VMME-S", "VMME-L"): 0.96,
    ("TC-MC", "TC-YN"): 0.89,
    ("LongVideoBench", "TC-YN"): 0.89,
    ("Perception-Test", "LongVideoBench"): 0.87,
}


def test_the_papers_figure() -> None:
    long = pd.read_csv(content_path("curation", "paper", "modes.csv"))
    scores = long[long["mode"] == "video"].pivot(index="model", columns="benchmark", values="accuracy")
    found = redundancy_of_table(scores)
    values = pd.DataFrame(found.matrix("pearson"), found.names, found.names)
    assert {pair: round(values.loc[pair], 2) for pair in PAPER} == PAPER
    assert (found.models, len(found.pairs)) == (10, 45)
    pd.testing.assert_frame_equal(values.loc[scores.columns, scores.columns], scores.corr(), check_names=False)
    for pair in found.pairs:
        assert pair.found is not None
        assert pair.found.pearson.low < pair.found.pearson.value < pair.found.pearson.high
    assert [set(group.members) for group in found.groups] == [{"TC-CM", "TC-MC"}, {"VMME-L", "VMME-M", "VMME-S"}]
    weakest = found.groups[1].weakest
    assert {weakest.first, weakest.second} == {"VMME-L", "VMME-M"}
    assert found.groups[1].delegate == "VMME-S"
    lines = {(p.first, p.second): p.found for p in found.pairs}
    line = lines["VMME-L", "VMME-S"]
    assert line is not None
    assert np.polyfit(scores["VMME-L"], scores["VMME-S"], 1) == pytest.approx([line.slope, line.intercept])


def test_missing_cells_are_left_out_pair_by_pair() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(12, 3)), columns=list("xyz"))
    table.loc[:3, "x"] = np.nan
    table.loc[6:, "y"] = np.nan
    table["z"] = 7.0
    found = {(p.first, p.second): p for p in redundancy_of_table(table, rule=Rule(min_models=3)).pairs}
    assert found["x", "y"].why == "fewer than 3 models in common"
    assert (found["x", "y"].models, found["x", "z"].models) == (2, 8)
    assert found["x", "z"].why == "z does not vary: every model has 7, so no correlation is defined"


def test_near_duplicates_all_agree_with_all() -> None:
    values = np.array([[1, 0.95, 0.80, np.nan], [0.95, 1, 0.95, 0.99], [0.80, 0.95, 1, 0.1], [np.nan, 0.99, 0.1, 1]])
    assert near_duplicates(values, 0.9) == [[1, 3]]
    assert near_duplicates(values, 0.999) == []
    assert sorted(tree_order(values)) == [0, 1, 2, 3]
    assert near_duplicates(np.array([[1.0, 0.9], [0.9, 1.0]]), 0.9) == [[0, 1]]


@pytest.mark.parametrize(
    ("models", "columns", "rule", "told"),
    [
        (2, "xy", Rule(), "2 models: any two lie on a line"),
        (9, "x", Rule(), "one benchmark"),
        (9, "xy", Rule(threshold=0), "threshold is 0"),
        (9, "xy", Rule(coefficient="r"), "unknown coefficient 'r'; valid: pearson, spearman, kendall"),
    ],
)
def test_what_cannot_be_compared_is_refused(models: int, columns: str, rule: Rule, told: str) -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(models, len(columns))), columns=list(columns))
    with pytest.raises(InputError, match=told):
        redundancy_of_table(table, rule=rule)

"""Markdown tables stay tables whatever the cells hold."""

from __future__ import annotations

import math

import pytest

from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.stats.interval import Estimate


def test_numbers_go_right_and_words_left() -> None:
    assert markdown_table(["model", "score"], [["a", "61.2"], ["longer", "-"]]).splitlines() == [
        "| model  | score |",
        "| ------ | ----: |",
        "| a      |  61.2 |",
        "| longer |     - |",
    ]


def test_cells_cannot_break_the_table() -> None:
    lines = markdown_table(["x"], [["a|b"], ["two\nlines"], ["back\\slash"]]).splitlines()
    assert [line.count("|") - line.count("\\|") for line in lines] == [2] * 5
    assert "two lines" in lines[3]


def test_a_table_without_rows_has_its_head() -> None:
    assert markdown_table(["a", "b"], []).splitlines() == ["| a   | b   |", "| --- | --- |"]


def test_a_short_row_is_refused() -> None:
    with pytest.raises(ValueError, match="every row needs 2 cells"):
        markdown_table(["a", "b"], [["1"]])


def test_figures_as_text() -> None:
    assert (percent(0.1234), percent(None), percent(math.nan)) == ("12.3", "-", "-")
    estimate = Estimate(0.5, 0.1, 0.3, 0.7, 20, 5)
    assert with_interval(estimate) == "50.0 (30.0 to 70.0)"
    assert with_interval(estimate, signed=True) == "+50.0 (+30.0 to +70.0)"
    assert with_interval(None) == "-"
    assert with_interval(Estimate(0.5, None, -math.inf, math.inf, 1, 1)) == "50.0"

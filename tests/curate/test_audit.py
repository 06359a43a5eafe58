"""The audit: the paper's own gaps from the paper's own table, and hand-computed ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apollobench.curate.answers import Answers
from apollobench.curate.audit import audit, audit_table
from apollobench.types import Item, Mode

# Recomputed from Tables 5 and 6: mean over the ten models, in points.
VIDEO_TEXT_FRAME = {
    "VMME-L": (6.29, 6.72),
    "LongVideoBench": (10.59, 6.70),
    "TC-YN": (12.21, 4.83),
    "VMME-M": (12.73, 12.24),
    "Perception-Test": (12.85, 4.27),
    "MLVU": (16.84, 10.97),
    "TC-CM": (17.00, 7.36),
    "TC-MC": (21.21, 8.89),
    "VMME-S": (24.79, 20.70),
    "NExT-QA": (26.02, 7.42),
}


def test_the_paper_s_gaps(shared: Path) -> None:
    table = pd.read_csv(shared / "data" / "paper" / "apollo_table5_6_long.csv").rename(columns={"benchmark": "group"})
    table["mode"] = table["mode"].replace("image", "frame")
    table["accuracy"] /= 100
    result = audit_table(table)
    gaps = {(gap.group, gap.less): gap for gap in result.gaps}
    for group, (text, frame) in VIDEO_TEXT_FRAME.items():
        assert round(100 * gaps[group, Mode.TEXT].over_models.value, 2) == text
        assert round(100 * gaps[group, Mode.FRAME].over_models.value, 2) == frame
    assert len(result.boxes) == 30
    assert {box.models for box in result.boxes} == {10}
    box = next(b for b in result.boxes if (b.group, b.mode) == ("VMME-L", Mode.VIDEO))
    rows = table[(table["group"] == "VMME-L") & (table["mode"] == "video")]["accuracy"]
    assert (box.low, box.high) == (rows.min(), rows.max())
    assert box.median == pytest.approx(rows.median())
    assert box.sd == pytest.approx(rows.std())


def test_gaps_by_hand(make_answers: Callable[..., Answers], make_item: Callable[..., Item]) -> None:
    items = [make_item(i, video=f"v{i // 2}", options=2 if i < 4 else 4) for i in range(8)]
    answers = make_answers(
        {
            "a": {Mode.TEXT: "11000000", Mode.FRAME: "11110000", Mode.VIDEO: "11111100"},
            "b": {Mode.TEXT: "10000000", Mode.FRAME: "10000000", Mode.VIDEO: "11110000"},
        },
        items,
    )
    at = np.arange(8)
    result = audit(answers, {"all": at < 8, "x": at < 4, "y": (at >= 4) & (at < 7)})
    boxes = {(b.group, b.mode): b for b in result.boxes}
    assert boxes["all", Mode.VIDEO].mean == pytest.approx(5 / 8)
    assert boxes["x", Mode.TEXT].mean == pytest.approx(3 / 8)
    assert boxes["all", Mode.TEXT].sd == pytest.approx(np.std([2 / 8, 1 / 8], ddof=1))
    gaps = {(g.group, g.less): g for g in result.gaps}
    gap = gaps["all", Mode.TEXT]
    assert gap.over_models.value == pytest.approx(7 / 16)
    assert gap.over_videos is not None
    assert gap.over_videos.value == pytest.approx(7 / 16)
    assert gap.over_videos.clusters == 4
    assert gap.over_models.clusters == 2
    blind = {b.group: b for b in result.blind}
    assert blind["all"].chance == pytest.approx(3 / 8)
    for gap in (blind["all"].over_models, blind["all"].over_videos):
        assert gap is not None
        assert gap.value == pytest.approx(3 / 16 - 3 / 8)
    assert (blind["x"].items, blind["y"].items) == (4, 3)


def test_answers_that_are_no_votes_leave_both_sides(make_answers: Callable[..., Answers]) -> None:
    answers = make_answers({"a": {Mode.TEXT: "0e00", Mode.VIDEO: "10e1"}, "b": {Mode.TEXT: "xxxx", Mode.VIDEO: "1111"}})
    gap = next(g for g in audit(answers, {"all": np.ones(4, dtype=bool)}).gaps if g.less is Mode.TEXT)
    assert gap.over_videos is not None
    assert (gap.over_videos.n, gap.over_videos.value) == (2, 1.0)
    assert gap.over_models.n == 1


def test_a_pool_without_a_mode_has_no_gap_for_it(make_answers: Callable[..., Answers]) -> None:
    result = audit(make_answers({"a": {Mode.VIDEO: "10"}}), {"all": np.ones(2, dtype=bool)})
    assert result.gaps == ()
    assert result.blind[0].over_models is None

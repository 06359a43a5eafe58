"""Charts say what the statistics say: scores, differences, and a curation's audit and selection."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from apollobench.evaluate.results import read_results
from apollobench.pages.chart import LEFT, WIDTH, Bars, Intervals, Line, Mark, mark
from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate
from apollobench.stats.paired import clustered_paired_difference
from apollobench.types import Mode
from apollobench.viewer.curation import audit_charts, selection_charts
from apollobench.viewer.scores import against_first, categories_chart, models_chart, scorecards
from apollobench.viewer.table import read_table

from .conftest import Place


def test_scores_are_those_of_the_result(place: Place) -> None:
    table = read_table([place.first])
    (card,) = scorecards(table)
    assert card is not None
    told = read_results(place.first).ours["modes"]
    for mode, scored in card.modes.items():
        assert scored.overall is not None
        assert told[mode]["overall"]["value"] == scored.overall.value
    chart = categories_chart(table, "apollo-one", card)
    assert [line.name for line in chart.lines] == [*table.categories, "overall"]
    video = next(one for one in chart.lines[-1].marks if chart.series[one.series] == "video")
    assert (video.value, video.low, video.high) == tuple(told["video"]["overall"][k] for k in ("value", "low", "high"))
    assert models_chart(table, [card]).lines[0].marks == chart.lines[-1].marks


def test_a_panel_is_scored_on_the_benchmark_and_not_on_what_was_left_out(place: Place) -> None:
    table = read_table([place.benchmark])
    cards = scorecards(table)
    assert [card.items for card in cards if card] == [10, 10, 10]


def test_differences_are_paired_and_count_what_only_one_has_right(place: Place) -> None:
    table = read_table([place.first, place.second])
    found = {one.mode: one for one in against_first(table)}
    samples = [{(s.item, s.mode): s for s in read_results(folder).samples} for folder in (place.first, place.second)]
    shared = [key for key in samples[0] if key[1] is Mode.VIDEO]
    both = [key for key in shared if None not in (samples[0][key].acc, samples[1][key].acc)]
    first, second = ([samples[side][key].acc or 0.0 for key in both] for side in (0, 1))
    expected = clustered_paired_difference(first, second, partition([samples[0][key].video for key in both]))
    assert found[Mode.VIDEO].difference == expected
    assert (found[Mode.VIDEO].first, found[Mode.VIDEO].other) == (0, int(sum(second) - sum(first)))


def test_curation_charts_count_the_pool(place: Place) -> None:
    part = read_table([place.benchmark]).parts[0]
    boxes, *gaps = audit_charts(part)
    assert boxes.lines[0].name == "all"
    text = boxes.lines[0].marks[0]
    assert text.low == pytest.approx(10 / 11)  # of 11 answers `one` names no option once; its error is no vote
    assert text.high == 1
    assert [chart.title for chart in gaps] == [
        "What the video adds to the question alone",
        "What the video adds to the center frame",
        "Right without seeing",
    ]
    fates, why, scores = selection_charts(part)
    assert sum(sum(counts) for _, counts in fates.lines) == 12
    assert [sum(counts[i] for _, counts in fates.lines) for i in range(3)] == [10, 0, 2]
    assert why.lines == (("text", (2,)),)
    assert sum(counts[0] for _, counts in scores.lines) == 10


def test_places_on_a_scale() -> None:
    chart = Intervals("t", "n", ("s",), (Line("a", (Mark(0, 0.5, 0.25, 2.0, ""),)),), 0.0, 1.0, 0.25)
    assert [chart.x(value) for value in (0.0, 0.5, 2.0)] == [
        f"{LEFT:.2f}%",
        f"{LEFT + WIDTH / 2:.2f}%",
        f"{LEFT + WIDTH:.2f}%",
    ]
    assert chart.ticks == [0, 0.25, 0.5, 0.75, 1]
    bars = Bars("t", "n", ("s", "t"), (("a", (1, 1)), ("b", (1, 3))))
    assert bars.spans((1, 1)) == [("0.00%", "25.00%"), ("25.00%", "25.00%")]


def test_an_estimate_without_an_interval_has_no_whiskers() -> None:
    endless = Estimate(0.5, None, -math.inf, math.inf, 1, 1)
    (one,) = mark(0, endless, "50.0")
    assert (one.low, one.high) == (0.5, 0.5)
    assert mark(0, None, "") == mark(0, replace(endless, value=math.nan), "") == ()

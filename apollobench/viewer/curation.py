"""What a curation found and did, as charts: the audit of its pool, the filter, the selection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from apollobench.benchmark import Entry
from apollobench.curate.answers import Bools, gather
from apollobench.curate.audit import Audit, Blind, Gap, audit
from apollobench.pages.chart import Bars, Intervals, Line, Mark, mark
from apollobench.report.scorecard import NAMES
from apollobench.report.tables import percent, with_interval
from apollobench.types import CATEGORIES, Mode
from apollobench.viewer.part import Part

BINS = 10


def audit_charts(part: Part) -> list[Intervals]:
    """What the panel scores in each mode, what seeing adds, and what is left of text mode without guessing."""
    panel = [subject.name for subject in part.subjects if subject.role == "panel"]
    modes = [mode for mode in Mode if any(r.mode is mode for r in part.responses)]
    items = [entry.item for entry in part.entries]
    asked = {item.id for item in items}
    answers = gather(items, (r for r in part.responses if r.item in asked), panel, modes)
    found = audit(answers, _groups(part.entries))
    return [_boxes(found, modes), *_gaps(found)] if found.boxes else []


def _groups(entries: Sequence[Entry]) -> dict[str, Bools]:
    categories = np.array([entry.item.category or "" for entry in entries])
    named = {name: categories == name for name in CATEGORIES if (categories == name).any()}
    return {"all": np.ones(len(entries), dtype=np.bool_), **named}


def _boxes(found: Audit, modes: Sequence[Mode]) -> Intervals:
    groups = dict.fromkeys(box.group for box in found.boxes)
    lines = [
        Line(
            group,
            tuple(
                Mark(
                    modes.index(box.mode),
                    box.median,
                    box.low,
                    box.high,
                    f"{percent(box.median)} ({percent(box.low)} to {percent(box.high)})",
                    (box.q1, box.q3),
                )
                for box in found.boxes
                if box.group == group
            ),
        )
        for group in groups
    ]
    note = (
        f"Accuracy of the panel's {found.boxes[0].models} models on the pool in percent: median and range over models, "
        f"the thick part from the first to the third quartile. A range, not an interval."
    )
    return Intervals(
        "The pool with less than the video, and with it", note, tuple(NAMES[m] for m in modes), tuple(lines), 0, 1, 0.25
    )


def _gaps(found: Audit) -> list[Intervals]:
    """What the video adds to each lesser mode, and what text mode has over guessing."""
    charts = []
    for more, less in dict.fromkeys((gap.more, gap.less) for gap in found.gaps):
        gaps = [gap for gap in found.gaps if (gap.more, gap.less) == (more, less)]
        title = f"What the video adds to {'the question alone' if less is Mode.TEXT else 'the center frame'}"
        charts.append(_differences(title, f"Accuracy in {more} mode minus {less} mode", gaps))
    if any(blind.over_models for blind in found.blind):
        what = "Accuracy in text mode minus guessing (the mean of 1 / options)"
        charts.append(_differences("Right without seeing", what, found.blind))
    return charts


def _differences(title: str, what: str, gaps: Sequence[Gap | Blind]) -> Intervals:
    note = (
        f"{what} on the pool, mean over the panel, in points, with 95 % intervals: over models, what others would show "
        f"on these items; over videos, what these would show on others."
    )
    lines = tuple(
        Line(
            gap.group,
            tuple(
                one
                for place, estimate in enumerate((gap.over_models, gap.over_videos))
                for one in mark(place, estimate, with_interval(estimate, signed=True))
            ),
            0.0,
        )
        for gap in gaps
    )
    return Intervals(title, note, ("over models", "over videos"), lines, -0.25, 1, 0.25)


def selection_charts(part: Part) -> list[Bars]:
    """Where the pool's items went, by category; why the filter dropped them; and the scores that ranked the rest."""
    series = ("selected", "left by the selection", "dropped by the filter")
    counts = [
        (name, tuple(sum(e.item.category == name and _fate(e) == i for e in part.entries) for i in range(len(series))))
        for name in CATEGORIES
    ]
    manifest = part.manifest or {}
    dropped = tuple((str(grounds), (int(n),)) for grounds, n in manifest.get("counts", {}).get("dropped", {}).items())
    charts = [
        Bars(
            "From the pool to the benchmark",
            f"Items of the pool ({len(part.entries):,}) by category and by what became of them.",
            series,
            tuple(row for row in counts if sum(row[1])),
        )
    ]
    if dropped:
        note = "Items dropped by the filter, by the modes in which too many of the panel were right."
        charts.append(Bars("Why the filter dropped items", note, ("items",), dropped, head="right in"))
    ranked = [entry for entry in part.entries if entry.score is not None]
    if len({entry.score for entry in ranked}) > 1:
        charts.append(_scores(ranked))
    return charts


def _scores(ranked: Sequence[Entry]) -> Bars:
    scores = np.array([entry.score for entry in ranked], dtype=np.float64)
    taken = np.array([not entry.rule for entry in ranked])
    edges = np.linspace(0, scores.max(), BINS + 1)
    chosen, left = (np.histogram(scores[mask], edges)[0] for mask in (taken, ~taken))
    lines = tuple(
        (f"{edges[i]:.2f} to {edges[i + 1]:.2f}", (int(chosen[i]), int(left[i]))) for i in reversed(range(BINS))
    )
    note = "Items that the filter kept, by the score that ranked them; within a category the highest were selected."
    return Bars("Scores that ranked the survivors", note, ("selected", "left"), lines, head="score")


def _fate(entry: Entry) -> int:
    return 0 if not entry.rule else 1 if entry.rule.startswith("select:") else 2

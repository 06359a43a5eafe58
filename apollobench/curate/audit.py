"""How much of a pool can be answered without seeing the video: accuracies per mode, and the gaps between them.

Figure 2 (left) and Tables 5 and 6 of arXiv 2412.10360, with intervals and with chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apollobench.curate.answers import NO_VOTE, RIGHT, Answers, Bools
from apollobench.stats.clusters import Floats, partition
from apollobench.stats.interval import Estimate, clustered_mean
from apollobench.types import Mode

if TYPE_CHECKING:
    import pandas as pd

GAPS = ((Mode.VIDEO, Mode.TEXT), (Mode.VIDEO, Mode.FRAME))


@dataclass(frozen=True, slots=True)
class Box:
    """Accuracies of the models in one group and mode, in [0, 1]: what a box plot shows. sd: over models, n - 1."""

    group: str
    mode: Mode
    models: int
    mean: float
    sd: float
    low: float
    q1: float
    median: float
    q3: float
    high: float


@dataclass(frozen=True, slots=True)
class Gap:
    """Mean over models of accuracy in `more` minus accuracy in `less`, twice with an interval.

    over_models: the models are a sample, the items are given. over_videos: the other way round; None without items.
    """

    group: str
    more: Mode
    less: Mode
    over_models: Estimate
    over_videos: Estimate | None


@dataclass(frozen=True, slots=True)
class Blind:
    """Mean over models of accuracy in text mode minus `chance`, the mean of 1 / options; intervals as in `Gap`.

    items: how many there are, None where a table does not say. Both estimates are None without text mode.
    """

    group: str
    items: int | None
    chance: float
    over_models: Estimate | None
    over_videos: Estimate | None


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of a pool, group by group."""

    boxes: tuple[Box, ...]
    gaps: tuple[Gap, ...]
    blind: tuple[Blind, ...]


def audit(answers: Answers, groups: Mapping[str, Bools], level: float = 0.95) -> Audit:
    """Audits a pool. groups: name -> which items belong to it; they may overlap."""
    parts = {name: answers.at(mask) for name, mask in groups.items()}
    tables = {name: accuracies(part) for name, part in parts.items()}
    boxes = [box for name, by_mode in tables.items() for box in _boxes(name, by_mode)]
    gaps = [
        Gap(name, more, less, over_models, _gap_over_videos(parts[name], more, less, level))
        for name, by_mode in tables.items()
        for more, less, over_models in _gaps_over_models(by_mode, level)
    ]
    return Audit(tuple(boxes), tuple(gaps), tuple(_blind(name, part, level) for name, part in parts.items()))


def audit_table(table: pd.DataFrame, level: float = 0.95) -> Audit:
    """Audits a plain table: columns model, group, mode and accuracy in [0, 1]. Without items, so over models only.

    With columns `chance` and `n`, nan where not known, the gap between text mode and chance is there, too.
    """
    boxes: list[Box] = []
    gaps: list[Gap] = []
    blind: list[Blind] = []
    for name, rows in table.groupby("group", sort=False):
        wide = rows.pivot(index="model", columns="mode", values="accuracy")
        by_mode = {mode: wide[mode].to_numpy(dtype=np.float64) for mode in Mode if mode in wide.columns}
        boxes.extend(_boxes(str(name), by_mode))
        for more, less, over_models in _gaps_over_models(by_mode, level):
            gaps.append(Gap(str(name), more, less, over_models, None))
        if {"chance", "n"} <= set(rows.columns) and rows["chance"].notna().any():
            chance, n = float(rows["chance"].mean()), rows["n"].max()
            surplus = by_mode[Mode.TEXT] - chance if Mode.TEXT in by_mode else np.empty(0)
            items = None if np.isnan(n) else int(n)
            blind.append(Blind(str(name), items, chance, _mean_over_models(surplus, level), None))
    return Audit(tuple(boxes), tuple(gaps), tuple(blind))


def accuracies(answers: Answers) -> dict[Mode, Floats]:
    """Per mode the accuracy of each model [models]: right answers over votes, nan for a model without a vote."""
    found = {}
    for mode in answers.modes:
        scores = answers.scores(mode)
        votes = (scores != NO_VOTE).sum(axis=1)
        right = (scores == RIGHT).sum(axis=1)
        found[mode] = np.divide(right, votes, out=np.full(len(votes), np.nan), where=votes > 0)
    return found


def _boxes(group: str, by_mode: dict[Mode, Floats]) -> list[Box]:
    boxes = []
    for mode, values in by_mode.items():
        known = values[~np.isnan(values)]
        if not known.size:
            continue
        low, q1, median, q3, high = (float(q) for q in np.quantile(known, [0, 0.25, 0.5, 0.75, 1]))
        sd = float(known.std(ddof=1)) if known.size > 1 else np.nan
        boxes.append(Box(group, mode, known.size, float(known.mean()), sd, low, q1, median, q3, high))
    return boxes


def _gaps_over_models(by_mode: dict[Mode, Floats], level: float) -> list[tuple[Mode, Mode, Estimate]]:
    """Of the models that have both accuracies."""
    gaps = []
    for more, less in GAPS:
        if more in by_mode and less in by_mode:
            found = _mean_over_models(by_mode[more] - by_mode[less], level)
            if found is not None:
                gaps.append((more, less, found))
    return gaps


def _mean_over_models(values: Floats, level: float) -> Estimate | None:
    """Student's t over the models whose value is known: each model is a cluster of its own."""
    known = values[~np.isnan(values)]
    return clustered_mean(known, partition(range(known.size)), level) if known.size else None


def _gap_over_videos(part: Answers, more: Mode, less: Mode, level: float) -> Estimate | None:
    """Per item the mean over models that voted in both modes; its mean over items, clustered by video."""
    first, second = part.scores(less), part.scores(more)
    both = (first != NO_VOTE) & (second != NO_VOTE)
    return _mean_over_items(part, np.where(both, second - first, 0).sum(axis=0), both.sum(axis=0), level)


def _blind(group: str, part: Answers, level: float) -> Blind:
    chance = float(part.chance.mean()) if part.items else np.nan
    if Mode.TEXT not in part.modes:
        return Blind(group, len(part.items), chance, None, None)
    scores = part.scores(Mode.TEXT)
    voted = scores != NO_VOTE
    surplus = np.where(voted, (scores == RIGHT) - part.chance, 0)
    votes = voted.sum(axis=1)
    by_model = np.divide(surplus.sum(axis=1), votes, out=np.full(len(votes), np.nan), where=votes > 0)
    over_videos = _mean_over_items(part, surplus.sum(axis=0), voted.sum(axis=0), level)
    return Blind(group, len(part.items), chance, _mean_over_models(by_model, level), over_videos)


def _mean_over_items(part: Answers, sums: Floats, counts: Floats, level: float) -> Estimate | None:
    seen = counts > 0
    if not seen.any():
        return None
    videos = partition([part.items[i].video.id for i in np.flatnonzero(seen)])
    return clustered_mean(sums[seen] / counts[seen], videos, level)

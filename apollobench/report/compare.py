"""A comparison to read and on disk: standings, pairs, categories."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from apollobench.curate.matrix import Matrix
from apollobench.curate.oddities import oddities
from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.stats.comparison import Comparison, Standing, compare
from apollobench.stats.interval import Estimate
from apollobench.types import Mode

REPORT, STANDINGS, PAIRS, ALL = "report.md", "standings.csv", "pairs.csv", "comparison.json"
EVERYTHING = "all"


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison over all items and in each category. notes: what is odd about the answers."""

    mode: Mode
    videos: int
    overall: Comparison
    categories: Mapping[str, Comparison]
    notes: tuple[str, ...]

    @property
    def parts(self) -> dict[str, Comparison]:
        return {EVERYTHING: self.overall, **self.categories}


def compare_matrix(matrix: Matrix, mode: Mode, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> Compared:
    """Compares all models of `matrix`, over all items and within each category that is named."""
    names = [name for name in dict.fromkeys(matrix.categories) if name]
    labels = np.array(matrix.categories)

    def within(part: Matrix) -> Comparison:
        return compare(part.scores, part.models, part.videos, level=level, draws=draws, seed=seed)

    return Compared(
        mode=mode,
        videos=matrix.videos.count,
        overall=within(matrix),
        categories={name: within(matrix.at(labels == name)) for name in names} if len(names) > 1 else {},
        notes=tuple(note for note in oddities(matrix) if "number of options" not in note),
    )


def write_comparison(compared: Compared, output: Path) -> Path:
    """Writes the report, both tables and everything as JSON into `output`; gives the report's path."""
    output.mkdir(parents=True, exist_ok=True)
    (output / REPORT).write_text(compared_markdown(compared) + "\n", encoding="utf-8")
    (output / STANDINGS).write_text(standings_csv(compared.parts), encoding="utf-8")
    (output / PAIRS).write_text(pairs_csv(compared.parts), encoding="utf-8")
    whole = {"mode": compared.mode, "notes": compared.notes, "parts": {k: asdict(v) for k, v in compared.parts.items()}}
    (output / ALL).write_text(json.dumps(_finite(whole), indent=2, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return output / REPORT


def compared_markdown(compared: Compared) -> str:
    """The comparison for a person."""
    c = compared.overall
    level = f"{100 * c.level:.4g} %"
    parts = [
        f"# Comparison of {len(c.standings)} models, {compared.mode} mode",
        f"{c.items:,} items of {compared.videos:,} videos have an answer of any model, {c.shared:,} of all models; "
        "ranks are about those, and each pair about the items that both answered.",
    ]
    if compared.notes:
        parts.append("**Beware**\n\n" + "\n".join(f"* {note}" for note in compared.notes))
    parts += ["## Standings", _standings(c), _standings_note(level), "## Pairs", _pairs(c), _pairs_note(c, level)]
    if compared.categories:
        head = ["category", "items", *(s.model for s in c.standings)]
        rows = [
            [name, f"{part.items:,}", *(with_interval(_standing(part, s.model).accuracy) for s in c.standings)]
            for name, part in compared.categories.items()
        ]
        parts += ["## Categories", markdown_table(head, rows), _categories_note(compared.categories, c.level)]
    return "\n\n".join(parts)


def standings_csv(parts: Mapping[str, Comparison]) -> str:
    """One line per model and part (all items, or a category); accuracies in [0, 1]."""
    head = ["part", "model", "items", "accuracy", "low", "high", "shared_items", "shared_accuracy", "shared_low"]
    head += ["shared_high", "rank", "rank_low", "rank_high", "first", "surely_low", "surely_high", "group"]
    rows: list[list[object]] = []
    for part, comparison in parts.items():
        for s in comparison.standings:
            rank = [""] * 6
            if s.rank:
                known = (s.rank.rank, s.rank.low, s.rank.high, s.rank.first, s.rank.surely_low, s.rank.surely_high)
                rank = [f"{value:.4g}" for value in known]
            rows.append([part, s.model, *_told(s.accuracy), *_told(s.shared), *rank, s.group])
    return _csv(head, rows)


def pairs_csv(parts: Mapping[str, Comparison]) -> str:
    """One line per pair and part; differences in [-1, 1]."""
    head = ["part", "first", "second", "items", "difference", "low", "high", "videos", "gained", "lost", "p", "holm"]
    head += ["bh", "mcnemar_p", "mcnemar_holm", "detectable"]
    rows: list[list[object]] = []
    for part, comparison in parts.items():
        for p in comparison.pairs:
            figures = (p.p, p.holm, p.bh, p.discordance.p, p.holm_mcnemar, p.detectable)
            counts = [p.difference.clusters, p.discordance.gained, p.discordance.lost]
            told = [f"{value:.4g}" for value in figures]
            rows.append([part, p.first, p.second, *_told(p.difference), *counts, *told])
    return _csv(head, rows)


def _standings(c: Comparison) -> str:
    rows = []
    for s in c.standings:
        rank = ["-"] * 4
        if s.rank:
            rank = [
                f"{s.rank.rank:g}",
                f"{s.rank.low:g} to {s.rank.high:g}",
                f"{s.rank.surely_low} to {s.rank.surely_high}",
                percent(s.rank.first, 0),
            ]
        rows.append(
            [
                s.model,
                str(s.accuracy.n if s.accuracy else 0),
                with_interval(s.accuracy),
                with_interval(s.shared),
                *rank,
                s.group,
            ]
        )
    head = ["model", "n", "accuracy", "on shared items", "rank", "alone", "all at once", "first", "tied"]
    return markdown_table(head, rows)


def _standings_note(level: str) -> str:
    return (
        f"Accuracies in percent, {level} intervals clustered by video. Rank: on the shared items, 1 the best. Alone: "
        f"{level} interval of this model's rank over resampled videos. All at once: ranks left open by the pairs that "
        f"Holm's test decides, which hold for all models together with {level} confidence. First: share of resamples, "
        "in percent, in which no model is better. Models that share a letter are tied: of the neighbours with the same "
        "letter no two differ."
    )


def _pairs(c: Comparison) -> str:
    rows = [
        [
            f"{p.first} - {p.second}",
            str(p.difference.n),
            with_interval(p.difference, signed=True),
            f"{p.p:.2g}",
            f"{p.holm:.2g}",
            f"{p.bh:.2g}",
            str(p.discordance.gained),
            str(p.discordance.lost),
            f"{p.discordance.p:.2g}",
            percent(p.detectable),
        ]
        for p in c.pairs
    ]
    head = ["pair", "n", "difference", "p", "Holm", "BH", "only first", "only second", "McNemar p", "detectable"]
    return markdown_table(head, rows)


def _pairs_note(c: Comparison, level: str) -> str:
    seen = sorted(p.detectable for p in c.pairs if math.isfinite(p.detectable))
    told = (
        f" Half of these pairs could show a true difference of {percent(seen[len(seen) // 2])} points or less."
        if seen
        else ""
    )
    apart = ", ".join(f"{first} and {second}" for first, second in c.apart)
    return (
        f"Differences in points, {level} intervals and p paired and clustered by video; Holm and Benjamini-Hochberg "
        f"over all {len(c.pairs)} pairs. McNemar's test is exact, takes items as independent, and is not adjusted. "
        f"Detectable: the true difference that a pair which disagrees as often would show with 80 % power at {level}."
        f"{told}" + (f" Not compared, for want of two shared videos: {apart}." if apart else "")
    )


def _categories_note(categories: Mapping[str, Comparison], level: float) -> str:
    decided = [
        f"{name}: {p.first} over {p.second} ({100 * p.difference.value:+.1f} points)"
        for name, part in categories.items()
        for p in part.pairs
        if p.holm <= 1 - level
    ]
    told = "; ".join(decided[:20]) + (f"; and {len(decided) - 20} more" if len(decided) > 20 else "")
    return f"Pairs that differ within a category, by Holm over the pairs of that category: {told or 'none'}."


def _standing(part: Comparison, model: str) -> Standing:
    return next(s for s in part.standings if s.model == model)


def _told(estimate: Estimate | None) -> list[str]:
    if estimate is None:
        return ["0", "", "", ""]
    return [str(estimate.n), *(f"{value:.6g}" for value in (estimate.value, estimate.low, estimate.high))]


def _csv(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


def _finite(value: object) -> object:
    """Infinity as null, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

"""The report of a held-out validation: tables in Markdown, every trial as CSV, and a figure of tau against size."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from apollobench.curate.holdout import BASELINE, HeldOut, Summary, summaries
from apollobench.curate.matrix import Matrix
from apollobench.report.figures import PALETTE, drawing
from apollobench.report.tables import markdown_table, percent
from apollobench.stats.clusters import Floats
from apollobench.stats.interval import Estimate
from apollobench.stats.reliability import (
    items_for_difference,
    kr20_over_families,
    length_for_reliability,
    pair_variances,
    spearman_brown,
)

REPORT, TABLE, TRIALS, FIGURE = "validation.md", "validation.csv", "trials.csv", "tau.svg"
POINTS = (1.0, 2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True, eq=False)
class Resolution:
    """What the pool itself can resolve. items: of the pool that kr20 is over, those that every model answered.

    variances [pairs]: what one item adds to the variance of the difference of two models, clustered by video.
    """

    kr20: Estimate
    items: int
    variances: Floats


def resolution_of(matrix: Matrix, seed: int) -> Resolution:
    """The resolution of a cleaned matrix."""
    complete = matrix.scores[:, (matrix.scores >= 0).all(axis=0)]
    return Resolution(
        kr20_over_families(complete, matrix.families, seed=seed),
        complete.shape[1],
        pair_variances(matrix.scores, matrix.videos),
    )


def write_validation(name: str, found: HeldOut, resolution: Resolution, output: Path) -> Path:
    """Writes report, tables and figure into `output`; gives the report's path."""
    output.mkdir(parents=True, exist_ok=True)
    rows = summaries(found)
    (output / REPORT).write_text(validation_markdown(name, found, resolution), encoding="utf-8")
    (output / TABLE).write_text(table_csv(rows), encoding="utf-8")
    (output / TRIALS).write_text(trials_csv(found), encoding="utf-8")
    _figure(found, rows, output / FIGURE)
    return output / REPORT


def validation_markdown(name: str, found: HeldOut, resolution: Resolution) -> str:
    """The report as Markdown."""
    rows = summaries(found)
    parts = [
        f"# Held-out validation: {name}",
        f"{found.models} models in {found.families} families, {found.items:,} items; {found.splits} splits of the "
        "families into halves. Each method chose from the whole pool on the answers of one half; below is how its "
        "items rank the models of the other half, against their accuracy on the pool (Kendall's tau-b). The pool "
        "contains the items chosen, for every method alike.",
        *(["\n".join(f"* {line}" for line in found.told)] if found.told else []),
        "## Ranking held-out models",
        "tau: mean over splits, with the middle 95 % of splits. gain: against random subsets of the same size on the "
        "same splits, with a 95 % interval that allows for models shared by splits; it is conditional on these items. "
        "optimism: how much better the panel that chose is ranked than held-out models, beyond what random subsets "
        "show. error: mean absolute error, in points, of the held-out models' accuracy on the pool as estimated from "
        "the items: as it is where a method leaves easy and hard items their shares, else on the panel's line.",
        markdown_table(["items", "method", "splits", "tau", "gain", "optimism", "error"], [_row(row) for row in rows]),
        *_refusals(rows),
        *_equivalents(rows),
        _resolution(found, resolution),
    ]
    return "\n\n".join(parts) + "\n"


def table_csv(rows: Sequence[Summary]) -> str:
    """One line per method and size."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    taus, gains = ["tau", "tau_low", "tau_high"], ["gain", "gain_low", "gain_high"]
    writer.writerow(["method", "items", "splits", *taus, *gains, "inside", "optimism", "error", "refused"])
    for row in rows:
        gain = [row.gain.value, row.gain.low, row.gain.high] if row.gain else [math.nan] * 3
        numbers = [row.tau, row.low, row.high, *gain, row.inside, row.optimism, row.error]
        writer.writerow(
            [row.method, row.size, row.splits, *(_cell(value) for value in numbers), "; ".join(row.refused)]
        )
    return text.getvalue()


def trials_csv(found: HeldOut) -> str:
    """One line per method, size and split."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "items", "split", "tau", "inside", "error", "refused", "notes"])
    for t in found.trials:
        numbers = [_cell(value) for value in (t.tau, t.inside, t.error)]
        writer.writerow([t.method, t.size, t.split, *numbers, t.refused, "; ".join(t.notes)])
    return text.getvalue()


def equivalent_size(rows: Sequence[Summary], tau: float) -> float:
    """Items that random subsets need for `tau`, on straight lines between sizes in log items; nan outside of them."""
    known = [row for row in rows if row.method == BASELINE and not math.isnan(row.tau)]
    taus = np.maximum.accumulate([row.tau for row in known])
    if len(known) < 2 or not taus[0] <= tau <= taus[-1]:
        return math.nan
    return float(np.exp(np.interp(tau, taus, np.log([row.size for row in known]))))


def _row(row: Summary) -> list[str]:
    gain = "-" if row.gain is None else f"{row.gain.value:+.3f} ({row.gain.low:+.3f} to {row.gain.high:+.3f})"
    tau = "-" if math.isnan(row.tau) else f"{row.tau:.3f} ({row.low:.2f} to {row.high:.2f})"
    optimism = "-" if math.isnan(row.optimism) or row.gain is None else f"{row.optimism:+.3f}"
    return [f"{row.size:,}", row.method, str(row.splits), tau, gain, optimism, percent(row.error)]


def _refusals(rows: Sequence[Summary]) -> list[str]:
    reasons = {f"* {row.method}: {reason}" for row in rows for reason in row.refused[:1]}
    return ["Refused on the splits that are not counted:\n\n" + "\n".join(sorted(reasons))] if reasons else []


def _equivalents(rows: Sequence[Summary]) -> list[str]:
    """For each method the number of random items that rank held-out models as well."""
    methods = list(dict.fromkeys(row.method for row in rows if row.method != BASELINE))
    sizes = list(dict.fromkeys(row.size for row in rows))
    by = {(row.method, row.size): row for row in rows}
    table = [[method, *(_equivalent(rows, by[method, size].tau) for size in sizes)] for method in methods]
    if not table or len(sizes) < 2:
        return []
    return [
        "Random items that rank held-out models as well (interpolated between the sizes above; `-` outside of them):",
        markdown_table(["method", *(f"{size:,} items" for size in sizes)], table),
    ]


def _equivalent(rows: Sequence[Summary], tau: float) -> str:
    size = equivalent_size(rows, tau)
    return "-" if math.isnan(size) else f"{size:,.0f}"


def _resolution(found: HeldOut, resolution: Resolution) -> str:
    kr, variances = resolution.kr20, resolution.variances
    sizes = sorted(found.single)
    single = [
        [f"{size:,}", f"{low:.2f} to {high:.2f}", _reliability(kr, resolution.items, size)]
        for size, (low, high) in sorted(found.single.items())
    ]
    parts = [
        "## What the pool resolves",
        f"KR-20 over the {resolution.items:,} items that every model answered: {kr.value:.3f} ({kr.low:.3f} to "
        f"{kr.high:.3f}, families resampled). It is conditional on how far these models lie apart.",
        markdown_table(["random items", "tau of one subset, middle 95 %", "reliability (Spearman-Brown)"], single),
    ]
    if not math.isnan(kr.value) and 0 < kr.value < 1:
        needed = resolution.items * length_for_reliability(kr.value, 0.9)
        parts.append(f"For a reliability of .90 it takes {needed:,.0f} random items.")
    if variances.size:
        low, middle, high = np.quantile(variances, [0.1, 0.5, 0.9])
        table = [[f"{d:g}", *(f"{items_for_difference(v, d / 100):,.0f}" for v in (low, middle, high))] for d in POINTS]
        parts += [
            "Random items needed to show that two models differ (two-sided at 5 %, power 80 %), for the pair of models "
            "at the 10th, 50th and 90th percentile of the variance of their difference, clustered by video:",
            markdown_table(["points apart", "10 %", "median", "90 %"], table),
        ]
    return "\n\n".join(parts) if sizes else ""


def _reliability(kr: Estimate, items: int, size: int) -> str:
    if math.isnan(kr.value):
        return "-"
    return f"{spearman_brown(kr.value, size / items):.3f}"


def _cell(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"


def _figure(found: HeldOut, rows: Sequence[Summary], path: Path) -> None:
    sizes = sorted(found.single)
    low, high = np.array([found.single[size] for size in sizes]).T
    methods = [method for method in dict.fromkeys(row.method for row in rows) if method != BASELINE]
    with drawing(path, height=3.4) as figure:
        axes = figure.subplots()
        axes.fill_between(sizes, low, high, color="0.88", label="one random subset")
        for method, color in [*zip(methods, cycle(PALETTE), strict=False), (BASELINE, "0.4")]:
            own = [row for row in rows if row.method == method and row.splits]
            x, line = [row.size for row in own], "--" if method == BASELINE else "-"
            axes.plot(x, [row.tau for row in own], color=color, linestyle=line, marker="o", markersize=3, label=method)
            if method != BASELINE:
                axes.fill_between(x, [row.low for row in own], [row.high for row in own], color=color, alpha=0.06)
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("items selected")
        axes.set_ylabel("Kendall's tau on held-out models\n(mean and middle 95 % of splits)")
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")

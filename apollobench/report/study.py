"""A study on disk: the table of its models, how well small sizes tell of large ones, and a figure of both."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from apollobench.report.tables import markdown_table
from apollobench.stats.interval import Estimate
from apollobench.stats.scaling import Consistency, consistency
from apollobench.types import CATEGORIES

if TYPE_CHECKING:
    from apollobench.apollo.train.study import Row

Variant = tuple[str, str, str]
Pairs = Mapping[tuple[str, str], Consistency]
TABLE, FIGURE, REPORT = "results.csv", "scaling.svg", "README.md"


def write_study(name: str, rows: Sequence[Row], output: Path) -> Path:
    """Writes table, figure and report into `output`; gives the report's path."""
    output.mkdir(parents=True, exist_ok=True)
    (output / TABLE).write_text(table_csv(rows), encoding="utf-8")
    pairs = scaling_pairs(rows)
    _figure(rows, pairs, output / FIGURE)
    (output / REPORT).write_text(report_markdown(name, rows, pairs), encoding="utf-8")
    return output / REPORT


def table_csv(rows: Sequence[Row]) -> str:
    """One line per model; the columns that `apollobench scaling` reads are llm, design_id, data_mixture and average.

    average: mean of the categories' accuracies in percent, with its 95 % interval clustered by video.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    about = ["row", "llm", "design_id", "vision_towers", "connector", "sampling", "data_mixture", "parameters"]
    writer.writerow([*about, "average", "low", "high", "items", *CATEGORIES])
    for number, row in enumerate(rows, 1):
        recipe, macro = row.cell.recipe, average(row)
        sampling = {
            k: v for k, v in asdict(recipe.sampling).items() if k in ("kind", "frames", "fps", "max_clips") and v
        }
        writer.writerow(
            [
                number,
                f"tiny-{row.cell.size}",
                row.cell.design,
                " + ".join(recipe.towers),
                recipe.connector,
                json.dumps(sampling),
                row.cell.mixture,
                row.parameters,
                *(f"{100 * value:.2f}" for value in (macro.value, macro.low, macro.high)),
                macro.n,
                *(f"{100 * found.value:.2f}" if (found := row.score.categories[c]) else "" for c in CATEGORIES),
            ]
        )
    return text.getvalue()


def variant(row: Row) -> Variant:
    """(size, design, mixture)"""
    return row.cell.size, row.cell.design, row.cell.mixture


def average(row: Row) -> Estimate:
    """The mean of the categories' accuracies."""
    assert row.score.macro is not None
    return row.score.macro


def scaling_pairs(rows: Sequence[Row]) -> Pairs:
    """Consistency of every pair of sizes, over the variants (design and mixture) that both have."""
    sizes: list[str] = list(dict.fromkeys(row.cell.size for row in rows))
    scores: dict[Variant, float] = {variant(row): average(row).value for row in rows}
    found = {}
    for small, large in combinations(sizes, 2):
        both = [(d, m) for s, d, m in scores if s == small and (large, d, m) in scores]
        if len(both) >= 3:
            x, y = ([scores[size, d, m] for d, m in both] for size in (small, large))
            found[small, large] = consistency(x, y, [d for d, _ in both])
    return found


def report_markdown(name: str, rows: Sequence[Row], pairs: Pairs) -> str:
    """The report: every model's score, then what one size tells about another."""
    sizes = list(dict.fromkeys(row.cell.size for row in rows))
    variants = list(dict.fromkeys((row.cell.design, row.cell.mixture) for row in rows))
    by_cell = {(row.cell.design, row.cell.mixture, row.cell.size): average(row) for row in rows}
    table = [
        [design, mixture, *(_interval(by_cell.get((design, mixture, size))) for size in sizes)]
        for design, mixture in variants
    ]
    scaling = [
        [f"{a}, {b}", str(c.n), f"{c.r2:.2f} ({c.r2_low:.2f} to {c.r2_high:.2f})", f"{c.tau:.2f}", f"{c.agreement:.0%}"]
        for (a, b), c in pairs.items()
    ]
    return "\n\n".join(
        [
            f"# {name}",
            f"{len(rows)} models, each scored in video mode; mean of the categories' accuracies in percent, with 95 % "
            "intervals clustered by video. One training run per model, so what chance in training adds is not in them.",
            markdown_table(["design", "mixture", *sizes], table),
            f"## What one size tells about another\n\n![Scores of the same design at two sizes]({FIGURE})",
            markdown_table(
                ["sizes", "variants", "R2 (interval over designs)", "Kendall's tau", "pairs alike"], scaling
            ),
            f"All columns: [{TABLE}]({TABLE}). The recipe: [study.yaml](study.yaml).\n",
        ]
    )


def _interval(found: Estimate | None) -> str:
    return f"{100 * found.value:.1f} ({100 * found.low:.1f} to {100 * found.high:.1f})" if found else ""


def _figure(rows: Sequence[Row], pairs: Pairs, path: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    scores: dict[Variant, Estimate] = {variant(row): average(row) for row in rows}
    with mpl.rc_context({"svg.hashsalt": "apollobench", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(3.6 * max(1, len(pairs)), 3.9), layout="constrained")
        for axes, ((small, large), found) in zip(
            figure.subplots(1, len(pairs), squeeze=False)[0], pairs.items(), strict=True
        ):
            for size, design, mixture in scores:
                if size == small and (large, design, mixture) in scores:
                    x, y = scores[small, design, mixture], scores[large, design, mixture]
                    axes.errorbar(
                        100 * x.value,
                        100 * y.value,
                        xerr=[[100 * (x.value - x.low)], [100 * (x.high - x.value)]],
                        yerr=[[100 * (y.value - y.low)], [100 * (y.high - y.value)]],
                        fmt="o",
                        capsize=2,
                        label=design if mixture == rows[0].cell.mixture else None,
                    )
            axes.set_xlabel(f"average at size {small} (%)")
            axes.set_ylabel(f"average at size {large} (%)")
            axes.set_title(f"R² {found.r2:.2f}, tau {found.tau:.2f}")
        if pairs:
            figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
        figure.savefig(path, metadata={"Date": None})

"""A study on disk: the table of its models, and what small sizes tell of large ones, as `apollobench scaling` says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from apollobench.errors import InputError
from apollobench.imports.published import read_variants
from apollobench.report.scaling import FIGURE, scaling_figure, scaling_sections
from apollobench.report.tables import markdown_table, with_interval
from apollobench.stats.interval import Estimate
from apollobench.stats.sizes import scaling
from apollobench.types import CATEGORIES

if TYPE_CHECKING:
    from apollobench.apollo.train.study import Row

TABLE, REPORT = "results.csv", "README.md"


def write_study(name: str, rows: Sequence[Row], output: Path) -> Path:
    """Writes table, figure and report into `output`; gives the report's path."""
    output.mkdir(parents=True, exist_ok=True)
    (output / TABLE).write_text(table_csv(rows), encoding="utf-8")
    try:
        found = scaling(read_variants(output / TABLE).table)
        scaling_figure(found, output / FIGURE)
        told = [f"![Scores of the same variants at two sizes]({FIGURE})", *scaling_sections(found)]
    except InputError as error:
        told = [f"Nothing: {error}."]
    (output / REPORT).write_text(report_markdown(name, rows, told), encoding="utf-8")
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


def average(row: Row) -> Estimate:
    """The mean of the categories' accuracies."""
    assert row.score.macro is not None
    return row.score.macro


def report_markdown(name: str, rows: Sequence[Row], told: Sequence[str]) -> str:
    """The report: every model's score, then what one size tells about another."""
    sizes = list(dict.fromkeys(row.cell.size for row in rows))
    variants = list(dict.fromkeys((row.cell.design, row.cell.mixture) for row in rows))
    by_cell = {(row.cell.design, row.cell.mixture, row.cell.size): average(row) for row in rows}
    table = [
        [design, mixture, *(with_interval(by_cell.get((design, mixture, size))) for size in sizes)]
        for design, mixture in variants
    ]
    return "\n\n".join(
        [
            f"# {name}",
            f"{len(rows)} models, each scored in video mode; mean of the categories' accuracies in percent, with 95 % "
            "intervals clustered by video. One training run per model, so what chance in training adds is not in them.",
            markdown_table(["design", "mixture", *sizes], table),
            "# What one size tells about another",
            *told,
            f"All columns: [{TABLE}]({TABLE}). The recipe: [study.yaml](study.yaml).\n",
        ]
    )

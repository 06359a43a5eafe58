"""Redundancy as Markdown, CSV and a heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apollobench.curate.overlap import Compared
from apollobench.report.figures import drawing
from apollobench.report.tables import csv_table, figure, figure_with_interval, markdown_table
from apollobench.stats.benchbench import Standing
from apollobench.stats.redundancy import Pair, Redundancy

TEXT, FIGURE = "redundancy.md", "redundancy.svg"
NAMES = {"pearson": "Pearson's r", "spearman": "Spearman's rho", "kendall": "Kendall's tau-b"}
SHOWN = 45
FEW = 20


def redundancy_markdown(compared: Compared) -> str:
    """The whole report."""
    found = compared.found
    judged = sorted((p for p in found.pairs if p.found), key=lambda pair: -_value(pair, found.rule.coefficient))
    parts = [
        "# Redundancy",
        f"{found.models} models{_of_families(found)}, {len(found.names)} benchmarks, {len(judged)} of "
        f"{len(found.pairs)} pairs judged. {NAMES[found.rule.coefficient]} over models, in the order of the tree:",
        _matrix(found),
        "## Which could stand for each other",
        _groups(found),
        "## Pairs",
        _pairs(judged, found),
        *_not_judged(found.pairs),
        "## Each against all",
        _standings(compared.standings),
    ]
    if compared.notes:
        parts.append("## Notes\n\n" + "\n".join(f"* {note}" for note in compared.notes))
    return "\n\n".join(parts) + "\n"


def pairs_csv(found: Redundancy) -> str:
    """One line per pair with all coefficients, intervals and the fitted line (second = intercept + slope * first)."""
    coefficients = ("pearson", "spearman", "kendall", "r2")
    head = ["first", "second", "models", "families", "shared_items"]
    head += [f"{name}{end}" for name in coefficients for end in ("", "_low", "_high")]
    rows: list[list[object]] = []
    for pair in found.pairs:
        row: list[object] = [pair.first, pair.second, pair.models]
        row += [pair.found.pearson.clusters if pair.found else None, pair.shared]
        for name in coefficients:
            estimate = getattr(pair.found, name) if pair.found else None
            row += [estimate.value, estimate.low, estimate.high] if estimate else [None] * 3
        line = [pair.found.slope, pair.found.intercept] if pair.found else [None, None]
        rows.append([*row, *line, pair.why])
    return csv_table([*head, "slope", "intercept", "why_not"], rows)


def matrix_csv(found: Redundancy, coefficient: str) -> str:
    """One coefficient of all pairs as a square table."""
    values = found.matrix(coefficient)
    rows = [[name, *row] for name, row in zip(found.names, values.tolist(), strict=True)]
    return csv_table(["benchmark", *found.names], rows)


def write_redundancy(compared: Compared, output: Path) -> tuple[Path, ...]:
    """Writes the report, a heat map and tables into `output`; gives their paths, the report first."""
    output.mkdir(parents=True, exist_ok=True)
    texts = {
        TEXT: redundancy_markdown(compared) + f"\n![Correlations of all pairs]({FIGURE})\n",
        "pairs.csv": pairs_csv(compared.found),
        **{f"{name}.csv": matrix_csv(compared.found, name) for name in NAMES},
    }
    for name, text in texts.items():
        (output / name).write_text(text, encoding="utf-8")
    redundancy_figure(compared.found, output / FIGURE)
    return tuple(output / name for name in (*texts, FIGURE))


def redundancy_figure(found: Redundancy, path: Path) -> None:
    """A heat map in the order of the tree; frames go around what could stand for each other, blank is not judged."""
    from matplotlib.patches import Rectangle

    values = found.matrix(found.rule.coefficient)
    size = len(found.names)
    side = min(9.0, max(3.2, 1.6 + 0.42 * size))
    lowest = min(0.0, float(np.floor(np.nanmin(values) * 10) / 10))
    with drawing(path, height=side - 0.3, width=side + 0.5) as figure_:
        axes = figure_.subplots()
        image = axes.imshow(values, cmap="cividis", vmin=lowest, vmax=1)
        for i, j in np.ndindex(values.shape):
            if not np.isnan(values[i, j]):
                dark = values[i, j] < (1 + lowest) / 2
                text = f"{values[i, j]:.2f}".replace("0.", ".").replace("1.00", "1")
                axes.text(j, i, text, ha="center", va="center", color="white" if dark else "black", fontsize=6.5)
        for group in found.groups:
            first = min(found.names.index(name) for name in group.members)
            edge = len(group.members)
            axes.add_patch(Rectangle((first - 0.5, first - 0.5), edge, edge, fill=False, lw=2, ec="#d55e00"))
        axes.set_xticks(range(size), found.names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(size), found.names)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        figure_.colorbar(image, ax=axes, shrink=0.7, label=NAMES[found.rule.coefficient])


def _of_families(found: Redundancy) -> str:
    return "" if found.families == found.models else f" of {found.families} families"


def _value(pair: Pair, coefficient: str) -> float:
    return float(getattr(pair.found, coefficient).value)


def _matrix(found: Redundancy) -> str:
    rows = [
        [name, str(i), *map(figure, row)]
        for i, (name, row) in enumerate(zip(found.names, found.matrix(found.rule.coefficient).tolist(), strict=True), 1)
    ]
    return markdown_table(["benchmark", "no.", *map(str, range(1, len(found.names) + 1))], rows)


def _groups(found: Redundancy) -> str:
    rule = f"every two with {NAMES[found.rule.coefficient]} of {found.rule.threshold:g} or more"
    if not found.groups:
        return f"None: there are no two benchmarks ({rule})."
    rows = [
        [
            ", ".join(group.members),
            group.delegate,
            f"{group.weakest.first}, {group.weakest.second}",
            figure_with_interval(getattr(group.weakest.found, found.rule.coefficient)),
            str(group.weakest.models),
        ]
        for group in found.groups
    ]
    return "\n\n".join(
        [
            f"Sets with {rule}. That they rank these models alike is not that they measure the same: look at the lower "
            "end of the weakest pair's interval before dropping one.",
            markdown_table(["set", "most like the others", "weakest pair", "interval", "models"], rows),
        ]
    )


def _pairs(judged: Sequence[Pair], found: Redundancy) -> str:
    rows = []
    for pair in judged[:SHOWN]:
        each = pair.found
        assert each is not None
        rows.append(
            [
                pair.first,
                pair.second,
                str(pair.models),
                *map(figure_with_interval, (each.pearson, each.spearman, each.kendall)),
                figure(each.r2.value),
                f"{each.intercept:.1f} {each.slope:+.2f} x",
            ]
        )
    told = f"The {SHOWN} most alike of {len(judged)}; pairs.csv has all. " if len(judged) > SHOWN else ""
    few = sum(pair.models < FEW for pair in judged)
    wide = f" {few} of these pairs have fewer than {FEW} models: read the interval, not the figure." if few else ""
    sharing = (
        "" if found.families < found.models else " Models count as independent, so relatives make them too narrow."
    )
    head = ["first", "second", "models", *NAMES.values(), "R2", "line (x: first)"]
    return "\n\n".join(
        [
            f"{told}Intervals: 95 %, bootstrap (BCa) over models or their families.{sharing}{wide}",
            markdown_table(head, rows),
        ]
    )


def _not_judged(pairs: Sequence[Pair]) -> list[str]:
    reasons = Counter(pair.why for pair in pairs if pair.why)
    if not reasons:
        return []
    lines = []
    for why, count in reasons.items():
        named = [f"{pair.first} and {pair.second}" for pair in pairs if pair.why == why]
        lines.append(f"* {count} {'pair' if count == 1 else 'pairs'}: {why}" + (f" ({named[0]})" if count == 1 else ""))
    return ["Not judged:\n\n" + "\n".join(lines)]


def _standings(found: Sequence[Standing]) -> str:
    rows = [
        [s.benchmark, str(s.models), *map(figure, (s.tau, s.z, s.tau_rest, s.z_rest))]
        for s in sorted(found, key=lambda s: -s.tau_rest if s.tau_rest == s.tau_rest else np.inf)
    ]
    return "\n\n".join(
        [
            "BenchBench: Kendall's tau-b with the aggregate (the models' mean win rates) and how many standard "
            "deviations it lies from the benchmarks' mean. First as defined there, with the benchmark itself in the "
            "aggregate; then with the aggregate of the others alone. Fewer than five models: no figure.",
            markdown_table(["benchmark", "models", "tau", "z", "tau (others)", "z (others)"], rows),
        ]
    )

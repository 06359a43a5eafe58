"""Scaling Consistency as Markdown, CSV and a figure, of a table from a paper and of our own studies alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apollobench.report.figures import BLACK, BLUE, PALETTE, VERMILION, drawing
from apollobench.report.tables import csv_table, figure, figure_with_interval, markdown_table
from apollobench.stats.clusters import Floats
from apollobench.stats.sizes import Pairing, Scaling

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

TEXT, FIGURE = "scaling.md", "scaling.svg"
MARKERS = "osD^vP*X<>hdp"
three = partial(figure_with_interval, digits=3)


def scaling_markdown(found: Scaling) -> str:
    """The whole report."""
    parts = ["# Scaling", *scaling_sections(found)]
    if found.notes:
        parts.append("## Notes\n\n" + "\n".join(f"* {note}" for note in found.notes))
    return "\n\n".join(parts) + "\n"


def scaling_sections(found: Scaling) -> list[str]:
    """The tables, each with its sentence."""
    rows = [
        [
            f"{p.small}, {p.large}",
            str(p.found.n),
            *map(three, (p.found.r2, p.found.spearman, p.found.kendall, p.found.agreement)),
        ]
        for p in found.pairings
    ]
    return [
        "The same variants at two sizes. Agreement: the share of pairs of variants that both sizes order alike, 0.5 by "
        "chance. Intervals: 95 %, bootstrap (BCa) over designs, of which there are "
        f"{', '.join(sorted({str(p.found.r2.clusters) for p in found.pairings}))}.",
        markdown_table(["sizes", "variants", "R2", "Spearman's rho", "Kendall's tau-b", "agreement"], rows),
        *_within(found),
        *_without(found),
        *_ceilings(found),
        *_fit(found),
        *_plateaus(found),
    ]


def scaling_csv(found: Scaling) -> str:
    """One line per pair of sizes."""
    names = ("r2", "spearman", "kendall", "agreement")
    head = ["small", "large", "variants", "designs"]
    head += [f"{name}{end}" for name in (*names, "within_r2", "within_agreement") for end in ("", "_low", "_high")]
    rows: list[list[object]] = []
    for p in found.pairings:
        within = (p.found.within.r2, p.found.within.agreement) if p.found.within else (None, None)
        estimates = [*(getattr(p.found, name) for name in names), *within]
        ends = [v for e in estimates for v in ((e.value, e.low, e.high) if e else (None, None, None))]
        left = list(p.found.without.values())
        ceiling = p.ceiling.r2 if p.ceiling else None
        rows.append([p.small, p.large, p.found.n, p.found.r2.clusters, *ends, min(left), max(left), ceiling])
    return csv_table([*head, "r2_without_a_design_min", "r2_without_a_design_max", "noise_ceiling"], rows)


def write_scaling(found: Scaling, output: Path) -> tuple[Path, ...]:
    """Writes the report, a table and a figure into `output`; gives their paths, the report first."""
    output.mkdir(parents=True, exist_ok=True)
    (output / TEXT).write_text(
        scaling_markdown(found) + f"\n![Scores of the same variants at two sizes]({FIGURE})\n", encoding="utf-8"
    )
    (output / "scaling.csv").write_text(scaling_csv(found), encoding="utf-8")
    scaling_figure(found, output / FIGURE)
    return output / TEXT, output / "scaling.csv", output / FIGURE


def scaling_figure(found: Scaling, path: Path) -> None:
    """Each size against the largest, with its line and R2; then R2 over sizes with the fitted curve.

    A colour is a design, a marker a mixture; bars are the scores' own intervals, where they are known.
    """
    panels = found.to_largest or found.pairings
    count = len(panels) + (found.fit is not None)
    columns = min(count, 4)
    rows = -(-count // columns)
    width, handles = max(3.2, 2.25 * columns), _legend(panels)
    longest = max(len(str(handle.get_label())) for handle in handles)
    across = max(1, int(width / (0.06 * longest + 0.3)))  # inches, at the legend's size of type
    lines = -(-len(handles) // across)
    with drawing(path, height=2.5 * rows + 0.75 + 0.15 * lines, width=width) as figure_:
        axes = figure_.subplots(rows, columns, squeeze=False).ravel()
        for place, pairing in zip(axes, panels, strict=False):
            _scatter(place, pairing, *_looks(panels))
        if found.fit is not None:
            _curve(axes[len(panels)], found)
        for unused in axes[count:]:
            unused.set_visible(False)
        figure_.legend(handles=handles, loc="outside lower center", ncols=across, frameon=False, fontsize=7)


def _legend(panels: Sequence[Pairing]) -> list[Line2D]:
    from matplotlib.lines import Line2D

    designs, mixtures = _looks(panels)
    found = [Line2D([], [], ls="", marker="o", color=c, ms=4, label=f"design {d}") for d, c in designs.items()]
    if len(mixtures) > 1:
        found += [Line2D([], [], ls="", marker=m, color=BLACK, ms=4, label=f"mixture {d}") for d, m in mixtures.items()]
    return found


def _looks(panels: Sequence[Pairing]) -> tuple[dict[str, str], dict[str, str]]:
    """The colour of each design and the marker of each mixture."""
    designs = dict.fromkeys(name for p in panels for name in p.designs)
    mixtures = dict.fromkeys(name for p in panels for name in p.mixtures)
    return dict(zip(designs, cycle(PALETTE), strict=False)), dict(zip(mixtures, cycle(MARKERS), strict=False))


def _scatter(axes: Axes, p: Pairing, designs: Mapping[str, str], mixtures: Mapping[str, str]) -> None:
    for i, (design, mixture) in enumerate(zip(p.designs, p.mixtures, strict=True)):
        axes.errorbar(
            p.x[i],
            p.y[i],
            xerr=_bars(p.x[i], p.x_bounds[i]),
            yerr=_bars(p.y[i], p.y_bounds[i]),
            fmt=mixtures[mixture],
            color=designs[design],
            ms=4,
            elinewidth=0.5,
        )
    slope, intercept = np.polyfit(p.x, p.y, 1)
    ends = np.array([p.x.min(), p.x.max()])
    axes.plot(ends, slope * ends + intercept, color=BLACK, lw=0.8)
    axes.set_xlabel(f"{p.small} (%)")
    axes.set_ylabel(f"{p.large} (%)")
    axes.set_title(f"R² {p.found.r2.value:.2f}, agreement {p.found.agreement.value:.2f}", fontsize=8)


def _bars(value: float, bounds: Floats) -> list[list[float]] | None:
    return None if np.isnan(bounds).any() else [[value - bounds[0]], [bounds[1] - value]]


def _curve(axes: Axes, found: Scaling) -> None:
    fit = found.fit
    assert fit is not None
    grid = np.geomspace(min(fit.billions) * 0.8, found.billions[found.sizes[-1]], 50)
    axes.plot(grid, fit.a.value * np.log(grid) + fit.b.value, color=BLUE, lw=1)
    bounds = {pairing.small: pairing.found.r2 for pairing in found.to_largest}
    for size, billions, r2 in zip(found.sizes, fit.billions, fit.r2, strict=False):
        ends = bounds.get(size)
        axes.errorbar(
            billions,
            r2,
            yerr=None if ends is None else _bars(r2, np.clip([ends.low, ends.high], [0, r2], [r2, 1])),
            fmt="o",
            color=VERMILION,
            ms=4,
            elinewidth=0.6,
        )
    axes.set_xscale("log")
    axes.set_ylim(0, 1.02)
    axes.set_xticks(fit.billions, [f"{1000 * b:.2g}M" if b < 0.1 else f"{b:g}B" for b in fit.billions])
    axes.minorticks_off()
    axes.set_xlabel("parameters")
    axes.set_ylabel(f"R² with {found.sizes[-1]}")
    axes.set_title(f"{fit.a.value:.3f} ln B {fit.b.value:+.3f}", fontsize=8)


def _within(found: Scaling) -> list[str]:
    rows = [
        [
            f"{p.small}, {p.large}",
            three(p.found.within.r2),
            three(p.found.within.agreement),
            ", ".join(f"{name} {figure(r2)}" for name, r2 in p.found.within.by_stratum.items()),
        ]
        for p in found.pairings
        if p.found.within
    ]
    if not rows:
        return []
    return [
        "## Within a data mixture",
        "What mixtures do to all designs alike makes R2 high, and says nothing of designs. Here designs are compared "
        "under one mixture only: R2 of the scores less their mixture's mean, agreement over pairs inside a mixture.",
        markdown_table(["sizes", "R2", "agreement", "R2 in each"], rows),
    ]


def _without(found: Scaling) -> list[str]:
    rows = []
    for p in found.pairings:
        left = p.found.without
        if left and not np.isnan(list(left.values())).all():
            low, high = min(left, key=left.__getitem__), max(left, key=left.__getitem__)
            rows.append(
                [
                    f"{p.small}, {p.large}",
                    figure(p.found.r2.value),
                    f"{figure(left[low])} without {low}",
                    f"{figure(left[high])} without {high}",
                ]
            )
    if not rows:
        return []
    return [
        "## Without one design",
        "How much one design carries: R2 when it is left out.",
        markdown_table(["sizes", "R2 of all", "lowest", "highest"], rows),
    ]


def _ceilings(found: Scaling) -> list[str]:
    rows, above = [], False
    for p in found.pairings:
        if p.ceiling is not None:
            c = p.ceiling
            above |= p.found.r2.value > c.r2
            rows.append(
                [f"{p.small}, {p.large}", *map(figure, (p.found.r2.value, c.r2, c.reliability_x, c.reliability_y))]
            )
    if not rows:
        return []
    told = (
        " An R2 above it says that the scores' errors are not independent: variants scored on the same items err "
        "alike, which hides no order. Say how much with --item_correlation."
        if above
        else ""
    )
    return [
        "## Noise ceiling",
        "The R2 to expect if the true scores were perfectly correlated, given the scores' errors: the product of the "
        f"sizes' reliabilities (shares of the variance between variants that are not error).{told}",
        markdown_table(["sizes", "R2", "ceiling", "reliability (small)", "reliability (large)"], rows),
    ]


def _fit(found: Scaling) -> list[str]:
    if found.fit is None:
        return []
    fit = found.fit
    points = ", ".join(f"{figure(r2, 3)} at {b:.3g}" for b, r2 in zip(fit.billions, fit.r2, strict=True))
    return [
        "## Over sizes",
        f"R2 = a ln(B) + b, B in billions of parameters, against {found.sizes[-1]}: "
        f"a = {figure_with_interval(fit.a, 4)}, b = {three(fit.b)}, "
        f"through {len(fit.billions)} points ({points}). "
        "So few points describe what was measured, and foretell nothing.",
    ]


def _plateaus(found: Scaling) -> list[str]:
    if not found.plateaus:
        return []
    rows = []
    for llm, p in found.plateaus.items():
        for samples, r2, gain in zip(p.samples, p.r2, p.gain, strict=True):
            mark = "from here on" if samples == p.at else ""
            rows.append([llm, f"{samples:,.0f}", figure_with_interval(r2), figure_with_interval(gain), mark])
    return [
        "## Over training samples",
        f"R2 with {found.sizes[-1]} after so many samples, and what the most add to it. A plateau begins where no "
        "later gain exceeds the margin.",
        markdown_table(["size", "samples", "R2", "gain of the most", "plateau"], rows),
    ]

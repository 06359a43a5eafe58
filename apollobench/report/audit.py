"""An audit as Markdown, CSV and a figure: what models score without the video, and which runs to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from apollobench.curate.audit import Audit, Box, Gap
from apollobench.curate.examine import Examined
from apollobench.curate.lint import Finding
from apollobench.report.figures import GREEN, ORANGE, SKY, VERMILION, drawing
from apollobench.report.tables import csv_table, markdown_table, percent, with_interval
from apollobench.stats.interval import Estimate
from apollobench.types import Mode

TEXT, FIGURE = "audit.md", "audit.svg"
COLOURS = {Mode.TEXT: ORANGE, Mode.FRAME: SKY, Mode.VIDEO: GREEN}
SHORT = {Mode.TEXT: "V-T", Mode.FRAME: "V-F"}


def audit_markdown(examined: Examined) -> str:
    """The whole report."""
    what = examined.what
    parts = ["# Audit", *audit_sections(examined.audit, what)]
    parts += ["## Run checks", findings_section(examined.findings, what)]
    parts.append("## Notes\n\n" + "\n".join(f"* {note}" for note in examined.notes))
    return "\n\n".join(parts) + "\n"


def audit_sections(found: Audit, what: str) -> list[str]:
    """The tables of boxes, of gaps between modes and of the gap to chance, each with its sentence.

    what: a group is, for the heads of the tables.
    """
    spread = ["mean", "sd", "min", "q1", "median", "q3", "max"]
    boxes = [
        [b.group, str(b.mode), str(b.models), *map(percent, (b.mean, b.sd, b.low, b.q1, b.median, b.q3, b.high))]
        for b in found.boxes
    ]
    parts = [
        "What the models score without the video, with its center frame, and with all of it, in percent.",
        markdown_table([what, "mode", "models", *spread], boxes),
    ]
    videos = any(gap.over_videos for gap in found.gaps)
    told = "; the second what these models would show on other videos" if videos else ""
    if found.gaps:
        head = [what, "gap", "models", "over models", *(["over videos"] if videos else [])]
        gaps = [
            [g.group, f"{g.more} - {g.less}", str(g.over_models.n), with_interval(g.over_models)]
            + ([with_interval(g.over_videos)] if videos else [])
            for g in found.gaps
        ]
        parts += [
            f"What seeing adds, in points. The {'first ' if videos else ''}interval asks what other models would show "
            f"on these items{told}.",
            markdown_table(head, gaps),
        ]
    if found.blind:
        head = [what, "number", "chance", "text - chance", *(["over videos"] if videos else [])]
        blind = [
            [
                b.group,
                "-" if b.items is None else f"{b.items:,}",
                percent(b.chance),
                *(with_interval(e, signed=True) for e in (b.over_models, b.over_videos)[: 2 if videos else 1]),
            ]
            for b in found.blind
        ]
        parts += [
            "What is left of text mode when guessing (the mean of 1 / options) is taken off, in points; intervals as "
            "above.",
            markdown_table(head, blind),
        ]
    return parts


def findings_section(findings: Sequence[Finding], what: str) -> str:
    """The findings of the run checks as a table."""
    if not findings:
        return "No run shows a suspicious pattern."
    return "\n\n".join(
        [
            "Patterns that an honest run rarely shows. They say which run to look at; nothing was removed for them. "
            "(A model that cannot see, put into a panel on purpose, gives the same answers in every mode.)",
            markdown_table(["check", "model", what, "what"], [[f.rule, f.model, f.group, f.detail] for f in findings]),
        ]
    )


def summary_csv(found: Audit) -> str:
    """One line per group: the gaps with their intervals, and the gap to chance; shares, not percent."""
    gaps = {(gap.group, gap.less): gap for gap in found.gaps}
    blind = {each.group: each for each in found.blind}
    means = {(box.group, box.mode): box for box in found.boxes}
    modes = list(dict.fromkeys(box.mode for box in found.boxes))
    head = ["group", *(f"{mode}_{name}" for mode in modes for name in ("mean", "sd", "models"))]
    for name in (*SHORT.values(), "blind"):
        head += [f"{name}{end}" for end in ("", "_low", "_high", "_videos_low", "_videos_high")]
    rows = []
    for group in dict.fromkeys(box.group for box in found.boxes):
        row: list[object] = [group]
        for mode in modes:
            box = means.get((group, mode))
            row += [box.mean, box.sd, box.models] if box else [None] * 3
        for pair in (*(gaps.get((group, mode)) for mode in SHORT), blind.get(group)):
            row += _ends(pair.over_models, pair.over_videos) if pair else [None] * 5
        rows.append([*row, blind[group].chance if group in blind else None])
    return csv_table([*head, "chance"], rows)


def write_audit(examined: Examined, output: Path) -> tuple[Path, ...]:
    """Writes the report, a figure and three tables into `output`; gives their paths, the report first."""
    output.mkdir(parents=True, exist_ok=True)
    found = examined.audit
    names = [field.name for field in fields(Box)]
    texts = {
        TEXT: audit_markdown(examined) + f"\n![Accuracy by mode]({FIGURE})\n",
        "summary.csv": summary_csv(found),
        "boxes.csv": csv_table(names, [[getattr(box, name) for name in names] for box in found.boxes]),
        "findings.csv": csv_table(
            ["rule", "model", "group", "detail"], [[f.rule, f.model, f.group, f.detail] for f in examined.findings]
        ),
    }
    for name, text in texts.items():
        (output / name).write_text(text, encoding="utf-8")
    audit_figure(found, output / FIGURE)
    return tuple(output / name for name in (*texts, FIGURE))


def audit_figure(found: Audit, path: Path) -> None:
    """Boxes of the models' accuracies, group by group in the order of V-T, from the least that seeing adds.

    A box spans the middle half of the models, its line is the median, its whiskers reach the extremes; a dashed line
    is chance. At the top stand V-T and V-F, in points.
    """
    gaps = {(gap.group, gap.less): gap for gap in found.gaps}
    groups = sorted(dict.fromkeys(box.group for box in found.boxes), key=lambda name: _gap(gaps.get((name, Mode.TEXT))))
    chance = {blind.group: blind.chance for blind in found.blind}
    modes = [mode for mode in COLOURS if any(box.mode is mode for box in found.boxes)]
    with drawing(path, height=3.1, width=max(3.5, 1.2 + 0.56 * len(groups))) as figure:
        axes = figure.subplots()
        for place, mode in enumerate(modes):
            boxes = [box for box in found.boxes if box.mode is mode]
            at = [groups.index(box.group) + 0.26 * (place - (len(modes) - 1) / 2) for box in boxes]
            axes.bxp(
                [_drawn(box) for box in boxes],
                positions=at,
                widths=0.2,
                showfliers=False,
                patch_artist=True,
                boxprops={"facecolor": COLOURS[mode], "linewidth": 0.6},
                medianprops={"color": "black", "linewidth": 1.2},
                whiskerprops={"linewidth": 0.6},
                capprops={"linewidth": 0.6},
            )
            axes.bar([0], [0], color=COLOURS[mode], label=mode)
        for place, group in enumerate(groups):
            if group in chance:
                level = 100 * chance[group]
                label = "chance" if group == next(name for name in groups if name in chance) else None
                axes.plot([place - 0.42, place + 0.42], [level, level], "--", color=VERMILION, lw=0.9, label=label)
            told = [f"{100 * gaps[group, mode].over_models.value:.1f}" for mode in SHORT if (group, mode) in gaps]
            axes.text(place, 100, "\n".join(told), ha="center", va="top", fontsize=7)
        axes.text(-0.55, 100, "\n".join(SHORT.values()), ha="right", va="top", fontsize=7)
        axes.set_xticks(range(len(groups)), groups, rotation=30, ha="right", rotation_mode="anchor")
        axes.set_xlim(-0.9, len(groups) - 0.4)
        axes.set_ylim(0, 100)
        axes.set_ylabel("accuracy (%)")
        axes.grid(axis="y", lw=0.3)
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper center", ncols=4, frameon=False)


def _drawn(box: Box) -> dict[str, float]:
    ends = {"med": box.median, "q1": box.q1, "q3": box.q3, "whislo": box.low, "whishi": box.high}
    return {name: 100 * value for name, value in ends.items()}


def _gap(gap: Gap | None) -> float:
    return gap.over_models.value if gap else 0.0


def _ends(over_models: Estimate | None, over_videos: Estimate | None) -> list[object]:
    first = [over_models.value, over_models.low, over_models.high] if over_models else [None] * 3
    return [*first, *([over_videos.low, over_videos.high] if over_videos else [None] * 2)]

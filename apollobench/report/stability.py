"""What a jackknife found, for people (Markdown) and item by item (CSV)."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from apollobench.curate.answers import Bools
from apollobench.curate.jackknife import Jackknife, jaccard
from apollobench.report.tables import markdown_table, percent


def write_jackknife(j: Jackknife, folder: Path) -> str:
    """Writes jackknife.md and stability.csv into `folder`, and gives back the former."""
    folder.mkdir(parents=True, exist_ok=True)
    text = jackknife_markdown(j)
    (folder / "jackknife.md").write_text(text, encoding="utf-8")
    with (folder / "stability.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["item", "category", "kept", "selected", "kept_in", "selected_in"])
        kept, selected = j.whole.kept.astype(int).tolist(), j.whole.selected.astype(int).tolist()
        stable = j.kept_in.tolist(), j.selected_in.tolist()
        rows.writerows(zip(j.ids, j.categories, kept, selected, *stable, strict=True))
    return text


def jackknife_markdown(j: Jackknife) -> str:
    """The table of replicates, and how stable the items are."""
    whom = "model" if j.by_model else "family"
    rows = [
        [
            replicate.left_out,
            str(replicate.models),
            f"{int(replicate.kept.sum()):,}",
            percent(jaccard(j.whole.kept, replicate.kept)),
            f"{int(replicate.selected.sum()):,}",
            percent(_stays(j, replicate.selected)),
            percent(jaccard(j.whole.selected, replicate.selected)),
        ]
        for replicate in j.replicates
    ]
    stability = j.selected_in[j.whole.selected]
    always = float((stability == 1).mean()) if stability.size else math.nan
    head = [
        f"{whom} left out",
        "models",
        "kept",
        "Jaccard of kept",
        "selected",
        "selected that stay",
        "Jaccard of selected",
    ]
    parts = [
        f"# Jackknife over the panel's {'models' if j.by_model else 'families'}",
        f"Filter and selection again without each {whom}, beside the whole panel's {int(j.whole.kept.sum()):,} kept "
        f"and {int(j.whole.selected.sum()):,} selected of {len(j.ids):,}. That stay: of the selected, the share that "
        "is selected again. Counts for this panel, not estimates; shares in percent.",
        markdown_table(head, rows),
        f"Of the selected items {percent(always)} % are selected in every replicate; on average an item is in "
        f"{percent(float(stability.mean()) if stability.size else math.nan)} % of them.",
    ]
    if j.by_model:
        parts.append("All models are of one family: what the whole family has in common cannot be left out.")
    parts += [f"Without {r.left_out}: {r.refused}." for r in j.replicates if r.refused]
    return "\n\n".join(parts) + "\n"


def _stays(j: Jackknife, selected: Bools) -> float:
    total = int(j.whole.selected.sum())
    return int((j.whole.selected & selected).sum()) / total if total else math.nan

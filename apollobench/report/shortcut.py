"""What the text of questions gives away, as Markdown and as a table of items."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from apollobench.curate.shortcut import LEARNED, Line, Shortcut
from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.types import LETTERS, Item

HEAD = ["item", "video", "source", "category", "options", "key", "guess", "probability_of_key", "right", "chance"]


def shortcut_markdown(lines: Sequence[Line], folds: int, seed: int) -> str:
    """The learner on every group, and the fixed rules on all items."""
    total = lines[0]
    rows = [_row(line.group, line) for line in lines if line.predictor == LEARNED]
    rules = [_row(line.predictor, line) for line in lines if line.group == total.group and line.predictor != LEARNED]
    figures = ["chance", "right", "above chance"]
    return "\n\n".join(
        [
            f"Keys guessed from the text alone, in percent, with {total.accuracy.level:.0%} intervals clustered by "
            f"{total.accuracy.clusters:,} videos. Learned on the questions of other videos ({folds} parts, seed "
            f"{seed}): {_verdict(total)}",
            markdown_table(["items", "number", *figures], rows),
            "Fixed rules on all items; where a rule names several options it is right by its share.",
            markdown_table(["rule", "number", *figures], rules),
        ]
    )


def write_items(path: Path, items: Sequence[Item], found: Shortcut) -> None:
    """One row per item, the probability being that of a learner that has not seen the item's video."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    with draft.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEAD)
        for i, item in enumerate(items):
            letters = [LETTERS[item.answer], LETTERS[found.choice[i]]]
            figures = [f"{x[i]:.6f}" for x in (found.probability, found.right, found.chance)]
            table.writerow(
                [item.id, item.video.id, item.source, item.category or "", len(item.options), *letters, *figures]
            )
    draft.replace(path)


def _row(name: str, line: Line) -> list[str]:
    return [
        name,
        f"{line.accuracy.n:,}",
        percent(line.chance),
        with_interval(line.accuracy),
        with_interval(line.above, signed=True),
    ]


def _verdict(line: Line) -> str:
    if line.above.low > 0:
        return "the text gives keys away."
    return "nothing that goes beyond chance was found, which does not prove that there is nothing."

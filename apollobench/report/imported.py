"""What an import has read, matched and left out, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from apollobench.imports.collect import Tally
from apollobench.report.tables import markdown_table

MOST_REASONS = 10


def imported_markdown(tallies: Sequence[Tally]) -> str:
    """A table with a row per file, then why rows did not match, and what to know of those that did."""
    head = ["file", "format", "rows", "matched", "unmatched", "repeated", "blank", "models", "modes"]
    table = markdown_table(head, [_row(tally) for tally in tallies])
    notes = [line for tally in tallies for line in _notes(tally)]
    return "\n".join([table, *(["", *notes] if notes else [])])


def _row(tally: Tally) -> list[str]:
    counts = (tally.rows, tally.matched, tally.lost, tally.repeated, tally.blank)
    return [
        tally.origin.path.name,
        tally.origin.tool,
        *(f"{count:,}" for count in counts),
        _some([model for model, count in tally.models.items() if count]),
        ", ".join(mode for mode, count in tally.modes.items() if count),
    ]


def _notes(tally: Tally) -> list[str]:
    name = tally.origin.path.name
    reasons = sorted(tally.unmatched.items(), key=lambda pair: -len(pair[1]))
    lines = [f"{name}: {len(places):,} unmatched: {why} (first: {places[0]})" for why, places in reasons[:MOST_REASONS]]
    if tally.repeated:
        lines.append(
            f"{name}: {tally.repeated:,} rows answer a question again, {tally.conflicting:,} of them otherwise; the "
            "first answer counts"
        )
    if tally.key_differs:
        lines.append(f"{name}: {tally.key_differs:,} matched rows have another key in the file; ours is used")
    if tally.rescored:
        lines.append(f"{name}: {tally.rescored:,} answers score otherwise here than in the file, same key")
    return lines


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

"""What changed between two versions of a benchmark, as Markdown or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from apollobench.errors import InputError
from apollobench.publish.difference import Difference
from apollobench.report.tables import markdown_table

MOST_ROWS = 50
WIDEST = 80  # characters of a value in a table


def writer(form: str) -> Callable[[Difference], str]:
    """What writes `form`. Raises InputError for another than md or json."""
    writers = {"md": difference_markdown, "json": difference_json}
    if form not in writers:
        raise InputError(f"unknown format {form!r}; valid: {', '.join(writers)}")
    return writers[form]


def difference_json(found: Difference) -> str:
    """Everything, also what the Markdown cuts short."""
    return json.dumps(asdict(found), indent=2, ensure_ascii=False)


def difference_markdown(found: Difference) -> str:
    """A summary, then a section for each kind of change that there is."""
    return "\n\n".join(_parts(found))


def _parts(d: Difference) -> Iterator[str]:
    yield f"# From {d.old} to {d.new}"
    yield f"Scores comparable: {d.verdict}."
    changes = {"added": len(d.added), "removed": len(d.removed), "changed": len(d.changed), "unchanged": d.unchanged}
    yield ", ".join(f"{count:,} items {what}" for what, count in changes.items())
    rows = [[name, f"{old:,}", f"{new:,}", f"{new - old:+,}"] for name, (old, new) in d.categories.items()]
    yield markdown_table(["category", "old", "new", "change"], rows)
    yield from _section("Added items", ["item", "in the old version"], [[*pair] for pair in d.added.items()])
    yield from _section("Removed items", ["item", "why"], [[*pair] for pair in d.removed.items()])
    parts = [[name, part, *values] for name, changed in d.changed.items() for part, values in changed.items()]
    yield from _section("Changed items", ["item", "what", "old", "new"], parts)
    yield from _section("Recipe", ["where", "old", "new"], _pairs(d.recipe))
    yield from _section("Panel", ["model", "what"], [[*pair] for pair in d.panel.items()])
    yield from _section("Held-out models", ["model", "what"], [[*pair] for pair in d.held_out.items()])
    yield from _section("Made with", ["what", "old", "new"], _pairs(d.made_with))


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    if not rows:
        return
    yield f"## {title}"
    yield markdown_table(head, [[_short(cell) for cell in row] for row in rows[:MOST_ROWS]])
    if len(rows) > MOST_ROWS:
        yield f"and {len(rows) - MOST_ROWS:,} more rows; `--format json` has them all"


def _pairs(found: Mapping[str, tuple[Any, Any]]) -> list[list[Any]]:
    return [[place, *values] for place, values in found.items()]


def _short(value: Any) -> str:
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 3]}..."

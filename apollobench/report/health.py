"""What a check-up found: a summary to read, or every file in a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import astuple, fields
from pathlib import Path

from apollobench.doctor.checkup import Checkup
from apollobench.errors import InputError
from apollobench.report.tables import markdown_table
from apollobench.video.health import Facts, Kind

SHOWN = 20
HEAD = ["file", "status", "notes", "items", "reasons", *(fact.name for fact in fields(Facts)), "size", "digest"]


def writer(form: str | None) -> Callable[[Checkup], str]:
    """What writes a check-up as text: the summary for None, every file for `csv` and `md`.

    Raises InputError for another form.
    """
    forms = {None: summary, "csv": csv_table, "md": files_table}
    if form not in forms:
        raise InputError(f"unknown format {form!r}; valid: csv, md")
    return forms[form]


def summary(checkup: Checkup) -> str:
    """Counts by finding, the first faults with their reasons, and what they cost, as Markdown."""
    faulty, total = checkup.faulty, len(checkup.records)
    stored = total - checkup.examined
    parts = [
        f"{total:,} files: {total - len(faulty):,} ok, {len(faulty):,} with a fault{_cost(checkup)}. "
        f"{checkup.examined:,} examined now, {stored:,} known or missing.",
    ]
    counts = _counts(checkup)
    if counts:
        parts.append(markdown_table(["finding", "files", "items", "means"], counts))
    if faulty:
        rows = [[str(r.path), _items(checkup, r.path), fault.kind, fault.text] for r in faulty for fault in r.faults]
        parts.append(markdown_table(["file", "items", "fault", "reason"], rows[:SHOWN]))
        if len(rows) > SHOWN:
            parts.append(f"And {len(rows) - SHOWN:,} more faults.")
    parts.append(f"All records: {checkup.register}")
    return "\n\n".join(parts)


def files_table(checkup: Checkup) -> str:
    """Every file with its findings and facts, as a Markdown table."""
    return markdown_table(HEAD, _rows(checkup))


def csv_table(checkup: Checkup) -> str:
    """Every file with its findings and facts, as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEAD, *_rows(checkup)])
    return text.getvalue().removesuffix("\n")


def _counts(checkup: Checkup) -> list[list[str]]:
    """One row per kind that was found, in the order of `Kind`: faults first, then notes."""
    rows = []
    for kind in Kind:
        found = [r.path for r in checkup.records if any(finding.kind is kind for finding in r.findings)]
        if found:
            items = f"{sum(checkup.items[path] for path in found):,}" if any(checkup.items.values()) else "-"
            rows.append([kind, f"{len(found):,}", items, "fault" if kind.is_fault else "note"])
    return rows


def _cost(checkup: Checkup) -> str:
    total = sum(checkup.items.values())
    if not total:
        return ""
    return f" ({sum(checkup.items[record.path] for record in checkup.faulty):,} of {total:,} items are on them)"


def _items(checkup: Checkup, path: Path) -> str:
    return f"{checkup.items[path]:,}" if any(checkup.items.values()) else "-"


def _rows(checkup: Checkup) -> list[list[str]]:
    return [
        [
            str(record.path),
            record.status,
            ", ".join(finding.kind for finding in record.findings if not finding.kind.is_fault),
            _items(checkup, record.path),
            " ".join(finding.text for finding in record.findings),
            *_told(record.facts),
            "" if record.size < 0 else str(record.size),
            record.digest,
        ]
        for record in checkup.records
    ]


def _told(facts: Facts | None) -> list[str]:
    """One cell for each of the facts, in their order."""
    values = [""] * len(fields(Facts)) if facts is None else astuple(facts)
    return [f"{value:.3f}" if isinstance(value, float) else str(value) for value in values]

"""Decisions out of a ledger and into one, as the JSON lines that `curate --decisions` applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from apollobench.atomic import replace_file
from apollobench.curate.decisions import Decision, format_decisions, read_decisions
from apollobench.errors import InputError
from apollobench.review.ledger import Ledger
from apollobench.review.words import REVIEWER, Draft
from apollobench.types import LETTERS, Item


@dataclass(frozen=True, slots=True)
class Imported:
    """How many decisions were added, were there already, and are about items that the benchmark does not have."""

    added: int
    known: int
    strange: int


def decisions(ledger: Ledger) -> list[Decision]:
    """All that was decided and not taken back, in the order of time, later words of the same reviewer included."""
    told = [row for history in ledger.histories().values() for row in history.told]
    return [row.decision for row in sorted(told, key=lambda row: (row.moment, row.number))]


def export_decisions(ledger: Ledger, path: Path) -> int:
    """Writes `decisions` to a file, complete or not at all; says how many."""
    found = decisions(ledger)
    replace_file(path, format_decisions(found))
    return len(found)


def import_decisions(ledger: Ledger, path: Path, items: Mapping[str, Item]) -> Imported:
    """Adds the decisions of a file with their own times, all or none; those that are there already are left aside.

    Who is not known joins as a reviewer. Raises InputError as `read_decisions` does, and for a key that is no option.
    """
    known = set(decisions(ledger))
    given = list(dict.fromkeys(read_decisions(path)))
    new = [decision for decision in given if decision not in known]
    for decision in new:
        item = items.get(decision.item)
        if item and decision.action == "key" and LETTERS.index(decision.value or "") >= len(item.options):
            raise InputError(f"{path}: {decision.item}: {decision}, but the item has {len(item.options)} options")
    people = ledger.people()
    for name in dict.fromkeys(decision.reviewer for decision in new if decision.reviewer not in people):
        ledger.join(name, REVIEWER)
    ledger.append(*(_draft(decision, items.get(decision.item)) for decision in new))
    return Imported(len(new), len(given) - len(new), sum(decision.item not in items for decision in new))


def original(item: Item | None, action: str) -> str:
    """What the item itself says about what an action changes: its key's letter, its category, else nothing."""
    if item is None:
        return ""
    return {"key": LETTERS[item.answer], "category": item.category or ""}.get(action, "")


def _draft(d: Decision, item: Item | None) -> Draft:
    return Draft(d.item, d.reviewer, d.action, d.value, d.reason, d.note, original(item, d.action), time=d.time)

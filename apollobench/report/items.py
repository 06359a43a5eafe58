"""An item analysis on disk: a report to read, a table of all items, and one JSON object per item."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apollobench.curate.itemcards import Analysis, ItemCard
from apollobench.curate.itemtypes import TYPES, UNDECIDED, type_counts
from apollobench.curate.queue import ORDERS, Found, found_flaws, queue
from apollobench.errors import InputError
from apollobench.report.tables import markdown_table, with_interval
from apollobench.types import Mode

REPORT, TABLE, CARDS = "report.md", "items.csv", "items.jsonl"
SHOWN = 20


def write_items(analysis: Analysis, name: str, output: Path, order: str = "suspicion") -> Path:
    """Writes report, table and cards into `output`; gives the report's path. Raises InputError for an unknown order."""
    cards = ordered(analysis.cards, order)
    output.mkdir(parents=True, exist_ok=True)
    (output / REPORT).write_text(items_markdown(analysis, name) + "\n", encoding="utf-8")
    (output / TABLE).write_text(items_csv(cards), encoding="utf-8")
    with (output / CARDS).open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(card_object(card), ensure_ascii=False, allow_nan=False) + "\n" for card in cards)
    return output / REPORT


def ordered(cards: Sequence[ItemCard], order: str) -> list[ItemCard]:
    """The cards in an order of `ORDERS`."""
    if order not in ORDERS:
        raise InputError(f"--sort: unknown order {order!r}; valid: {', '.join(ORDERS)}")
    return sorted(cards, key=ORDERS[order])


def card_object(card: ItemCard) -> dict[str, Any]:
    """A card as plain JSON data; the fields are those of `ItemCard`."""
    row = asdict(card)
    row["modes"] = {str(mode): told for mode, told in row["modes"].items()}
    return row


def items_csv(cards: Sequence[ItemCard]) -> str:
    """One line per item. Accuracies and intervals in [0, 1]; empty cells are not known."""
    modes = [mode for mode in Mode if cards and mode in cards[0].modes]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = ("votes", "accuracy", "low", "high", "state", "chosen")
    head = ["id", "video", "category", "type", "suspicion", "reasons", "item_rest", "item_rest_se", "difficulty"]
    head += ["difficulty_se", "discrimination", "discrimination_se", "shifts", "key", "chance"]
    writer.writerow([*head, *(f"{mode}_{figure}" for mode in modes for figure in figures)])
    for card in cards:
        why = "; ".join(f"{r.name}: {r.evidence}" for r in card.reasons)
        told = [card.item_rest, card.item_rest_se, card.difficulty, card.difficulty_se]
        told += [card.discrimination, card.discrimination_se]
        shifts = "; ".join(f"{s.family} {s.right}/{s.votes}, expected {s.expected:.2f}" for s in card.shifts)
        row: list[object] = [card.id, card.video, card.category, card.type, f"{card.suspicion:.3f}", why]
        row += [*map(_cell, told), shifts, card.key, _cell(card.chance)]
        for mode in modes:
            found = card.modes[mode]
            share = [None, None, None] if found.accuracy is None else [*_ends(found.accuracy)]
            votes = 0 if found.accuracy is None else found.accuracy.n
            row += [votes, *map(_cell, share), found.state, "/".join(map(str, found.chosen))]
        writer.writerow(row)
    return text.getvalue()


def items_markdown(analysis: Analysis, name: str) -> str:
    """The report: what the panel can tell, types, item response model, families, the queue, known truth."""
    parts = [_summary(analysis, name), _types(analysis), _discrimination(analysis), _irt(analysis), _families(analysis)]
    return "\n\n".join(filter(None, [*parts, _queue(analysis), _truth(found_flaws(analysis.cards))]))


def _summary(a: Analysis, name: str) -> str:
    rows = [
        [str(mode), str(len(m.models)), str(len(set(m.families))), f"{len(m.ids):,}"]
        for mode, m in a.subject.matrices.items()
    ]
    votes = (
        "one vote per family of models, the mean of its members"
        if a.by_family
        else "one vote per model, taken as independent (each is its own family, or there is but one)"
    )
    parts = [
        f"# Item analysis: {name}",
        f"Votes: {votes}. Intervals and tests say what other models of this kind would show, on these very items.",
        markdown_table(["mode", "models", "families", "items"], rows),
    ]
    if a.notes:
        parts.append("**Beware**\n\n" + "\n".join(f"* {note}" for note in a.notes))
    return "\n\n".join(parts)


def _types(a: Analysis) -> str:
    counts = type_counts([card.type for card in a.cards], [card.category or "(none)" for card in a.cards])
    names = [kind for kind in [*(t.name for t in TYPES), UNDECIDED] if any(row[kind] for row in counts.values())]
    rows = [[category, *(f"{row[kind]:,}" for kind in names)] for category, row in counts.items()]
    rows.append(["all", *(f"{sum(row[kind] for row in counts.values()):,}" for kind in names)])
    meaning = "; ".join(f"{t.name}: {t.meaning}" for t in TYPES if t.name in names)
    return "\n\n".join(
        [
            "## Types of items",
            f"Each state is tested at a false discovery rate of {a.level:.0%} over the items (see docs/items.md); "
            f"`{UNDECIDED}` where the votes cannot tell. {meaning}.",
            markdown_table(["category", *names], rows),
        ]
    )


def _discrimination(a: Analysis) -> str:
    known = sorted(card.item_rest for card in a.cards if card.item_rest is not None)
    if not known:
        return "## Item-rest correlation\n\nDefined for no item."
    below = sum(r < 0 for r in known)
    return (
        f"## Item-rest correlation\n\nIn {a.subject.mode} mode, defined for {len(known):,} of {len(a.cards):,} items: "
        f"median {known[len(known) // 2]:.2f}, below zero on {below:,} ({below / len(known):.0%}). "
        "Where a single one lies is uncertain by its standard error, which stands in the table."
    )


def _irt(a: Analysis) -> str:
    if a.irt is None:
        return ""
    names = ("difficulty", "discrimination")
    learned = ", ".join(f"{share:.0%} of {name}" for name, share in zip(names, a.irt.learned, strict=False))
    rows = [
        [model, f"{ability:+.2f}", f"{se:.2f}"]
        for model, ability, se in sorted(
            zip(a.subject.matrix.models, a.irt.ability, a.irt.ability_se, strict=True), key=lambda row: -row[1]
        )
    ]
    kind = {"rasch": "Rasch model", "2pl": "Two-parameter model"}[a.irt.kind]
    return "\n\n".join(
        [
            "## Item response model",
            f"{kind}, marginal over the items, {'converged' if a.irt.converged else 'NOT converged'} in "
            f"{a.irt.iterations} steps. Of the spread among items the answers tell {learned}; the rest is the prior. "
            "Ability 0 solves half of the items of average difficulty; standard errors take items as independent.",
            markdown_table(["model", "ability", "standard error"], rows),
        ]
    )


def _families(a: Analysis) -> str:
    if a.shifts is None:
        return ""
    s = a.shifts
    if not s.tests:
        return "## Families\n\nNo family of two or more models beside another: nothing to test."
    rows = [
        [a.cards[f.item].id, f.family, f"{f.right} of {f.votes}", f"{f.expected:.2f}", f"{f.p:.2g}", f"{f.q:.2g}"]
        for f in sorted(s.found, key=lambda f: f.p)[:SHOWN]
    ]
    limits = (
        f"The smallest p that this panel could have given is {s.least:.2g}; a single finding needs {s.needed:.2g}"
        + (", so that none can stand alone." if s.least > s.needed else ".")
    )
    parts = [
        "## Families",
        f"{len(s.tests):,} tests of a family on an item: {len(s.found):,} differ from what its abilities say, at a "
        f"false discovery rate of {s.level:.0%}. {limits}",
    ]
    if rows:
        parts.append(markdown_table(["item", "family", "right", "expected", "p", "q"], rows))
    return "\n\n".join(parts)


def _queue(a: Analysis) -> str:
    waiting = queue(a.cards)
    if not waiting:
        return "## Review queue\n\nNo item is suspicious."
    counts: dict[str, int] = {}
    for card in waiting:
        for why in card.reasons:
            counts[why.name] = counts.get(why.name, 0) + 1
    rows = [
        [str(n), card.id, f"{card.suspicion:.2f}", "; ".join(f"{r.name}: {r.evidence}" for r in card.reasons)]
        for n, card in enumerate(waiting[:SHOWN], 1)
    ]
    told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    lacking = "" if a.subject.answers else " The data hold no choices, so that nothing is said of options and keys."
    return "\n\n".join(
        [
            "## Review queue",
            f"{len(waiting):,} of {len(a.cards):,} items have a reason to be looked at ({told}). Suspicion adds the "
            f"reasons' weights, -log10 of how likely a sound item shows as much, at most 3 each.{lacking}",
            markdown_table(["", "item", "suspicion", "reasons"], rows),
        ]
    )


def _truth(found: Sequence[Found]) -> str:
    if not found:
        return ""
    rows = [[f.flaw or "any", f"{f.flaws:,}", with_interval(f.area), with_interval(f.first)] for f in found]
    return "\n\n".join(
        [
            "## Against known truth",
            "How well suspicion finds the items that are known to be flawed. Area: under the ROC curve against sound "
            "items, in percent, 50 for guessing. At the head: of as many items as there are flaws, the share that is "
            "flawed. Intervals 95 %, clustered by video, for this panel.",
            markdown_table(["flaw", "items", "area", "at the head"], rows),
        ]
    )


def _ends(estimate: Any) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"

"""The way from items to categories: decisions first, then the source's labels, then the recipe's method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from apollobench.curate.categorize import http, native, text  # noqa: F401  (each registers its method)
from apollobench.curate.categorize.base import CATEGORIZERS, Categorized, Job, Sorting
from apollobench.curate.categorize.labels import by_label, read_categories
from apollobench.curate.decisions import Decision
from apollobench.recipe.categorize import Categorize
from apollobench.types import Item


def categorize(
    items: Sequence[Item],
    spec: Categorize,
    *,
    decided: Mapping[str, Decision] | None = None,
    folder: Path | None = None,
    level: float = 0.95,
) -> Sorting:
    """The pool with a category for every item, by the method that `spec` names.

    decided: by item id, a decision about its category, which overrides everything. folder: where a method keeps
    answers, so that it asks only once. level: confidence of intervals. Raises InputError where the method does.
    """
    decided, maps = decided or {}, read_categories().native
    known: list[Categorized | None] = []
    reasons = []
    for item in items:
        found, reason = by_label(item, maps)
        if item.id in decided:
            found, reason = _by_decision(item, decided[item.id]), ""
        known.append(found)
        reasons.append(reason)
    return CATEGORIZERS[spec.method](Job(tuple(items), tuple(known), tuple(reasons), folder, level), spec)


def _by_decision(item: Item, decision: Decision) -> Categorized:
    return Categorized(replace(item, category=decision.value), f"decision:{decision.reviewer}")

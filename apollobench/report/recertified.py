"""What a recertification found, for people (Markdown) and for programs (JSON)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apollobench.curate.drift import Tau
from apollobench.curate.recertify import Recertification
from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.stats.interval import Estimate
from apollobench.types import CATEGORIES

SHOWN = 20


def write_recertification(r: Recertification, folder: Path) -> str:
    """Writes recertify.md and recertify.json into `folder`, and gives back the former."""
    folder.mkdir(parents=True, exist_ok=True)
    text = recertification_markdown(r)
    (folder / "recertify.md").write_text(text, encoding="utf-8")
    told = json.dumps(recertification_json(r), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "recertify.json").write_text(told + "\n", encoding="utf-8")
    return text


def recertification_markdown(r: Recertification) -> str:
    """The whole report."""
    return "\n\n".join(_recertified(r)) + "\n"


def _recertified(r: Recertification) -> Iterator[str]:
    verdict = "does not hold" if r.exit_code else "holds"
    yield f"# Recertification of {r.name}: {verdict}"
    yield (
        f"{len(r.failures)} of {r.examined} examined items ({percent(r.failed)} %) would be dropped now; the benchmark "
        f"does not hold above {percent(r.max_failed)} %. Judged by its own filter, `{r.recipe.filter.method}`, on the "
        f"whole pool, with the votes of {len(r.panel)} models of the old panel and {len(r.new)} new ones: "
        f"{', '.join(r.new)}. The share is a count for these models, not an estimate for others."
    )
    if r.warnings:
        yield "**Beware**\n\n" + "\n".join(f"* {warning}" for warning in r.warnings)
    yield "## Items that fail"
    yield _failures_by_category(r)
    if r.failures:
        yield markdown_table(
            ["item", "category", "why", "by the old votes too"],
            [
                [f.item.id, f.item.category or "-", f.verdict.reason, "yes" if f.already else "no"]
                for f in r.failures[:SHOWN]
            ],
        )
    if len(r.failures) > SHOWN:
        yield f"{len(r.failures) - SHOWN} more are in recertify.json."
    yield "## How blind the items are"
    yield (
        "Accuracy without the video of the new models alone, which had no part in choosing the items, beside the old "
        "panel, whose votes pushed its own figure down. Intervals over videos, for these models."
    )
    voters = {(a.items, a.mode): a.accuracy for a in r.voters}
    yield markdown_table(
        ["items", "mode", "chance", "new models", "old panel"],
        [
            [
                a.items,
                str(a.mode),
                percent(a.chance),
                with_interval(a.accuracy),
                with_interval(voters.get((a.items, a.mode))),
            ]
            for a in r.blind
        ],
    )
    yield from _drift(r)


def _failures_by_category(r: Recertification) -> str:
    rows = []
    for category in CATEGORIES:
        total = sum(item.category == category for item in r.items)
        failed = sum(failure.item.category == category for failure in r.failures)
        rows.append([category, f"{total:,}", f"{failed:,}", percent(failed / total) if total else "-"])
    return markdown_table(["category", "items", "fail", "share"], rows)


def _drift(r: Recertification) -> Iterator[str]:
    yield "## Drift"
    yield (
        "New models minus old panel in points, over items that both answered; and Kendall's tau between the two "
        "groups' order of the items by difficulty, which votes of few models make small. Intervals over videos."
    )
    yield markdown_table(
        ["mode", "items", "number", "shift", "tau of difficulty"],
        [
            [
                str(drift.mode),
                name,
                f"{shift.n:,}",
                with_interval(shift, signed=True),
                _tau(drift.difficulty) if name == "all" else "",
            ]
            for drift in r.drifts
            for name, shift in drift.shift.items()
        ],
    )
    if r.standings:
        yield (
            "Models in video mode on all items and on those that still hold; tau between the two orders "
            f"{_number(r.ranks)}."
        )
        order = sorted((s.holding for s in r.standings if not math.isnan(s.holding)), reverse=True)
        yield markdown_table(
            ["model", "who", "all items", "rank", "still holding", "rank there"],
            [
                [
                    s.model,
                    "new" if s.new else "panel",
                    percent(s.all),
                    str(rank),
                    percent(s.holding),
                    "-" if math.isnan(s.holding) else str(order.index(s.holding) + 1),
                ]
                for rank, s in enumerate(r.standings, 1)
            ],
        )


def recertification_json(r: Recertification) -> dict[str, Any]:
    """All of it as plain data; unknown numbers are null."""
    return {
        "benchmark": r.name,
        "holds": r.exit_code == 0,
        "examined": r.examined,
        "failed": r.failed,
        "max_failed": r.max_failed,
        "rule": r.recipe.filter.model_dump(mode="json"),
        "panel": list(r.panel),
        "new": list(r.new),
        "warnings": list(r.warnings),
        "failures": [
            {
                "item": f.item.id,
                "category": f.item.category,
                "grounds": f.verdict.grounds,
                "reason": f.verdict.reason,
                "votes": {str(mode): list(counts) for mode, counts in f.verdict.evidence.items()},
                "q": f.verdict.q,
                "already": f.already,
            }
            for f in r.failures
        ],
        "blind": {
            who: [
                {"items": a.items, "mode": str(a.mode), "chance": a.chance, **_estimate(a.accuracy)} for a in accuracies
            ]
            for who, accuracies in (("new", r.blind), ("panel", r.voters))
        },
        "drift": [
            {
                "mode": str(drift.mode),
                "shift": {name: _estimate(shift) for name, shift in drift.shift.items()},
                "difficulty_tau": [
                    _known(x) for x in (drift.difficulty.value, drift.difficulty.low, drift.difficulty.high)
                ],
            }
            for drift in r.drifts
        ],
        "models": [
            {"model": s.model, "new": s.new, "all": _known(s.all), "holding": _known(s.holding)} for s in r.standings
        ],
        "ranks_tau": _known(r.ranks),
    }


def _tau(tau: Tau) -> str:
    return f"{_number(tau.value)} ({_number(tau.low)} to {_number(tau.high)})"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _estimate(estimate: Estimate) -> dict[str, float | int | None]:
    return {
        "value": _known(estimate.value),
        "low": _known(estimate.low),
        "high": _known(estimate.high),
        "n": estimate.n,
        "videos": estimate.clusters,
    }

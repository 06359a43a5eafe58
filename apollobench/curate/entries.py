"""Turns decisions into what is stored: the rows of kept and of dropped items, and what the manifest says."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from apollobench import __version__
from apollobench.benchmark import Entry
from apollobench.content import content_path
from apollobench.curate.answers import MISSING, STATUSES, Answers
from apollobench.curate.decide import Decisions
from apollobench.curate.decisions import REVIEW_VERSION, Review, format_decisions
from apollobench.curate.filter import FILTERS
from apollobench.curate.panel import Run
from apollobench.recipe import RecipeFile
from apollobench.stats.interval import Estimate
from apollobench.types import digest
from apollobench.video.media import media_digest
from apollobench.yamlfile import read_text

TOOLS = ("numpy", "scipy", "scikit-learn", "pyarrow", "torch", "transformers", "av")
SELECTION_VERSION = 2


def entries(decisions: Decisions) -> tuple[list[Entry], list[Entry]]:
    """The pool as (kept, dropped) rows: kept best first, dropped in the pool's order, each with rule and reason."""
    panel = decisions.answers.only(decisions.recipe.panel)
    votes = {mode: panel.votes(mode) for mode in panel.modes}
    score = np.full(len(panel.items), np.nan)
    score[decisions.survivors] = decisions.selection.score
    chosen = set(decisions.chosen.tolist())
    gated = set(decisions.survivors[decisions.selection.gated].tolist())

    def entry(i: int) -> Entry:
        sorted_ = decisions.categorized[i]
        verdict = decisions.verdicts[i]
        left_out = {} if i in chosen else _left_out(decisions, i, float(score[i]), i in gated)
        return Entry(
            item=sorted_.item,
            category_from=sorted_.provenance,
            score=None if np.isnan(score[i]) else float(score[i]),
            evidence={
                **{mode: (int(right[i]), int(voted[i])) for mode, (right, voted) in votes.items()},
                **verdict.evidence,
            },
            tests={mode: (test.p, test.posterior) for mode, test in verdict.tests.items()},
            q=verdict.q,
            media=media_digest(sorted_.item.video.path) if i in chosen else "",
            **left_out,
        )

    return [entry(i) for i in decisions.chosen], [entry(i) for i in range(len(panel.items)) if i not in chosen]


def _left_out(decisions: Decisions, i: int, score: float, gated: bool) -> dict[str, Any]:
    verdict, recipe = decisions.verdicts[i], decisions.recipe
    if verdict.rule:
        return {"rule": verdict.rule, "version": REVIEW_VERSION, "reason": verdict.reason}
    if not verdict.keep:
        rule = FILTERS[recipe.filter.method]
        return {"rule": f"filter:{rule.name}", "version": rule.version, "reason": verdict.reason}
    if gated:
        reason = "kept out by the gate: its item-rest correlation, shrunk, is not above 0"
    elif np.isnan(score):
        reason = "cannot be ranked: no usable answer in the mode that ranks, or no known cost"
    else:
        category = decisions.categorized[i].item.category or ""
        taken = decisions.selection.taken.get(category, 0)
        reason = f"not among the {taken} that {category} gives; score {score:.4f}"
    return {"rule": f"select:{recipe.select.method}", "version": SELECTION_VERSION, "reason": reason}


def about(file: RecipeFile, decisions: Decisions, runs: Sequence[Run]) -> dict[str, Any]:
    """What the manifest says of how the benchmark was made; nothing in it depends on time or place."""
    recipe, selection = file.recipe, decisions.selection
    dropped = Counter(verdict.grounds for verdict in decisions.verdicts if not verdict.keep)
    kept = [decisions.categorized[i].item for i in decisions.chosen]
    return {
        "name": recipe.name,
        "recipe": {
            "file": file.name,
            "text": file.text,
            "overrides": dict(file.overrides),
            "fingerprint": file.fingerprint,
        },
        "categories": digest(read_text(content_path("curation", "categories.yaml"))),
        "categorized": _categorized(decisions),
        "rules": {
            "filter": f"{recipe.filter.method}/{FILTERS[recipe.filter.method].version}",
            "select": f"{recipe.select.method}/{SELECTION_VERSION}",
        },
        "prompt": recipe.prompt,
        "panel": [_identity(run) for run in runs if run.model in recipe.panel],
        "held_out": [_identity(run) for run in runs if run.model in recipe.held_out],
        "counts": {
            "pool": len(decisions.verdicts),
            "dropped": dict(sorted(dropped.items())),
            "survivors": len(decisions.survivors),
            "selected": dict(selection.taken),
            "asked_for": dict(selection.wanted),
        },
        "evidence": status_counts(decisions.answers),
        **({"review": _review(decisions.review)} if decisions.review else {}),
        "licences": dict(sorted(Counter(item.licence or "not stated" for item in kept).items())),
        "selection": {
            "gap": selection.gap,
            "representative": selection.representative,
            "notes": list(selection.notes),
        },
        "warnings": list(decisions.warnings),
        "tools": {"apollobench": __version__, "python": platform.python_version(), **_versions()},
    }


def _categorized(decisions: Decisions) -> dict[str, Any]:
    """By which method the pool was sorted, how many items by each way, and how good the method is where measured."""
    found: dict[str, Any] = {
        "method": decisions.recipe.categorize.method,
        "from": dict(sorted(Counter(entry.origin for entry in decisions.categorized).items())),
    }
    if decisions.quality is not None:
        quality = decisions.quality
        found["measured"] = {
            "how": quality.how,
            "accuracy": _figure(quality.accuracy),
            "majority": _figure(quality.majority),
            "found": {category: _figure(estimate) for category, estimate in quality.found.items()},
            "sound": {category: _figure(estimate) for category, estimate in quality.sound.items()},
            "abroad": {source: _figure(right) for source, (right, _) in quality.abroad.items()},
        }
    return found


def _figure(estimate: Estimate) -> dict[str, Any]:
    figures = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: round(value, 6) for name, value in figures.items()} | {"items": estimate.n, "level": estimate.level}


def _review(review: Review) -> dict[str, Any]:
    """Which decisions there were, by whom, and the keys that they changed; what they drop is in dropped.parquet."""
    return {
        "decisions": digest(format_decisions(review.given)),
        "actions": dict(sorted(Counter(decision.action for decision in review.given).items())),
        "reviewers": sorted({decision.reviewer for decision in review.given}),
        "keys": {
            name: {"key": decision.value, "reviewer": decision.reviewer, "reason": decision.reason}
            for name, decision in sorted(review.keys.items())
        },
        "not_in_pool": list(review.strange),
        "to_discuss": list(review.undecided),
    }


def status_counts(answers: Answers) -> dict[str, dict[str, dict[str, int]]]:
    """model -> mode -> status (or `missing`) -> how many items; what does not occur is left out."""
    names = {code: str(status) for code, status in enumerate(STATUSES)} | {MISSING: "missing"}
    return {
        model: {
            str(mode): {names[code]: n for code, n in sorted(Counter(status[row].tolist()).items())}
            for mode, status in answers.status.items()
        }
        for row, model in enumerate(answers.models)
    }


def _identity(run: Run) -> dict[str, Any]:
    return {"model": run.model, "revision": run.revision, "settings": run.settings, "sampling": run.sampling}


def _versions() -> dict[str, str]:
    found = {}
    for tool in TOOLS:
        try:
            found[tool] = version(tool)
        except PackageNotFoundError:
            continue
    return found

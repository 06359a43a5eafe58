"""The report of a curation, section by section in the order of the stages; figures in percent unless said otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from apollobench.curate.audit import accuracies
from apollobench.curate.decide import Decisions
from apollobench.curate.entries import status_counts
from apollobench.curate.panel import Run
from apollobench.recipe import RecipeFile
from apollobench.report.audit import audit_sections, findings_section
from apollobench.report.categories import categories
from apollobench.report.filtering import filtering
from apollobench.report.outcome import selection, validation
from apollobench.report.tables import markdown_table, percent


def curation_report(file: RecipeFile, decisions: Decisions, runs: Sequence[Run]) -> str:
    """The whole report as Markdown."""
    sections = [
        _summary(file, decisions),
        _runs(decisions, runs),
        _lint(decisions),
        _audit(decisions),
        filtering(decisions),
        categories(decisions),
        selection(decisions),
        validation(decisions),
    ]
    return "\n\n".join(sections) + "\n"


def _summary(file: RecipeFile, d: Decisions) -> str:
    counts = [
        ["pool", f"{len(d.verdicts):,}"],
        ["dropped by the filter", f"{len(d.verdicts) - len(d.survivors):,}"],
        ["survivors", f"{len(d.survivors):,}"],
        ["selected", f"{len(d.chosen):,}"],
    ]
    changed = "; ".join(f"`{place}: {value}`" for place, value in file.overrides.items())
    parts = [
        f"# Curation report: {d.recipe.name}",
        f"Recipe `{file.name}`, fingerprint `{file.fingerprint}`{', changed by the command line: ' if changed else ''}"
        f"{changed}.",
        markdown_table(["items", "number"], counts),
    ]
    if d.warnings:
        parts.append("**Beware**\n\n" + "\n".join(f"* {warning}" for warning in d.warnings))
    return "\n\n".join(parts)


def _runs(d: Decisions, runs: Sequence[Run]) -> str:
    revisions = {run.model: run.revision for run in runs}
    statuses, scores = status_counts(d.answers), accuracies(d.answers)
    rows = []
    for row, model in enumerate(d.answers.models):
        total: Counter[str] = Counter()
        for counts in statuses[model].values():
            total.update(counts)
        rows.append(
            [
                model,
                "panel" if model in d.recipe.panel else "held out",
                revisions[model][:12],
                *(percent(float(scores[mode][row])) for mode in d.answers.modes),
                ", ".join(f"{n:,} {name}" for name, n in total.items()),
            ]
        )
    head = ["model", "role", "revision", *map(str, d.answers.modes), "answers"]
    return "\n\n".join(
        [
            "## Runs",
            "Accuracy on the whole pool in each mode. An unparsed answer counts as not right; errors are left out.",
            markdown_table(head, rows),
        ]
    )


def _lint(d: Decisions) -> str:
    return f"## Run checks\n\n{findings_section(d.findings, 'source')}"


def _audit(d: Decisions) -> str:
    return "\n\n".join(["## Audit of the pool", *audit_sections(d.audit, "items")])

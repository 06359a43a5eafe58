"""Audit and run checks of whatever there is: answers to a benchmark, or a table of accuracies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apollobench.curate.audit import Audit, audit, audit_table
from apollobench.curate.groups import groups_of, item_labels
from apollobench.curate.lint import Finding, lint_answers, lint_table
from apollobench.curate.recorded import recorded_answers
from apollobench.errors import InputError
from apollobench.imports.published import read_accuracies
from apollobench.recipe import Lint, load_recipe

RULES = "apollobench"


@dataclass(frozen=True, slots=True)
class Examined:
    """The audit, what the linter found, what was done to read the input, and what a group is (as a table's head)."""

    audit: Audit
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    what: str


def examine(inputs: Sequence[Path], group: str = "category", unit: str | None = None) -> Examined:
    """Audits a folder of a benchmark with further folders of responses, or one table in CSV.

    group: what divides the items of a benchmark. unit: of a table, percent or share. The linter's thresholds are those
    of the shipped recipe. Raises InputError as the readers do.
    """
    first, *more = inputs
    lint: Lint = load_recipe(RULES, {}).recipe.lint
    if first.is_dir():
        answers = recorded_answers(first, more)
        parts = groups_of(item_labels(answers.items, group))
        notes = (f"run checks go by source, at level {lint.alpha:g}",)
        return Examined(audit(answers, parts), tuple(lint_answers(answers, lint)), notes, group)
    if more:
        raise InputError(f"{more[0]}: one table at a time; further folders go with a benchmark's folder")
    read = read_accuracies(first, unit)
    told = f"accuracy below chance is reported at level {lint.alpha:g}, the other patterns wherever they occur"
    findings = tuple(lint_table(read.table, lint.alpha))
    return Examined(audit_table(read.table), findings, (*read.notes, told), "benchmark")

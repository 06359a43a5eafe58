"""What a curation prints when it is done: the way from the pool to the benchmark, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator

from apollobench.curate.decide import Decisions
from apollobench.report.tables import with_interval


def closing(decisions: Decisions) -> str:
    """A few lines of text; figures in percent, tau as it is."""
    return "\n".join(_lines(decisions))


def _lines(d: Decisions) -> Iterator[str]:
    taken = ", ".join(f"{count} {category}" for category, count in d.selection.taken.items())
    yield f"pool {len(d.verdicts):,} -> survivors {len(d.survivors):,} -> selected {len(d.chosen):,} ({taken})"
    found = d.examination
    if found.filter is not None:
        precision, recall = with_interval(found.filter.precision), with_interval(found.filter.recall)
        yield f"filter against known truth: precision {precision}, recall {recall}"
    if d.quality is not None:
        measured = d.quality
        yield (
            f"categorizer {d.recipe.categorize.method}: {with_interval(measured.accuracy)} right, always the commonest "
            f"category {with_interval(measured.majority)}; {measured.how}"
        )
        found_of = [f"{category} {with_interval(estimate)}" for category, estimate in measured.found.items()]
        yield f"  of each category, put there: {', '.join(found_of)}"
    if found.categories is not None:
        yield f"categories against the source's own: {with_interval(found.categories)}"
    if found.held_out is not None:
        agreement = found.held_out
        yield (
            f"held-out models, ranks on the selection against the pool: tau {agreement.tau:.2f} "
            f"({agreement.low:.2f} to {agreement.high:.2f}, {len(agreement.models)} models)"
        )

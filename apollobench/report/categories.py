"""The report's section on categories: where they come from, how good the method is, and what people decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from apollobench.curate.categorize import Quality
from apollobench.curate.decide import Decisions
from apollobench.curate.decisions import Review
from apollobench.report.tables import markdown_table, with_interval
from apollobench.types import CATEGORIES


def categories(d: Decisions) -> str:
    """Items per category at every stage and per origin, and accuracy where it was measured or the source knows."""
    return "\n\n".join(_parts(d))


def _parts(d: Decisions) -> Iterator[str]:
    yield "## Categories"
    yield f"Method `{d.recipe.categorize.method}`; definitions in `curation/categories.yaml`."
    survivors, chosen = set(d.survivors.tolist()), set(d.chosen.tolist())
    rows = []
    for category in CATEGORIES:
        members = {i for i, entry in enumerate(d.categorized) if entry.item.category == category}
        rows.append([category, *(f"{len(members & stage):,}" for stage in (members, survivors, chosen))])
    yield markdown_table(["category", "pool", "survivors", "selected"], rows)
    yield "Where the categories of the pool come from:"
    yield _origins(d)
    if d.quality is not None:
        yield quality_markdown(d.quality)
    if d.examination.categories is not None:
        found = d.examination.categories
        yield f"Against the category the source says: {with_interval(found)} right of {found.n:,} items."
    if d.review is not None:
        yield _review(d.review)


def quality_markdown(quality: Quality) -> str:
    """A categorizer's accuracy, per category and per source, with intervals clustered by video."""
    level = f"{quality.accuracy.level:.0%}"
    rows = [
        [c, str(quality.found[c].n) if c in quality.found else "0", with_interval(quality.found.get(c)),
         with_interval(quality.sound.get(c))]
        for c in CATEGORIES
        if c in quality.found or c in quality.sound
    ]  # fmt: skip
    parts = [
        f"### How good it is\n\n{with_interval(quality.accuracy)} right, with the {level} interval over videos; always "
        f"saying the commonest category: {with_interval(quality.majority)}. Measured by {quality.how}; it holds for "
        "items like those.",
        markdown_table(["category", "items", "of these, put there", "of those put there, right"], rows),
    ]
    if quality.abroad:
        abroad = [
            [source, str(right.n), with_interval(right), with_interval(most)]
            for source, (right, most) in quality.abroad.items()
        ]
        parts += [
            "On a source of which it knows no label, learning from the others alone:",
            markdown_table(["source", "items", "right", "commonest category"], abroad),
        ]
    return "\n\n".join(parts)


def _origins(d: Decisions) -> str:
    counts = Counter((entry.origin, entry.item.category) for entry in d.categorized)
    rows = []
    for origin in sorted({entry.origin for entry in d.categorized}):
        own = [counts[origin, category] for category in CATEGORIES]
        rows.append([origin, f"{sum(own):,}", *(f"{count:,}" for count in own)])
    return markdown_table(["from", "items", *CATEGORIES], rows)


def _review(review: Review) -> str:
    actions = Counter(decision.action for decision in review.given)
    reviewers = sorted({decision.reviewer for decision in review.given})
    told = ", ".join(f"{count} {action}" for action, count in sorted(actions.items()))
    return (
        f"### What people decided\n\n{len(review.given)} decisions by {', '.join(reviewers)} ({told}). In effect: "
        f"{len(review.drops)} items dropped, {len(review.keys)} keys and {len(review.categories)} categories changed."
    )

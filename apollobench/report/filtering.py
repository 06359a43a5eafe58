"""What a report says of the filter: what it dropped for what, what it can see, and how blind the rest really is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from apollobench.curate.answers import STATUSES
from apollobench.curate.crossfit import CrossFit
from apollobench.curate.decide import Decisions
from apollobench.curate.power import WANTED, Power
from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.stats.clusters import partition
from apollobench.stats.interval import clustered_proportion
from apollobench.types import CATEGORIES, Status

Counts = Mapping[str, tuple[int, int]]


def filtering(d: Decisions) -> str:
    """What was dropped for what, the rule's power, and the filter's score where truth is known."""
    spec = d.recipe.filter
    labels = [entry.item.category for entry in d.categorized]
    rows = []
    for grounds in [*sorted({v.grounds for v in d.verdicts if not v.keep}), ""]:
        inside = [c for c, verdict in zip(labels, d.verdicts, strict=True) if verdict.grounds == grounds]
        rows.append([grounds or "(kept)", f"{len(inside):,}", *(f"{inside.count(c):,}" for c in CATEGORIES)])
    parts = [
        "## Filter",
        f"Rule `{spec.method}`: an item is dropped when {spec.drops}. {spec.no_votes} are no votes; with fewer than "
        f"{spec.min_votes} votes in a mode an item is dropped as not judged.",
        markdown_table(["dropped for", "items", *CATEGORIES], rows),
        *_tests(d),
        power_markdown(d.examination.power),
    ]
    score = d.examination.filter
    if score is not None:
        parts += [
            "### Against known truth",
            f"Precision {with_interval(score.precision)}, recall {with_interval(score.recall)}: an item should be "
            "dropped when it needs nothing, or no more than the center frame. Items known to be flawed are in neither "
            "figure; votes cannot tell a wrong key from a hard question.",
            markdown_table(
                ["truth", "dropped", "items", "share"],
                [*_shares(score.needs, "needs {}"), *_shares(score.flaws, "flaw: {}")],
            ),
        ]
    return "\n\n".join(parts)


def power_markdown(powers: Sequence[Power]) -> str:
    """The table of what a filter can see, with what it is conditional on."""
    rows = [
        [
            str(power.mode),
            str(power.options),
            f"{sum(power.sizes)} ({len(power.sizes)})",
            f"{power.correlation:.2f}",
            "no number" if power.blind else str(power.critical),
            percent(power.guessed),
            "none" if power.ability is None else percent(power.ability),
        ]
        for power in powers
    ]
    head = ["mode", "options", "models (families)", "correlation", "right votes that drop", "guessed", "found at"]
    return "\n\n".join(
        [
            "What the rule can see when the whole panel votes. Guessed: how often an item is dropped that all models "
            f"guess. Found at: the least ability, the share of all models that would be right, that is dropped in "
            f"{WANTED:.0%} of cases. Correlation: of the votes of one family on one item. Computed, not estimated.",
            markdown_table(head, rows),
        ]
    )


def blindness(d: Decisions) -> list[str]:
    """Accuracy on pool, survivors and selection of models that voted and of models that did not."""
    found = d.examination
    voters = {(a.items, a.mode): a for a in found.voters}
    others = {(a.items, a.mode): a for a in found.accuracies}
    rows = [
        [
            items,
            str(mode),
            percent((others.get((items, mode)) or voter).chance),
            with_interval(voter.accuracy),
            with_interval(other.accuracy) if (other := others.get((items, mode))) else "-",
        ]
        for (items, mode), voter in voters.items()
    ]
    parts = [
        "### How blind the rest is",
        "Mean accuracy of the models that voted and of those that did not, intervals over videos. Whatever the voters "
        "answered blind was dropped, which pushes their own blind accuracy down, below chance even: only models that "
        "did not vote can tell how much of the rest can be answered blind.",
        markdown_table(["items", "mode", "chance", "voted", "did not vote"], rows),
    ]
    return [*parts, *_cross_fits(found.cross_fits)]


def _cross_fits(fits: Sequence[CrossFit]) -> list[str]:
    if not fits:
        return []
    rows = [
        [str(f.mode), str(len(f.left_out)), f"{np.mean(f.kept):,.0f}", percent(f.chance), with_interval(f.accuracy)]
        for f in fits
    ]
    return [
        "No model was held out. In its place: the filter with one family of the panel left out (one model, where all "
        f"are kin), its accuracy on what is kept, averaged over {', '.join(fits[0].left_out)}. Interval over videos, "
        "for these models.",
        markdown_table(["mode", "left out in turn", "kept on average", "chance", "accuracy"], rows),
    ]


def _tests(d: Decisions) -> Iterable[str]:
    """For a rule that tests: unparsed answers, and what is likely to be left among the kept."""
    spec, panel = d.recipe.filter, d.answers.only(d.recipe.panel)
    kept = [i for i in d.survivors if d.verdicts[i].tests]
    if not kept:
        return
    unparsed = {mode: int((panel.status[mode] == STATUSES.index(Status.UNPARSED)).sum()) for mode in spec.modes}
    told = ", ".join(f"{count:,} in {mode} mode" for mode, count in unparsed.items())
    yield f"Answers that could not be read, and left the denominators: {told}."
    videos = partition([d.categorized[i].item.video.id for i in kept])
    for mode in spec.modes:
        left = clustered_proportion([d.verdicts[i].tests[mode].posterior for i in kept], videos)
        yield (
            f"Of the kept, {with_interval(left)} % are likely to be above the margin all the same in {mode} mode (mean "
            "posterior probability, interval over videos): what the votes were too few to convict."
        )


def _shares(counts: Counts, form: str) -> list[list[str]]:
    return [
        [form.format(name), f"{dropped:,}", f"{total:,}", percent(dropped / total)]
        for name, (dropped, total) in counts.items()
    ]

"""The second half of a curation's report: what the filter dropped, what was chosen, and what that is worth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from apollobench.curate.decide import Decisions
from apollobench.curate.validate import Agreement
from apollobench.recipe import EntropySelection
from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.types import CATEGORIES

Counts = Mapping[str, tuple[int, int]]


def filtering(d: Decisions) -> str:
    """What was dropped for what, and the filter's score where truth is known."""
    spec = d.recipe.filter
    labels = [entry.item.category for entry in d.categorized]
    rows = []
    for grounds in [*sorted({v.grounds for v in d.verdicts if not v.keep}), ""]:
        inside = [c for c, verdict in zip(labels, d.verdicts, strict=True) if verdict.grounds == grounds]
        rows.append([grounds or "(kept)", f"{len(inside):,}", *(f"{inside.count(c):,}" for c in CATEGORIES)])
    parts = [
        "## Filter",
        f"Rule `{spec.method}`: an item is dropped when more than {spec.threshold:.0%} of the panel answer it right in "
        f"{' or '.join(spec.modes)} mode. Errors and unsupported modes are no votes; with fewer than {spec.min_votes} "
        "votes in a mode an item is dropped as not judged.",
        markdown_table(["dropped for", "items", *CATEGORIES], rows),
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


def selection(d: Decisions) -> str:
    """How the items were chosen, and what was chosen where truth is known."""
    spec, made = d.recipe.select, d.selection
    rule = f"entropy of right against wrong in {spec.mode} mode" if isinstance(spec, EntropySelection) else "hash alone"
    limit = f"at most {spec.max_per_video} per video" if spec.max_per_video else "no limit per video"
    rows = []
    for category, wanted in made.wanted.items():
        scores = [made.score[j] for j in made.chosen if d.categorized[d.survivors[j]].item.category == category]
        lowest, highest = (f"{min(scores):.3f}", f"{max(scores):.3f}") if scores else ("-", "-")
        rows.append([category, str(wanted), str(made.taken[category]), lowest, highest])
    parts = [
        "## Selection",
        f"Method `{spec.method}`: ranked by {rule}; {limit}; ties by a hash of seed {spec.seed} and id.",
        markdown_table(["category", "asked for", "taken", "lowest score", "highest score"], rows),
    ]
    if d.examination.filter is not None:
        stages = {"pool": range(len(d.categorized)), "survivors": d.survivors, "selected": d.chosen}
        kinds = {name: Counter(_truth(d, i) for i in stage) for name, stage in stages.items()}
        table = [
            [kind, *(percent(counts[kind] / max(1, counts.total())) for counts in kinds.values())]
            for kind in sorted(kinds["pool"])
        ]
        parts += ["What is in it, by known truth:", markdown_table(["truth", *stages], table)]
    return "\n\n".join(parts)


def validation(d: Decisions) -> str:
    """How the selection ranks models, and what can be had on it without the video."""
    spec, found = d.recipe.validation, d.examination
    parts = ["## Validation on models that did not vote"]
    known = [(name, a) for name, a in (("held out", found.held_out), ("panel", found.panel)) if a is not None]
    if known:
        parts += [
            "Kendall's tau between the models' accuracies on the selection and on the full pool, in video mode, with "
            f"its interval over videos; beside it {spec.random_subsets} random subsets of the survivors with the same "
            "quotas (mean and range of the middle "
            f"{spec.confidence:.0%}). The panel chose the items, so its own tau flatters.",
            markdown_table(
                ["models", "number", "tau", "interval", "random subsets", "range"], [_agreement(n, a) for n, a in known]
            ),
        ]
        small = [name for name, agreement in known if len(agreement.models) < 5]
        if small:
            parts.append(f"With fewer than five models ({', '.join(small)}) tau takes few values and says little.")
    if found.held_out is None:
        parts.append("Fewer than two held-out models, or no video mode: their ranking could not be compared.")
    if found.accuracies:
        rows = [[a.items, str(a.mode), percent(a.chance), with_interval(a.accuracy)] for a in found.accuracies]
        parts += [
            "Mean accuracy of the held-out models. Whatever the panel answered blind was dropped, so only models that "
            "did not vote can tell how much of the rest can be answered blind.",
            markdown_table(["items", "mode", "chance", "accuracy"], rows),
        ]
    return "\n\n".join(parts)


def _agreement(name: str, a: Agreement) -> list[str]:
    undefined = f"; {a.undefined:.0%} of resamples without a ranking" if a.undefined else ""
    return [
        name,
        str(len(a.models)),
        _tau(a.tau),
        f"{_tau(a.low)} to {_tau(a.high)}{undefined}",
        _tau(a.random_mean),
        f"{_tau(a.random_low)} to {_tau(a.random_high)}",
    ]


def _tau(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _shares(counts: Counts, form: str) -> list[list[str]]:
    return [
        [form.format(name), f"{dropped:,}", f"{total:,}", percent(dropped / total)]
        for name, (dropped, total) in counts.items()
    ]


def _truth(d: Decisions, i: int) -> str:
    truth = d.categorized[i].item.truth
    if truth is None:
        return "not known"
    return f"flaw: {truth.flaw}" if truth.flaw else f"needs {truth.needs}"

"""The second half of a curation's report: how it was sorted, what was chosen, and what that is worth."""

from __future__ import annotations

import math
from collections import Counter

from apollobench.curate.decide import Decisions
from apollobench.curate.validate import Agreement
from apollobench.recipe.select import Quotas, Selecting
from apollobench.report.filtering import blindness
from apollobench.report.tables import markdown_table, percent


def selection(d: Decisions) -> str:
    """How the items were chosen, and what was chosen where truth is known."""
    spec, made = d.recipe.select, d.selection
    rows = []
    for category, wanted in made.wanted.items():
        scores = [made.score[j] for j in made.chosen if d.categorized[d.survivors[j]].item.category == category]
        lowest, highest = (f"{min(scores):.3f}", f"{max(scores):.3f}") if scores else ("-", "-")
        rows.append([category, str(wanted), str(made.taken[category]), lowest, highest])
    parts = [
        "## Selection",
        f"Method `{spec.method}`{settings(spec)}; {'; '.join(limits(spec))}; "
        f"ties by a hash of seed {spec.seed} and id.",
        *(f"{note[0].upper()}{note[1:]}." for note in made.notes),
        "Under these constraints no other items have a larger sum of scores."
        if made.gap == 0
        else f"The sum of scores may be {made.gap:.2%} below the best possible one under these constraints.",
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
    parts += blindness(d)
    return "\n\n".join(parts)


def settings(spec: Selecting) -> str:
    """What a method is told beside the constraints, as text that follows its name."""
    told = spec.model_dump(mode="json", exclude=set(Quotas.model_fields) | {"method"})
    return f" ({', '.join(f'{name} {value}' for name, value in told.items())})" if told else ""


def limits(spec: Quotas) -> list[str]:
    """The constraints, each in words."""
    found = [f"at most {spec.max_per_video} per video" if spec.max_per_video else "no limit per video"]
    if spec.max_budget is not None:
        found.append(f"at most {spec.max_budget:,.0f} seconds of video")
    found += [f"{least:.0%} to {most:.0%} from {name}" for name, (least, most) in (spec.source_mix or {}).items()]
    return [*found, "item-rest correlation above 0"] if spec.item_rest_gate else found


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


def _truth(d: Decisions, i: int) -> str:
    truth = d.categorized[i].item.truth
    if truth is None:
        return "not known"
    return f"flaw: {truth.flaw}" if truth.flaw else f"needs {truth.needs}"

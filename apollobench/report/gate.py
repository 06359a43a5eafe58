"""Is a candidate worse than a baseline? A decision on the items that both answered, for continuous integration.

A regression is a loss beyond the margin that chance does not explain: the clustered interval of candidate - baseline
lies wholly below -margin. The exact McNemar test, which takes items as independent, is stated beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apollobench.errors import InputError
from apollobench.evaluate.results import Result, Sample, read_results
from apollobench.report.tables import markdown_table, percent, with_interval
from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate
from apollobench.stats.paired import Discordance, clustered_paired_difference, holm, mcnemar_exact
from apollobench.types import Mode, Status

Pair = tuple[Sample, Sample]


@dataclass(frozen=True, slots=True)
class Change:
    """What changed on a set of items: accuracies on it, candidate - baseline with its interval, McNemar's counts."""

    baseline: float
    candidate: float
    difference: Estimate
    discordance: Discordance


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a gate. only_baseline, only_candidate: items that one of the two alone answered.

    categories: the change in each, for reading only; adjusted: their McNemar p-values after Holm. alpha: what the
    gate may err; night: which of a baseline's nights this is, where alpha is for all of them together.
    """

    baseline: str
    candidate: str
    mode: Mode
    margin: float
    overall: Change
    categories: Mapping[str, Change]
    adjusted: Mapping[str, float]
    only_baseline: int
    only_candidate: int
    alpha: float
    night: int | None = None

    @property
    def regressed(self) -> bool:
        return self.overall.difference.high < -self.margin

    @property
    def exit_code(self) -> int:
        return 1 if self.regressed else 0


def gate(
    baseline: Path,
    candidate: Path,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    mode: Mode = Mode.VIDEO,
    allow_errors: bool = False,
) -> Verdict:
    """Compares two results of `apollobench eval` in `mode`. margin: accuracy that may be lost (0.02 is two points).

    alpha: 1 - level of the two-sided interval. Raises InputError for results that cannot be compared: absent, damaged,
    partial, with errors (unless allowed), of different benchmarks or prompts, or with fewer than two shared videos.
    """
    if not (0 <= margin < 1 and 0 < alpha < 1):
        raise InputError(f"margin {margin} and alpha {alpha}: expected 0 <= margin < 1 and 0 < alpha < 1")
    results = read_results(baseline), read_results(candidate)
    for result in results:
        _check_complete(result, mode, allow_errors)
    _check_alike(*results)
    first, second = (_answered(result, mode) for result in results)
    pairs = [(first[item], second[item]) for item in first if item in second]
    if len({sample.video for sample, _ in pairs}) < 2:
        raise InputError(
            f"{baseline} and {candidate} share {len(pairs)} answered items in {mode} mode, of fewer than two videos; "
            "nothing can be decided on them"
        )
    names = dict.fromkeys(sample.category for sample, _ in pairs if sample.category is not None)
    categories = {name: _change([pair for pair in pairs if pair[0].category == name], alpha) for name in names}
    adjusted = holm([change.discordance.p for change in categories.values()])
    return Verdict(
        baseline=_label(results[0]),
        candidate=_label(results[1]),
        mode=mode,
        margin=margin,
        overall=_change(pairs, alpha),
        categories=categories,
        adjusted=dict(zip(categories, adjusted, strict=True)),
        only_baseline=len(first) - len(pairs),
        only_candidate=len(second) - len(pairs),
        alpha=alpha,
    )


def verdict_markdown(verdict: Verdict) -> str:
    """The verdict for a person: what was decided, on what, and where the change lies."""
    overall = verdict.overall
    n, videos = overall.difference.n, overall.difference.clusters
    rows = [_row("all", overall, overall.discordance.p)]
    rows += [_row(name, change, verdict.adjusted[name]) for name, change in verdict.categories.items()]
    head = ["items", "n", "baseline", "candidate", "change", "gained", "lost", "McNemar p"]
    level = f"{100 * overall.difference.level:.6g} %"
    left_out = f"{verdict.only_baseline} only in the baseline, {verdict.only_candidate} only in the candidate"
    return "\n".join(
        [
            f"## Gate: {'regression' if verdict.regressed else 'no regression'}",
            "",
            f"Candidate {verdict.candidate} against baseline {verdict.baseline}, {verdict.mode} mode: "
            f"{with_interval(overall.difference, signed=True)} points on {n} shared items of {videos} videos.",
            f"It fails when the whole {level} interval shows a loss of more than {percent(verdict.margin)} points."
            f"{_nights(verdict)}",
            "",
            markdown_table(head, rows),
            "",
            f"Accuracies in percent; intervals {level}, paired and clustered by video. McNemar's test is exact and "
            "takes items as independent; over the categories its p-values are adjusted by Holm. "
            f"Left out: {left_out}.",
        ]
    )


def _nights(verdict: Verdict) -> str:
    if verdict.night is None:
        return ""
    return (
        f" Night {verdict.night} of this baseline: over all its nights together a false alarm is at most "
        f"{verdict.alpha:.2%} likely, so that each night's interval is wider than the last."
    )


def _row(name: str, change: Change, p: float) -> list[str]:
    return [
        name,
        str(change.difference.n),
        percent(change.baseline),
        percent(change.candidate),
        with_interval(change.difference, signed=True),
        str(change.discordance.gained),
        str(change.discordance.lost),
        f"{p:.3g}",
    ]


def _change(pairs: Sequence[Pair], alpha: float) -> Change:
    first = [float(before.acc or 0.0) for before, _ in pairs]
    second = [float(after.acc or 0.0) for _, after in pairs]
    clusters = partition([before.video for before, _ in pairs])
    return Change(
        sum(first) / len(first),
        sum(second) / len(second),
        clustered_paired_difference(first, second, clusters, 1 - alpha),
        mcnemar_exact(first, second),
    )


def _answered(result: Result, mode: Mode) -> dict[str, Sample]:
    return {sample.item: sample for sample in result.samples if sample.mode is mode and sample.acc is not None}


def _label(result: Result) -> str:
    return f"{result.model} ({result.directory})"


def _check_complete(result: Result, mode: Mode, allow_errors: bool) -> None:
    if result.ours["partial"]:
        raise InputError(
            f"{result.directory}: a partial result ({result.ours['items']} of {result.ours['size']} items, "
            f"{result.ours['missing']} responses missing); evaluate all items, without --limit"
        )
    modes = sorted({sample.mode for sample in result.samples})
    if mode not in modes:
        raise InputError(f"{result.directory}: no {mode} mode in this result; it has {', '.join(modes)}")
    failed = sum(sample.mode is mode and sample.status is Status.ERROR for sample in result.samples)
    if failed and not allow_errors:
        raise InputError(
            f"{result.directory}: {failed} items ended with an error in {mode} mode; run `apollobench eval` again to "
            "mend them, or leave them out with --allow-errors"
        )


def _check_alike(baseline: Result, candidate: Result) -> None:
    for field, meaning in (
        ("benchmark", "made on another benchmark"),
        ("items_digest", "made on other items or other answer keys"),
        ("prompt_version", "made with another prompt"),
    ):
        first: Any = baseline.ours[field]
        second: Any = candidate.ours[field]
        if first != second:
            raise InputError(
                f"{candidate.directory} was {meaning} than {baseline.directory} ({field} {second} against {first}); "
                "evaluate both on the same benchmark"
            )

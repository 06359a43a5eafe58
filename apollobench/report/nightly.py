"""The gate, every night: with a history of decisions, a false alarm in all nights is no likelier than in one.

Each night of one baseline and mode spends its part of alpha (`stats.sequential`). The same candidate again is the same
night, and spends nothing. A new baseline begins anew, with all of alpha.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter

from apollobench.errors import InputError
from apollobench.evaluate.results import read_results
from apollobench.jsonfile import lines, load_object
from apollobench.report.gate import Verdict, gate
from apollobench.stats.sequential import nightly_alpha
from apollobench.types import Mode


@dataclass(frozen=True, slots=True)
class Night:
    """One line of the history. baseline, candidate: SHA-256 of their samples. alpha: for all nights; spent: by this
    one. difference, low, high: candidate - baseline, with the interval at level 1 - spent."""

    night: int
    baseline: str
    candidate: str
    mode: str
    margin: float
    alpha: float
    spent: float
    difference: float
    low: float
    high: float
    regressed: bool


NIGHT = TypeAdapter(Night)


def gate_tonight(
    baseline: Path,
    candidate: Path,
    history: Path,
    *,
    margin: float = 0.0,
    alpha: float = 0.05,
    mode: Mode = Mode.VIDEO,
    allow_errors: bool = False,
) -> Verdict:
    """`gate` at tonight's share of alpha, noted in `history`, a file that need not exist yet.

    The probability that any night ever fails a candidate that has lost no more than the margin is at most alpha.
    Raises InputError as `gate` does, for a damaged history, and where nights of this baseline had another alpha or
    margin, under which the promise was made.
    """
    sums = {path: str(read_results(path).ours["samples_sha256"]) for path in (baseline, candidate)}
    before = [n for n in read_history(history) if (n.baseline, n.mode) == (sums[baseline], mode)]
    for night in before:
        if (night.alpha, night.margin) != (alpha, margin):
            raise InputError(
                f"{history}: night {night.night} of this baseline had alpha {night.alpha} and margin {night.margin}, "
                f"now they are {alpha} and {margin}; keep them, or begin another history"
            )
    again = next((n for n in before if n.candidate == sums[candidate]), None)
    number = again.night if again else 1 + max((n.night for n in before), default=0)
    spent = nightly_alpha(alpha, number)
    verdict = gate(baseline, candidate, margin=margin, alpha=spent, mode=mode, allow_errors=allow_errors)
    if again is None:
        change = verdict.overall.difference
        _append(
            history,
            Night(
                number, sums[baseline], sums[candidate], str(mode), margin, alpha, spent,
                change.value, change.low, change.high, verdict.regressed,
            ),
        )  # fmt: skip
    return replace(verdict, night=number, alpha=alpha)


def read_history(path: Path) -> list[Night]:
    """The nights in a history, of all baselines; none where there is no file. Raises InputError for a damaged line."""
    if not path.exists():
        return []
    nights = []
    for number, line in lines(path):
        try:
            nights.append(NIGHT.validate_python(load_object(line)))
        except ValueError as error:
            raise InputError(
                f"{path}, line {number}: not a line of a gate's history ({error}); restore the file, or begin another"
            ) from error
    return nights


def _append(path: Path, night: Night) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(night)) + "\n")
        file.flush()
        os.fsync(file.fileno())

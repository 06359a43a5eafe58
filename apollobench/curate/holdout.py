"""Held-out validation of selections: what one half of the model families chose, judged by the other half.

For every split, each method selects from the whole pool on the answers of the training families alone, and whatever it
tunes it tunes on those. Then the held-out models are ranked by their accuracy on the items chosen and on the pool.
Random subsets of the same size are judged on the same splits, so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from apollobench.curate.candidates import Candidates
from apollobench.curate.matrix import Matrix
from apollobench.curate.oddities import oddities
from apollobench.curate.rankers import RANKERS
from apollobench.curate.select import Selection, select
from apollobench.errors import InputError
from apollobench.recipe.select import Selecting
from apollobench.stats.agreement import kendall_taus
from apollobench.stats.clusters import Floats
from apollobench.stats.interval import Estimate
from apollobench.stats.splits import Split, family_halves, resampled_mean
from apollobench.types import Mode

BASELINE = "random"
SETTINGS: dict[str, dict[str, Any]] = {
    "information": {"model": "rasch"},
    "apollo+": {"shares": (0.5, 0.25, 0.1, 0.0), "splits": 20, "caution": 0.5},
}
LEAST_PER_SIDE = 3
MOST_OF_POOL = 0.85
NO_CATEGORY = "(none)"


@dataclass(frozen=True, slots=True)
class Trial:
    """One method at one size on one split: the mean over its repeats, which differ in how ties fall.

    tau: Kendall's tau-b of the held-out models' accuracies on subset and pool. inside: the same of the training models.
    error: mean absolute error of the held-out models' accuracy on the pool, as the method estimates it from the subset.
    refused: why the method would not select, else empty; then the numbers are nan. notes: what the method told.
    """

    method: str
    size: int
    split: int
    tau: float
    inside: float
    error: float
    refused: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """A method at a size over the splits where it selected. low, high: middle 95 % of its tau over splits.

    gain: tau minus that of random subsets on the same splits, with the corrected resampled interval. optimism: mean of
    inside - tau, minus the same of random subsets, which chose nothing: what its own panel flatters it by.
    """

    method: str
    size: int
    splits: int
    tau: float
    low: float
    high: float
    gain: Estimate | None
    inside: float
    optimism: float
    error: float
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What validation found. told: how the matrix was cleaned. single: per size, the middle 95 % of tau of one random
    subset. held_out_share: held-out over training models, on average over splits.
    """

    models: int
    families: int
    items: int
    splits: int
    held_out_share: float
    told: tuple[str, ...]
    trials: tuple[Trial, ...]
    single: dict[int, tuple[float, float]]


def clean(matrix: Matrix) -> tuple[Matrix, tuple[str, ...]]:
    """The matrix without what would say nothing, and in words what is odd about it and what was left out.

    Left out: models without an answer, models that answered exactly as an earlier one, items without an answer. What
    else is odd stays in: an accuracy is over what a model answered, items without a category form one of their own.
    """
    told = oddities(matrix)
    if set(matrix.families) == set(matrix.models):
        told.append("every model is a family of its own; where some are related, selections look better than they are")
    _, first = np.unique(matrix.scores, axis=0, return_index=True)
    rows = np.array([row for row in sorted(first.tolist()) if (matrix.scores[row] >= 0).any()], dtype=np.intp)
    kept = matrix.of(rows)
    seen = np.flatnonzero((kept.scores >= 0).any(axis=0))
    models, items = len(matrix.models) - len(rows), len(matrix.ids) - len(seen)
    if models:
        told.append(f"left out for that: {models} models")
    if items:
        told.append(f"left out for want of an answer: {items:,} items")
    return kept.at(seen), tuple(told)


def held_out(
    matrix: Matrix,
    methods: Sequence[str],
    sizes: Sequence[int],
    *,
    folds: int,
    draws: int,
    repeats: int,
    seed: int,
    item_rest_gate: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> HeldOut:
    """Validates `methods` at `sizes` on up to `folds` splits of the families, beside `draws` random subsets on each.

    repeats: selections by each method on each split, each with a seed of its own; their mean counts.
    Categories keep their shares of the pool. Raises InputError for an unknown method, for families that cannot be
    split into halves of three models or more, and when no size is at most 85 % of the pool.
    """
    _check_methods(methods)
    kept, told = clean(matrix)
    splits = family_halves(kept.families, folds, LEAST_PER_SIDE, seed)
    if not splits:
        raise InputError(
            f"{len(kept.models)} models in {len(set(kept.families))} families cannot be split into two halves with "
            f"{LEAST_PER_SIDE} models or more on either side; validation needs more families, or "
            f"--split_by model, which lets relatives stand on both sides"
        )
    fitting = [size for size in sorted(set(sizes)) if size <= MOST_OF_POOL * len(kept.ids)]
    if not fitting:
        raise InputError(f"the pool has {len(kept.ids):,} items; ask for sizes of at most {MOST_OF_POOL:.0%} of that")
    trials: list[Trial] = []
    singles: dict[int, list[Floats]] = {size: [] for size in fitting}
    for number, split in enumerate(splits):
        progress(f"split {number + 1} of {len(splits)}")
        judge = Judge(kept, split)
        for size in fitting:
            baseline, taus = judge.random(number, size, draws, np.random.default_rng([seed, number, size]))
            trials.append(baseline)
            singles[size].append(taus)
            for method in methods:
                if method != BASELINE:
                    seeds = range(seed + repeats * number, seed + repeats * (number + 1))
                    trials.append(judge.method(number, method, size, seeds, item_rest_gate))
    return HeldOut(
        models=len(kept.models),
        families=len(set(kept.families)),
        items=len(kept.ids),
        splits=len(splits),
        held_out_share=float(np.mean([len(out) / len(training) for training, out in splits])),
        told=told,
        trials=tuple(trials),
        single={size: _middle(np.concatenate(taus)) for size, taus in singles.items()},
    )


def summaries(found: HeldOut) -> list[Summary]:
    """One row per method and size, in the order in which they were tried."""
    groups: dict[tuple[str, int], list[Trial]] = {}
    for trial in found.trials:
        groups.setdefault((trial.method, trial.size), []).append(trial)
    baseline = {(trial.size, trial.split): trial for trial in found.trials if trial.method == BASELINE}
    return [_summary(method, size, trials, baseline, found) for (method, size), trials in groups.items()]


def spec_for(method: str, size: int, seed: int, item_rest_gate: bool) -> Selecting:
    """A selection of `size` by a method, with the categories' own shares, no other constraint and default settings."""
    told = {
        "method": method,
        "mode": Mode.VIDEO,
        "size": size,
        "quotas": "proportional",
        "max_per_video": None,
        "max_budget": None,
        "source_mix": None,
        "item_rest_gate": item_rest_gate,
        "when_short": "take_all",
        "tie_break": "hash",
        "seed": seed,
        **SETTINGS.get(method, {}),
    }
    if method == BASELINE:
        del told["mode"]
    spec: Selecting = TypeAdapter(Selecting).validate_python(told)
    return spec


class Judge:
    """One split of a matrix: selects on the training rows, judges on the held-out ones."""

    def __init__(self, matrix: Matrix, split: Split) -> None:
        training, out = split
        self.scores, self.training, self.out = matrix.scores, training, out
        names = [name or NO_CATEGORY for name in matrix.categories] if any(matrix.categories) else ["all"]
        categories, codes = np.unique(names, return_inverse=True)
        self.candidates = Candidates(
            ids=matrix.ids,
            category=np.broadcast_to(codes, len(matrix.ids)),
            video=matrix.videos.codes,
            scores=matrix.scores[training],
            families=tuple(matrix.families[i] for i in training),
            categories=tuple(str(name) for name in categories),
        )
        self.right = (matrix.scores > 0).astype(np.float32)
        self.voted = (matrix.scores >= 0).astype(np.float32)
        self.full = self.right.sum(axis=1, dtype=np.float64) / self.voted.sum(axis=1, dtype=np.float64)

    def random(self, number: int, size: int, draws: int, rng: np.random.Generator) -> tuple[Trial, Floats]:
        """The mean over random subsets, and the held-out tau of each."""
        inside = np.zeros((draws, self.right.shape[1]), dtype=np.float32)
        for row in inside:
            row[rng.choice(inside.shape[1], size, replace=False)] = 1
        shares = self.shares(inside)
        taus = kendall_taus(shares[:, self.out], self.full[self.out])
        trained = kendall_taus(shares[:, self.training], self.full[self.training])
        error = np.abs(shares[:, self.out] - self.full[self.out])
        return Trial(BASELINE, size, number, _mean(taus), _mean(trained), _mean(error)), taus

    def method(self, number: int, method: str, size: int, seeds: Iterable[int], gate: bool) -> Trial:
        """What the method selects with each seed, or why it refuses."""
        rows: list[list[float]] = []
        notes: tuple[str, ...] = ()
        for seed in seeds:
            try:
                selection = select(self.candidates, spec_for(method, size, seed, gate))
            except InputError as why:
                return Trial(method, size, number, np.nan, np.nan, np.nan, refused=str(why))
            inside = np.zeros((1, self.right.shape[1]), dtype=np.float32)
            inside[0, selection.chosen] = 1
            shares = self.shares(inside)
            taus = [float(kendall_taus(shares[:, half], self.full[half])[0]) for half in (self.out, self.training)]
            missed = np.abs(self._estimate(selection, shares[0]) - self.full[self.out])
            rows.append([*taus, float(missed.mean())])
            notes = selection.notes
        tau, trained, error = (_mean(column) for column in np.array(rows).T)
        return Trial(method, size, number, tau, trained, error, notes=notes)

    def shares(self, inside: NDArray[np.float32]) -> Floats:
        """Accuracy [draws, models] over the items that `inside` [draws, items] marks; that on the pool without any."""
        right, voted = inside @ self.right.T, inside @ self.voted.T
        return np.asarray(np.where(voted > 0, right / np.maximum(voted, 1), self.full), dtype=np.float64)

    def _estimate(self, selection: Selection, share: Floats) -> Floats:
        """The held-out models' accuracy on the pool: what they reach on the subset, or that on the training's line.

        A method that leaves easy and hard items their shares needs no line. The line is the least squares fit of the
        training models' accuracy on the pool to that on the subset.
        """
        if selection.representative:
            return share[self.out]
        slope, intercept = line(share[self.training], self.full[self.training])
        return np.clip(intercept + slope * share[self.out], 0, 1)


def line(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and intercept of the least squares line; through the means with slope 1 where x does not vary."""
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ (y - y.mean())) / spread if spread > 1e-12 else 1.0
    return slope, float(y.mean() - slope * x.mean())


def _summary(
    method: str, size: int, trials: Sequence[Trial], baseline: dict[tuple[int, int], Trial], found: HeldOut
) -> Summary:
    done = [trial for trial in trials if not trial.refused and not np.isnan(trial.tau)]
    refused = tuple(dict.fromkeys(trial.refused for trial in trials if trial.refused))
    if not done:
        return Summary(method, size, 0, np.nan, np.nan, np.nan, None, np.nan, np.nan, np.nan, refused)
    taus = np.array([trial.tau for trial in done])
    random = [baseline[size, trial.split] for trial in done]
    gains = taus - [trial.tau for trial in random]
    flattery = [(own.inside - own.tau) - (other.inside - other.tau) for own, other in zip(done, random, strict=True)]
    low, high = _middle(taus)
    return Summary(
        method=method,
        size=size,
        splits=len(done),
        tau=_mean(taus),
        low=low,
        high=high,
        gain=None if method == BASELINE else resampled_mean(gains, found.held_out_share),
        inside=_mean(np.array([trial.inside for trial in done])),
        optimism=_mean(np.array(flattery)),
        error=_mean(np.array([trial.error for trial in done])),
        refused=refused,
    )


def _check_methods(methods: Sequence[str]) -> None:
    strange = next((method for method in methods if method not in RANKERS), None)
    if strange is not None:
        raise InputError(f"no selection method {strange!r}; there are {', '.join(sorted(RANKERS))}")


def _mean(values: Floats) -> float:
    """Mean of what is known, nan without any."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else np.nan


def _middle(values: Floats) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    low, high = np.quantile(known, [0.025, 0.975]) if known.size else (np.nan, np.nan)
    return float(low), float(high)

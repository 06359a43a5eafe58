"""Examines a finished curation on what took no part in it: known truths, and models that did not vote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import NO_VOTE, RIGHT, Answers, Bools, Codes
from apollobench.curate.candidates import Candidates
from apollobench.curate.categorize import Categorized
from apollobench.curate.select import select
from apollobench.recipe import Validation
from apollobench.recipe.select import Quotas, RandomSelection, Selecting
from apollobench.stats.agreement import kendall_tau
from apollobench.stats.clusters import Floats, Partition, partition
from apollobench.stats.interval import Estimate, clustered_mean, clustered_proportion, within
from apollobench.types import Item, Mode

NEEDS_NO_VIDEO = ("nothing", "frame")
Positions = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class FilterScore:
    """The filter against known truth. An item should be dropped when it needs nothing, or the center frame alone.

    precision: of the dropped sound items, the share that should be. recall: of the sound items that should be, the
    share that is; None where there is none to divide by. needs, flaws: (dropped, all) of the sound items per need, and
    of the flawed ones per flaw; flawed items enter neither precision nor recall, since no filter by panel is asked to
    find them.
    """

    precision: Estimate | None
    recall: Estimate | None
    needs: Mapping[str, tuple[int, int]]
    flaws: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Kendall's tau-b between the models' accuracies on a subset and on the full pool, in video mode.

    low, high: percentile interval over resampled videos. undefined: share of resamples without a ranking (all tied).
    random_mean, random_low, random_high: the same tau for random subsets of equal quotas drawn from the survivors.
    """

    models: tuple[str, ...]
    tau: float
    low: float
    high: float
    undefined: float
    random_mean: float
    random_low: float
    random_high: float


@dataclass(frozen=True, slots=True)
class ModeAccuracy:
    """Mean accuracy of models in a mode on a set of items, clustered by video. chance: the mean of 1 / options."""

    items: str
    mode: Mode
    chance: float
    accuracy: Estimate


def score_filter(items: Sequence[Item], dropped: Sequence[bool], level: float) -> FilterScore | None:
    """The filter's precision and recall; None where the pool's truth is not known."""
    known = [(item, drop) for item, drop in zip(items, dropped, strict=True) if item.truth is not None]
    if not known:
        return None
    sound = [(item, drop) for item, drop in known if item.truth and not item.truth.flaw]
    should = [(item, item.truth.needs in NEEDS_NO_VIDEO, drop) for item, drop in sound if item.truth]
    return FilterScore(
        precision=_share([(item, positive) for item, positive, drop in should if drop], level),
        recall=_share([(item, drop) for item, positive, drop in should if positive], level),
        needs=_counts([(item.truth.needs, drop) for item, drop in sound if item.truth]),
        flaws=_counts([(item.truth.flaw, drop) for item, drop in known if item.truth and item.truth.flaw]),
    )


def score_categories(before: Sequence[Item], after: Sequence[Categorized], level: float) -> Estimate | None:
    """Share of items put into the category their source says they are of; None where no source says."""
    pairs = [(b, b.category == a.item.category) for b, a in zip(before, after, strict=True) if b.category is not None]
    return _share(pairs, level)


def rank_agreement(
    answers: Answers,
    candidates: Candidates,
    positions: Positions,
    chosen: Positions,
    select_spec: Selecting,
    spec: Validation,
) -> Agreement | None:
    """How well the selection ranks `answers.models` as the full pool does; None for fewer than two models.

    answers: on the full pool. positions: where the candidates (the survivors) stand in it. chosen: into candidates.
    """
    if len(answers.models) < 2:
        return None
    scores, videos = answers.scores(Mode.VIDEO), answers.videos
    right, voted = _by_video(scores, videos, np.arange(len(answers.items)))
    inside, inside_voted = _by_video(scores, videos, positions[chosen])
    rng = np.random.default_rng(spec.seed)
    count = right.shape[1]
    times = rng.multinomial(count, np.full(count, 1 / count), size=spec.bootstrap).astype(np.float64)
    draws = [
        _tau(subset, pool)
        for subset, pool in zip(_shares(inside, inside_voted, times), _shares(right, voted, times), strict=True)
    ]
    full = _overall(right, voted)
    random = [
        _tau(_overall(*_by_video(scores, videos, positions[subset])), full)
        for subset in _random_subsets(candidates, select_spec, spec)
    ]
    low, high = _quantiles(draws, spec.confidence)
    random_low, random_high = _quantiles(random, spec.confidence)
    return Agreement(
        models=answers.models,
        tau=_tau(_overall(inside, inside_voted), full),
        low=low,
        high=high,
        undefined=float(np.isnan(draws).mean()),
        random_mean=float(np.nanmean(random)) if not np.isnan(random).all() else np.nan,
        random_low=random_low,
        random_high=random_high,
    )


def mode_accuracies(answers: Answers, sets: Mapping[str, Bools], level: float) -> list[ModeAccuracy]:
    """Accuracy in every mode on every named set of items; a set or mode without a vote is left out."""
    found = []
    for name, mask in sets.items():
        part = answers.at(mask)
        for mode in part.modes:
            scores = part.scores(mode)
            voted = (scores != NO_VOTE).sum(axis=0)
            seen = np.flatnonzero(voted)
            if not seen.size:
                continue
            videos = partition([part.items[i].video.id for i in seen])
            mean = within(clustered_mean((scores == RIGHT).sum(axis=0)[seen] / voted[seen], videos, level), 0, 1)
            found.append(ModeAccuracy(name, mode, float(part.chance[seen].mean()), mean))
    return found


def _share(pairs: Sequence[tuple[Item, bool]], level: float) -> Estimate | None:
    if not pairs:
        return None
    videos = partition([item.video.id for item, _ in pairs])
    return clustered_proportion([float(yes) for _, yes in pairs], videos, level)


def _counts(pairs: Sequence[tuple[str, bool]]) -> dict[str, tuple[int, int]]:
    names = sorted({name for name, _ in pairs})
    return {n: (sum(yes for name, yes in pairs if name == n), sum(name == n for name, _ in pairs)) for n in names}


def _random_subsets(candidates: Candidates, like: Selecting, spec: Validation) -> list[Positions]:
    quotas = like.model_dump(include=set(Quotas.model_fields) - {"seed", "when_short", "item_rest_gate"})
    return [
        select(
            candidates,
            RandomSelection(
                method="random", when_short="take_all", item_rest_gate=False, seed=spec.seed + draw, **quotas
            ),
        ).chosen
        for draw in range(1, spec.random_subsets + 1)
    ]


def _by_video(scores: Codes, videos: Partition, positions: Positions) -> tuple[Floats, Floats]:
    """Right answers and votes [models, videos of the pool] over the items at `positions` of a score matrix."""
    codes = videos.codes[positions]
    right = [np.bincount(codes, row == RIGHT, videos.count) for row in scores[:, positions]]
    voted = [np.bincount(codes, row != NO_VOTE, videos.count) for row in scores[:, positions]]
    return np.array(right, dtype=np.float64), np.array(voted, dtype=np.float64)


def _overall(right: Floats, voted: Floats) -> Floats:
    return _shares(right, voted, np.ones((1, right.shape[1]))).ravel()


def _shares(right: Floats, voted: Floats, times: Floats) -> Floats:
    """Accuracy per model [draws, models] when video v counts `times`[draw, v] times; nan for a model without votes."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Floats = np.divide(times @ right.T, times @ voted.T)
    return shares


def _tau(first: Floats, second: Floats) -> float:
    known = ~(np.isnan(first) | np.isnan(second))
    return kendall_tau(first[known], second[known]) if known.sum() >= 2 else np.nan


def _quantiles(values: Sequence[float], level: float) -> tuple[float, float]:
    known = np.array(values)[~np.isnan(values)]
    if not known.size:
        return np.nan, np.nan
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)

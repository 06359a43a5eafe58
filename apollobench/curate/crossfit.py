"""What a curation owes to each family of its panel: everything again without it, one family after the other.

`cross_fit` asks the family that was left out how blind the kept items are, which no voter can tell; `jackknife` asks
which items would be kept and selected without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apollobench.curate.answers import NO_VOTE, RIGHT, Bools
from apollobench.curate.filter import Ballots, judge
from apollobench.curate.matrix import Matrix
from apollobench.recipe.filter import FilterSpec
from apollobench.stats.clusters import partition
from apollobench.stats.interval import Estimate, clustered_macro
from apollobench.types import Mode


@dataclass(frozen=True, slots=True)
class CrossFit:
    """Blind accuracy on items kept by the votes of all other families, averaged over the families left out.

    left_out: whom, in turn. kept: items kept without each. chance: mean of 1 / options over the same items. accuracy:
    with its interval over videos; these families are given.
    """

    mode: Mode
    left_out: tuple[str, ...]
    kept: tuple[int, ...]
    chance: float
    accuracy: Estimate


def left_out(models: Sequence[str], families: Sequence[str]) -> dict[str, Bools]:
    """Whom to leave out in turn, as masks of those who go: each family, or each model where all are of one family."""
    names = families if len(set(families)) > 1 else models
    labels = np.array(names)
    return {name: labels == name for name in dict.fromkeys(names)} if len(models) > 1 else {}


def lowered(spec: FilterSpec, models: int) -> FilterSpec:
    """The filter for fewer models: `min_votes` at most as many as there are."""
    return spec.model_copy(update={"min_votes": max(1, min(spec.min_votes, models))})


def cross_fit(votes: Ballots, spec: FilterSpec, level: float = 0.95) -> list[CrossFit]:
    """The unbiased blind accuracy of what the filter keeps, where no model was held out; nothing for one model.

    Each panel is short of a family, so what is measured is a filter that is a little weaker than the real one. Where
    all models are of one family each is left out by itself, and its kin still voted.
    """
    first = votes[spec.modes[0]]
    keeps: dict[str, tuple[Bools, Bools]] = {}
    for name, gone in left_out(first.models, first.families).items():
        rest = {mode: matrix.of(~gone) for mode, matrix in votes.items()}
        verdicts = judge(rest, lowered(spec, int((~gone).sum())))
        keeps[name] = (gone, np.array([verdict.keep for verdict in verdicts]))
    found = (_cross_fitted(mode, votes[mode], keeps, level) for mode in spec.modes)
    return [fit for fit in found if fit is not None]


def _cross_fitted(mode: Mode, votes: Matrix, keeps: dict[str, tuple[Bools, Bools]], level: float) -> CrossFit | None:
    names, values, labels, videos, chances, kept = [], [], [], [], [], []
    for name, (gone, keep) in keeps.items():
        scores = votes.scores[gone]
        voted = (scores != NO_VOTE).sum(axis=0)
        seen = keep & (voted > 0)
        if not seen.any():
            continue
        names.append(name)
        kept.append(int(keep.sum()))
        values.append((scores == RIGHT).sum(axis=0)[seen] / voted[seen])
        labels += [name] * int(seen.sum())
        videos.append(votes.videos.codes[seen])
        chances.append(float(votes.chance[seen].mean()))
    if not names:
        return None
    clusters = partition([int(code) for code in np.concatenate(videos)])
    accuracy = clustered_macro(np.concatenate(values), labels, clusters, level)
    return CrossFit(mode, tuple(names), tuple(kept), float(np.mean(chances)), accuracy)

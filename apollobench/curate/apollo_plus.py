"""The recommended selection: items that tell the panel's models apart, as sharply as held-out families confirm.

Each item is scored by the covariance of its answers with the models' accuracy on the pool. Of each category the best
share is kept, and the quota spread evenly over difficulty within it. A small share measures sharply, but leans on what
may be true of this panel alone (its relatives, its habits of guessing); a share of 1 is a stratified sample. So the
share is not set: for many splits of the panel's families into halves, one half scores the items, and the share is taken
that is expected to rank the other half best. docs/selection.md shows what that is worth, and where it fails.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.answers import Codes, tally
from apollobench.curate.candidates import Candidates, members, quota_per_category, tie_keys
from apollobench.curate.rankers import Ranking, difficulty, ranker, spread_over_difficulty
from apollobench.recipe.select import ApolloPlusSelection
from apollobench.stats.agreement import expected_concordance
from apollobench.stats.clusters import Floats
from apollobench.stats.items import accuracy_covariance
from apollobench.stats.splits import Split, family_halves

ALL = 1.0
MOST_ITEMS, MOST_ANSWERS = 10_000, 4_000_000
LEAST_PER_SIDE = 2


@ranker("apollo+")
def apollo_plus(candidates: Candidates, spec: ApolloPlusSelection) -> Ranking:
    """Items of the kept share score in (1, 2], by their spread over difficulty; the others in [0, 1), by covariance."""
    quotas = quota_per_category(spec, candidates)
    wanted = np.array([quotas.get(name, 0) for name in candidates.categories], dtype=np.float64)
    share, note = choose_share(candidates, spec, wanted)
    covariance = _covariance(candidates.scores)
    kept = np.zeros(len(candidates.ids), dtype=np.bool_)
    kept[np.concatenate(_best(candidates, covariance, spec.seed, share, wanted))] = True
    right, voted = tally(candidates.scores)
    spread = spread_over_difficulty(candidates, kept, difficulty(right, voted), spec.seed)
    behind = np.searchsorted(np.sort(covariance), covariance) / len(covariance)
    return Ranking(np.where(kept, 1 + spread, np.where(voted > 0, behind, np.nan)), (note,), share == ALL)


def choose_share(candidates: Candidates, spec: ApolloPlusSelection, wanted: Floats) -> tuple[float, str]:
    """The share of each category to choose from, and in words how it was found. wanted [categories]: the quotas."""
    splits = family_halves(candidates.families, spec.splits, LEAST_PER_SIDE, spec.seed)
    if not splits:
        return ALL, "share kept: 1, since the panel's families cannot be split into halves of two models or more"
    tried = [ALL, *sorted({share for share in spec.shares if share < ALL}, reverse=True)]
    sample = _sample(candidates, spec.seed)
    scale = len(sample.ids) / len(candidates.ids)
    agreement = np.array([_agreements(sample, split, spec.seed, tried, wanted, scale) for split in splits])
    gains = agreement - agreement[:, :1]
    mean, spread = gains.mean(axis=0), gains.std(axis=0)
    best = int(np.argmax(mean - spec.caution * spread))
    told = f"on held-out models, over {len(splits)} splits of {len(set(candidates.families))} families"
    if not best:
        return ALL, f"share kept: 1; no smaller one is surely better {told}"
    gain = f"{100 * mean[best]:+.1f} points of expected pairs in order, standard deviation {100 * spread[best]:.1f}"
    return tried[best], f"share kept: {tried[best]:g} of each category, or its quota ({gain}, {told})"


def _agreements(
    sample: Candidates, split: Split, seed: int, shares: Sequence[float], wanted: Floats, scale: float
) -> list[float]:
    """Per share the expected concordance of the held-out models, when the training models chose what is drawn from."""
    training, held_out = split
    covariance = _covariance(sample.scores[training])
    answers = sample.scores[held_out]
    voted = np.maximum((answers >= 0).sum(axis=1, keepdims=True), 1)
    accuracy = (answers > 0).sum(axis=1, keepdims=True) / voted
    filled = np.where(answers >= 0, answers, accuracy).astype(np.float32)
    found = []
    for share in shares:
        groups = _best(sample, covariance, seed, share, wanted * scale)
        weights = np.repeat(wanted / [max(1, len(group)) for group in groups], [len(group) for group in groups])
        kept = np.concatenate(groups)
        of = len(kept) / scale
        size = min(float(wanted.sum()), of)
        found.append(expected_concordance(filled[:, kept], weights, accuracy.ravel(), size, of))
    return found


def _best(
    candidates: Candidates, covariance: Floats, seed: int, share: float, wanted: Floats
) -> list[NDArray[np.intp]]:
    """Of each category the `share` of rankable items with the highest covariance, but no fewer than its quota."""
    ties, best = tie_keys(candidates.ids, seed), []
    for positions, quota in zip(members(candidates, ~np.isnan(covariance)), wanted, strict=True):
        count = max(math.ceil(share * len(positions)), math.ceil(quota)) if quota else 0
        best.append(positions[np.lexsort((ties[positions], -covariance[positions]))[:count]])
    return best


def _covariance(scores: Codes) -> Floats:
    """Rounded, so that ties are ties."""
    return np.round(accuracy_covariance(scores), 9)


def _sample(candidates: Candidates, seed: int) -> Candidates:
    """The candidates, or of more than MOST_ITEMS items or MOST_ANSWERS answers that many by hash."""
    most = min(MOST_ITEMS, max(1, MOST_ANSWERS // len(candidates.scores)))
    if len(candidates.ids) <= most:
        return candidates
    chosen = np.sort(np.argsort(tie_keys(candidates.ids, seed), kind="stable")[:most])
    return Candidates(
        tuple(candidates.ids[i] for i in chosen),
        candidates.category[chosen],
        candidates.video[chosen],
        candidates.scores[:, chosen],
        candidates.families,
        candidates.categories,
    )

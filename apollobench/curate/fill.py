"""The best items by score under all constraints at once: quotas, items per video, budget, shares of sources.

Quotas alone are filled by sorting, which is exact. With more constraints it is an integer program: as many items as the
constraints allow, and of all such sets the one with the largest sum of scores. HiGHS solves it through scipy, and says
how far from the optimum it may be. Above EXACT_UP_TO candidates one pass from best to worst takes its place, with the
bound that quotas alone set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollobench.curate.candidates import Candidates
from apollobench.errors import InputError
from apollobench.recipe.select import Quotas
from apollobench.stats.clusters import Floats

EXACT_UP_TO = 20_000
SECONDS = 60.0
_TIE = 1e-6

Positions = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """chosen: positions, best first. gap: how far the sum of scores may be below the best possible, relative to it."""

    chosen: Positions
    gap: float


def fill(
    candidates: Candidates, score: Floats, ties: NDArray[np.uint64], wanted: Sequence[int], spec: Quotas
) -> Filled:
    """Items by `score` [items], nan for none; equal scores by `ties`. wanted: items per category.

    Raises InputError where no set of items meets the shares of the sources.
    """
    ranked = np.lexsort((ties, -score))
    ranked = ranked[~np.isnan(score[ranked])]
    if spec.max_per_video is None and spec.max_budget is None and spec.source_mix is None:
        return Filled(_first(candidates.category[ranked], wanted, ranked), 0.0)
    worth = _scaled(score, ranked)
    field = _undominated(candidates, ranked, wanted, spec)
    if len(field) <= EXACT_UP_TO:
        chosen, gap = _solve(candidates, field, worth, wanted, spec)
        place = np.empty(len(score), dtype=np.intp)
        place[ranked] = np.arange(len(ranked))
        return Filled(chosen[np.argsort(place[chosen])], gap)
    chosen = _greedy(candidates, ranked, wanted, spec)
    bound = worth[_first(candidates.category[ranked], wanted, ranked)].sum()
    return Filled(chosen, float(1 - worth[chosen].sum() / bound) if bound else 0.0)


def _first(category: Positions, wanted: Sequence[int], ranked: Positions) -> Positions:
    """Of the ranked positions the first ones of each category."""
    taken = [np.flatnonzero(category == number)[:count] for number, count in enumerate(wanted)]
    return ranked[np.sort(np.concatenate(taken))]


def _scaled(score: Floats, ranked: Positions) -> Floats:
    """Scores from 0 to 1, with a millionth between equal ones in the order of their ranks."""
    known = score[ranked]
    low, width = (float(known[-1]), float(np.ptp(known))) if len(known) else (0.0, 0.0)
    worth = (score - low) / width if width else np.where(np.isnan(score), np.nan, 1.0)
    worth[ranked] += _TIE * np.linspace(1, 0, len(ranked))
    return worth


def _undominated(candidates: Candidates, ranked: Positions, wanted: Sequence[int], spec: Quotas) -> Positions:
    """Without items that an optimal set need not look at: there are enough better ones of their kind.

    Two items are of one kind when category, video, source and cost are the same, as far as constraints ask for them, so
    that one can stand for the other.
    """
    limit = len(ranked) if spec.max_per_video is None else spec.max_per_video
    cost = candidates.cost if spec.max_budget is not None else None
    cost = np.zeros(len(candidates.ids)) if cost is None else cost
    sources = candidates.sources if spec.source_mix else np.zeros(len(candidates.ids))
    seen: dict[tuple[Any, ...], int] = {}
    kept = []
    for i in ranked.tolist():
        kind = (int(candidates.category[i]), int(candidates.video[i]), sources[i], float(cost[i]))
        if seen.get(kind, 0) < min(limit, wanted[kind[0]]):
            seen[kind] = seen.get(kind, 0) + 1
            kept.append(i)
    return np.array(kept, dtype=np.intp)


def _solve(
    candidates: Candidates, field: Positions, worth: Floats, wanted: Sequence[int], spec: Quotas
) -> tuple[Positions, float]:
    """First the largest number of items, then the largest sum of scores among sets of that size."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import vstack

    if not len(field):
        return field, 0.0
    rows, lower, upper = _rows(candidates, field, wanted, spec)
    shape: dict[str, Any] = {"integrality": np.ones(len(field)), "bounds": Bounds(0, 1)}
    shape["options"] = {"time_limit": SECONDS, "mip_rel_gap": 1e-9}
    most = milp(-np.ones(len(field)), constraints=LinearConstraint(rows, lower, upper), **shape)
    if most.x is None:
        raise InputError(f"no set of items meets every constraint of the selection ({most.message.strip()})")
    count = round(-most.fun)
    rows, lower, upper = vstack([rows, np.ones((1, len(field)))]), np.append(lower, count), np.append(upper, count)
    best = milp(-worth[field], constraints=LinearConstraint(rows, lower, upper), **shape)
    found, gap = (best.x, float(best.mip_gap or 0.0)) if best.x is not None else (most.x, 1.0)
    return field[found > 0.5], gap


def _rows(candidates: Candidates, field: Positions, wanted: Sequence[int], spec: Quotas) -> tuple[Any, Floats, Floats]:
    """The constraints on the field's 0/1 variables as lower <= rows x <= upper."""
    from scipy.sparse import csr_matrix, vstack

    everyone = np.arange(len(field))
    rows = [csr_matrix((np.ones(len(field)), (candidates.category[field], everyone)), (len(wanted), len(field)))]
    upper = [np.asarray(wanted, dtype=np.float64)]
    if spec.max_per_video is not None:
        videos, codes = np.unique(candidates.video[field], return_inverse=True)
        rows.append(csr_matrix((np.ones(len(field)), (codes, everyone)), (len(videos), len(field))))
        upper.append(np.full(len(videos), float(spec.max_per_video)))
    if spec.max_budget is not None and candidates.cost is not None:
        rows.append(csr_matrix(candidates.cost[field]))
        upper.append(np.array([spec.max_budget]))
    for source, (least, most) in (spec.source_mix or {}).items():
        inside = (candidates.sources[field] == source).astype(np.float64)
        rows += [csr_matrix(inside - most), csr_matrix(least - inside)]
        upper.append(np.zeros(2))
    above = np.concatenate(upper)
    return vstack(rows, format="csr"), np.full(len(above), -np.inf), above


def _greedy(candidates: Candidates, ranked: Positions, wanted: Sequence[int], spec: Quotas) -> Positions:
    """One pass from the best to the worst: take an item while nothing forbids it; what sources must give goes first.

    Raises InputError where the pass ends with less of a source than its least share.
    """
    room, per_video, spent = list(wanted), dict[int, int](), 0.0
    total = sum(room)
    mix = spec.source_mix or {}
    most = {source: math.floor(share * total + 1e-9) for source, (_, share) in mix.items()}
    owed = {source: math.ceil(share * total - 1e-9) for source, (share, _) in mix.items()}
    sources = candidates.sources if mix else np.zeros(len(candidates.ids))
    taken: dict[str, int] = {}
    chosen: list[int] = []
    inside = np.zeros(len(candidates.ids), dtype=np.bool_)
    for first in (True, False) if any(owed.values()) else (False,):
        for i in ranked.tolist():
            source, category, video = str(sources[i]), int(candidates.category[i]), int(candidates.video[i])
            cost = float(candidates.cost[i]) if candidates.cost is not None and spec.max_budget is not None else 0.0
            if first and taken.get(source, 0) >= owed.get(source, 0):
                continue
            if (
                inside[i]
                or not room[category]
                or (spec.max_per_video is not None and per_video.get(video, 0) >= spec.max_per_video)
                or taken.get(source, 0) >= most.get(source, total)
                or spent + cost > (spec.max_budget or math.inf)
            ):
                continue
            chosen.append(i)
            inside[i] = True
            room[category] -= 1
            per_video[video] = per_video.get(video, 0) + 1
            taken[source] = taken.get(source, 0) + 1
            spent += cost
            if len(chosen) == total:
                break
    short = next((source for source, count in owed.items() if taken.get(source, 0) < count), None)
    if short is not None:
        raise InputError(
            f"source_mix: {short} has to give {owed[short]} of {total} items, and only {taken.get(short, 0)} fit into "
            f"the other constraints; lower its least share or the size"
        )
    return ranked[inside[ranked]]

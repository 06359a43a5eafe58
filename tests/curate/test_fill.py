"""Constraints: the solver finds the best of all sets, by trying them all; the pass for large pools is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollobench.curate import fill as module
from apollobench.curate.candidates import Candidates, tie_keys
from apollobench.curate.fill import Filled, fill
from apollobench.errors import InputError
from apollobench.recipe.select import RandomSelection

SOURCES = ("mlvu", "nextqa")


def spec(**changes: Any) -> RandomSelection:
    free = {"max_per_video": None, "max_budget": None, "source_mix": None, "item_rest_gate": False, "tie_break": "hash"}
    told = {"size": 4, "quotas": "proportional", "when_short": "take_all", "seed": 0, **free, **changes}
    return RandomSelection(method="random", **told)


def pool(n: int, seed: int, videos: int = 4) -> tuple[Candidates, np.ndarray]:
    rng = np.random.default_rng(seed)
    candidates = Candidates(
        ids=tuple(f"{SOURCES[rng.integers(2)]}/{i}" for i in range(n)),
        category=rng.integers(2, size=n),
        video=rng.integers(videos, size=n),
        scores=np.zeros((1, n), dtype=np.int8),
        families=("m",),
        categories=("a", "b"),
        cost=rng.integers(1, 6, size=n).astype(float),
    )
    return candidates, rng.integers(0, 12, size=n) / 4


def allowed(c: Candidates, chosen: Sequence[int], wanted: Sequence[int], told: RandomSelection) -> bool:
    rows = list(chosen)
    if any(np.bincount(c.category[rows], minlength=2) > wanted):
        return False
    if told.max_per_video is not None and rows and np.bincount(c.video[rows]).max() > told.max_per_video:
        return False
    if told.max_budget is not None and c.cost is not None and c.cost[rows].sum() > told.max_budget + 1e-9:
        return False
    shares = {name: sum(c.ids[i].startswith(name) for i in rows) for name in SOURCES}
    return all(
        least * len(rows) - 1e-9 <= shares[name] <= most * len(rows) + 1e-9
        for name, (least, most) in (told.source_mix or {}).items()
    )


def best_of_all(c: Candidates, score: np.ndarray, wanted: Sequence[int], told: RandomSelection) -> tuple[int, float]:
    sets = (
        (count, float(score[list(rows)].sum()))
        for count in range(sum(wanted) + 1)
        for rows in combinations(range(len(score)), count)
        if allowed(c, rows, wanted, told)
    )
    return max(sets)


CONSTRAINTS: list[dict[str, Any]] = [
    {"max_per_video": 1},
    {"max_budget": 7.0},
    {"source_mix": {"mlvu": (0.5, 0.5)}},
    {"max_per_video": 2, "max_budget": 9.0, "source_mix": {"nextqa": (0.25, 0.75)}},
]


@given(st.integers(0, 10_000), st.sampled_from(CONSTRAINTS), st.tuples(st.integers(0, 3), st.integers(1, 3)))
@settings(max_examples=60, deadline=None)
def test_solver_finds_the_best_set_of_all(seed: int, constraints: dict[str, Any], wanted: tuple[int, int]) -> None:
    candidates, score = pool(9, seed)
    told = spec(**constraints)
    found = fill(candidates, score, tie_keys(candidates.ids, 0), wanted, told)
    assert allowed(candidates, found.chosen.tolist(), wanted, told)
    count, total = best_of_all(candidates, score, wanted, told)
    assert len(found.chosen) == count
    assert score[found.chosen].sum() == pytest.approx(total, abs=1e-4)
    assert found.gap < 1e-6


@given(st.integers(0, 10_000), st.permutations(range(12)))
@settings(max_examples=25, deadline=None)
def test_the_order_of_the_pool_does_not_matter(seed: int, order: list[int]) -> None:
    candidates, score = pool(12, seed)
    assert candidates.cost is not None
    turned = Candidates(
        tuple(candidates.ids[i] for i in order),
        candidates.category[order],
        candidates.video[order],
        candidates.scores[:, order],
        candidates.families,
        candidates.categories,
        cost=candidates.cost[order],
    )
    told = spec(max_per_video=1)
    first = fill(candidates, score, tie_keys(candidates.ids, 0), (2, 2), told).chosen
    second = fill(turned, score[order], tie_keys(turned.ids, 0), (2, 2), told).chosen
    assert [candidates.ids[i] for i in first] == [turned.ids[i] for i in second]


def greedy(candidates: Candidates, score: np.ndarray, wanted: Sequence[int], told: RandomSelection) -> Filled:
    before, module.EXACT_UP_TO = module.EXACT_UP_TO, 0
    try:
        return fill(candidates, score, tie_keys(candidates.ids, 0), wanted, told)
    finally:
        module.EXACT_UP_TO = before


@pytest.mark.parametrize("constraints", CONSTRAINTS)
def test_above_the_limit_one_pass_keeps_to_the_constraints_within_its_bound(constraints: dict[str, Any]) -> None:
    told, wanted = spec(**{**constraints, "max_budget": constraints.get("max_budget")}), (6, 6)
    for seed in range(5):
        candidates, score = pool(200, seed, videos=60)
        quick, exact = greedy(candidates, score, wanted, told), fill(
            candidates, score, tie_keys(candidates.ids, 0), wanted, told
        )  # fmt: skip
        mix = told.source_mix
        assert allowed(candidates, quick.chosen.tolist(), wanted, told) or (mix and len(quick.chosen) < 12)
        assert 0 <= quick.gap <= 1
        bound = sum(np.sort(score[candidates.category == group])[-6:].sum() for group in (0, 1))
        assert score[quick.chosen].sum() >= (1 - quick.gap) * bound - 1e-2
        assert len(exact.chosen) >= len(quick.chosen)


def test_what_cannot_be_had_is_named() -> None:
    candidates, score = pool(40, 0, videos=2)
    told = spec(max_per_video=1, source_mix={"mlvu": (1.0, 1.0)})
    with pytest.raises(InputError, match="source_mix: mlvu has to give 12 of 12 items, and only"):
        greedy(candidates, score, (6, 6), told)
    assert len(fill(candidates, score, tie_keys(candidates.ids, 0), (6, 6), told).chosen) <= 2


def test_nothing_rankable_gives_nothing() -> None:
    candidates, _ = pool(5, 0)
    for constraints in ({}, {"max_per_video": 1}):
        empty = fill(candidates, np.full(5, np.nan), tie_keys(candidates.ids, 0), (2, 2), spec(**constraints))
        assert len(empty.chosen) == 0

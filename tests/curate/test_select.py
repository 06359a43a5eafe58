"""Selection: exact ties, exact quotas, the same result every time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollobench.curate.candidates import Candidates, quota_per_category
from apollobench.curate.rankers import RANKERS, binary_entropy
from apollobench.curate.select import select
from apollobench.errors import InputError
from apollobench.recipe import EntropySelection, RandomSelection, Recipe
from apollobench.types import CATEGORIES, Mode

FREE: dict[str, Any] = {
    "size": 10,
    "quotas": "balanced",
    "max_per_video": None,
    "max_budget": None,
    "source_mix": None,
    "item_rest_gate": False,
    "when_short": "take_all",
    "tie_break": "hash",
    "seed": 0,
}


def entropy_spec(**changes: Any) -> EntropySelection:
    return EntropySelection(method="entropy", mode=Mode.VIDEO, **(FREE | changes))


def random_spec(**changes: Any) -> RandomSelection:
    return RandomSelection(method="random", **(FREE | changes))


def pool(items: int, models: int = 9, videos: int | None = None, seed: int = 0) -> Candidates:
    rng = np.random.default_rng(seed)
    return Candidates(
        ids=tuple(f"toy/{i}" for i in range(items)),
        category=np.arange(items) % len(CATEGORIES),
        video=np.arange(items) if videos is None else rng.integers(videos, size=items),
        scores=rng.integers(-1, 2, size=(models, items)).astype(np.int8),
        families=tuple(f"m{i}" for i in range(models)),
        categories=CATEGORIES,
    )


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_entropy_is_the_formula_and_symmetric_to_the_last_bit(case: tuple[int, int]) -> None:
    right, voted = case
    p = right / voted
    expected = 0.0 if p in (0, 1) else -p * math.log2(p) - (1 - p) * math.log2(1 - p)
    there = binary_entropy(np.array([right]), np.array([voted]))[0]
    back = binary_entropy(np.array([voted - right]), np.array([voted]))[0]
    assert there == pytest.approx(expected, abs=1e-12)
    assert there == back


def test_entropy_is_undefined_without_votes_and_zero_is_not_negative() -> None:
    values = binary_entropy(np.array([0, 0, 4]), np.array([0, 4, 4]))
    assert np.isnan(values[0])
    assert [math.copysign(1, v) for v in values[1:]] == [1, 1]


def test_the_most_divided_items_win() -> None:
    scores = np.array([[1, 1, 1, 1, 0], [0, 1, 1, 1, 0], [1, 0, 1, 1, 0], [0, 1, 0, 1, 0]], dtype=np.int8)
    candidates = replace(pool(5, models=4), category=np.zeros(5, dtype=np.intp), scores=scores)
    chosen = select(candidates, entropy_spec(size=3, quotas={"OCR": 3})).chosen.tolist()
    assert chosen[0] == 0
    assert set(chosen[1:]) == {1, 2}


@given(st.integers(1, 60), st.sampled_from([None, 1, 2, 5]), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_quotas_and_the_limit_per_video_hold(size: int, limit: int | None, seed: int) -> None:
    candidates = pool(80, videos=25, seed=seed)
    selection = select(candidates, entropy_spec(size=size, max_per_video=limit))
    chosen = selection.chosen
    assert len(set(chosen.tolist())) == len(chosen)
    assert sum(selection.wanted.values()) == size
    counts = np.bincount(candidates.category[chosen], minlength=5)
    assert [selection.taken[c] for c in CATEGORIES] == counts.tolist()
    assert all(selection.taken[c] <= selection.wanted[c] for c in CATEGORIES)
    assert set(selection.short) == {c for c in CATEGORIES if selection.taken[c] < selection.wanted[c]}
    if limit is not None:
        assert np.bincount(candidates.video[chosen]).max() <= limit
    assert (np.diff(selection.score[chosen]) <= 0).all()


@given(st.permutations(range(40)))
@settings(deadline=None, max_examples=20)
def test_the_order_of_the_pool_does_not_matter(order: list[int]) -> None:
    candidates = pool(40, models=3)
    shuffled = replace(
        candidates,
        ids=tuple(candidates.ids[i] for i in order),
        category=candidates.category[order],
        video=candidates.video[order],
        scores=candidates.scores[:, order],
    )
    for spec in (entropy_spec(), random_spec(), entropy_spec(max_per_video=1)):
        first = [candidates.ids[i] for i in select(candidates, spec).chosen]
        second = [shuffled.ids[i] for i in select(shuffled, spec).chosen]
        assert first == second


def test_another_seed_breaks_ties_otherwise() -> None:
    candidates = pool(200, models=2)
    first = {candidates.ids[i] for i in select(candidates, entropy_spec(seed=0)).chosen}
    second = {candidates.ids[i] for i in select(candidates, entropy_spec(seed=1)).chosen}
    assert first != second


def test_balanced_quotas_give_the_remainder_to_the_first_categories() -> None:
    assert list(quota_per_category(entropy_spec(size=402), pool(1)).values()) == [81, 81, 80, 80, 80]
    assert quota_per_category(entropy_spec(size=3, quotas={"Spatial": 3}), pool(1)) == {"Spatial": 3}


def test_too_few_survivors_are_taken_and_stated_or_refused() -> None:
    candidates = pool(12)
    selection = select(candidates, random_spec(size=20))
    assert len(selection.chosen) == 12
    assert selection.short == {"Spatial": (2, 4), "Perception": (2, 4), "Reasoning": (2, 4), "OCR": (3, 4),
                               "Egocentric": (3, 4)}  # fmt: skip
    with pytest.raises(InputError, match=r"too few survivors: OCR 3 of 4.*--size"):
        select(candidates, random_spec(size=20, when_short="stop"))


def test_nothing_to_select_from_is_an_error() -> None:
    with pytest.raises(InputError, match="no item survived the filter"):
        select(pool(0), entropy_spec())
    silent = pool(5)
    silent.scores[:] = -1
    with pytest.raises(InputError, match="no survivor can be ranked"):
        select(silent, entropy_spec())


def test_an_item_without_votes_is_never_ranked() -> None:
    candidates = pool(10)
    candidates.scores[:, 3] = -1
    selection = select(candidates, entropy_spec(size=10))
    assert 3 not in selection.chosen.tolist()
    assert np.isnan(selection.score[3])


def test_the_registry_knows_every_method_a_recipe_can_name() -> None:
    spec = Recipe.model_fields["select"].annotation
    assert set(RANKERS) == {get_args(one.model_fields["method"].annotation)[0] for one in get_args(spec)}

"""Selection: exact ties, exact quotas, the same result every time."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollobench.curate import apollo_plus
from apollobench.curate.candidates import Candidates, quota_per_category
from apollobench.curate.rankers import RANKERS, binary_entropy
from apollobench.curate.select import select
from apollobench.errors import InputError
from apollobench.recipe import Recipe
from apollobench.recipe.select import (
    ApolloPlusSelection,
    EntropySelection,
    InformationSelection,
    ItemRestSelection,
    RandomSelection,
    StratifiedSelection,
)
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


def ladder(models: int = 8, items: int = 300, noise: float = 0.3, seed: int = 0) -> Candidates:
    """Models of rising ability in pairs of one family; of the items the share `noise` is coin flips (the last ones)."""
    rng = np.random.default_rng(seed)
    ability, hard = np.linspace(-1.5, 1.5, models), rng.normal(size=items)
    p = 1 / (1 + np.exp(-2 * (ability[:, None] - hard)))
    p[:, items - round(noise * items) :] = 0.5
    return replace(
        pool(items, models),
        scores=(rng.random(p.shape) < p).astype(np.int8),
        families=tuple(f"f{i // 2}" for i in range(models)),
    )


PANEL: dict[str, Any] = {**FREE, "mode": Mode.VIDEO, "quotas": "proportional", "size": 50}


def test_entropy_prefers_coin_flips_and_item_rest_does_not() -> None:
    candidates = ladder()
    chosen = {
        method: select(candidates, one(**PANEL, method=method)).chosen
        for method, one in (("entropy", EntropySelection), ("item_rest", ItemRestSelection))
    }
    flips = {method: float((positions >= 210).mean()) for method, positions in chosen.items()}
    assert flips["entropy"] > 0.4
    assert flips["item_rest"] < 0.1


def test_the_gate_keeps_out_what_does_not_go_along() -> None:
    candidates = ladder(12, noise=0.6)
    candidates.scores[:, 0] = 1 - candidates.scores.mean(axis=1).round()
    free = select(candidates, EntropySelection(**PANEL, method="entropy"))
    gated = select(candidates, EntropySelection(**{**PANEL, "item_rest_gate": True}, method="entropy"))
    assert gated.gated[0]
    assert np.isnan(gated.score[0])
    assert not free.gated.any()
    assert 0 not in gated.chosen
    assert not gated.representative
    assert gated.gated[120:].mean() > gated.gated[:120].mean()


@pytest.mark.parametrize(
    ("models", "spec", "told"),
    [
        (2, ItemRestSelection(**PANEL, method="item_rest"), "needs the answers of 3 models or more"),
        (2, EntropySelection(**{**PANEL, "item_rest_gate": True}, method="entropy"), "needs the answers of 3 models"),
        (1, InformationSelection(**PANEL, method="information", model="rasch"), "1 models, at least 2 are needed"),
        (10, InformationSelection(**PANEL, method="information", model="2pl"), "of the spread of discrimination"),
    ],
)
def test_a_method_that_the_answers_cannot_support_refuses(models: int, spec: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        select(ladder(models, noise=0), spec)


def test_item_rest_refuses_where_correlations_are_noise() -> None:
    coins = ladder(12, 2000, noise=1.0)
    with pytest.raises(InputError, match=r"over 12 models .* less than 5%"):
        select(coins, ItemRestSelection(**PANEL, method="item_rest"))


def test_rasch_information_prefers_items_at_the_models_level() -> None:
    candidates = ladder(noise=0)
    found = select(candidates, InformationSelection(**PANEL, method="information", model="rasch"))
    share = candidates.scores.mean(axis=0)
    assert np.abs(share[found.chosen] - 0.5).mean() < np.abs(share - 0.5).mean()
    assert "of the spread among the items" in found.notes[0]


@given(st.integers(0, 50), st.integers(5, 120))
@settings(deadline=None, max_examples=20)
def test_stratified_leaves_difficulty_and_categories_as_they_are(seed: int, size: int) -> None:
    candidates = ladder(items=400, seed=seed)
    found = select(candidates, StratifiedSelection(**{**PANEL, "size": size, "seed": seed}, method="stratified"))
    share = candidates.scores.mean(axis=0)
    assert found.representative
    assert len(found.chosen) == size
    assert abs(share[found.chosen].mean() - share.mean()) < 0.03 + 1.5 / size
    counts = np.bincount(candidates.category[found.chosen], minlength=5)
    assert np.ptp(counts) <= 1


def test_one_seed_one_stratified_set_and_larger_ones_contain_smaller_ones() -> None:
    candidates = ladder()
    sizes = (20, 40, 80)
    sets = [
        set(select(candidates, StratifiedSelection(**{**PANEL, "size": n}, method="stratified")).chosen) for n in sizes
    ]
    assert sets[0] < sets[1] < sets[2]


def plus(**changes: Any) -> ApolloPlusSelection:
    told = {"method": "apollo+", "shares": (0.5, 0.25, 0.0), "splits": 10, "caution": 0.5}
    return ApolloPlusSelection(**{**PANEL, **told, **changes})


def test_apollo_plus_keeps_few_items_where_families_agree() -> None:
    candidates = ladder(12, 600, noise=0.5)
    found = select(candidates, plus())
    assert "share kept: 0" in found.notes[0]
    assert (found.chosen >= 300).mean() < 0.3
    assert not found.representative


def test_apollo_plus_falls_back_to_a_stratified_sample_where_items_say_nothing() -> None:
    coins = ladder(12, 600, noise=1.0)
    found = select(coins, plus(caution=1.0))
    assert found.notes[0].startswith("share kept: 1;")
    assert found.representative
    same = select(coins, StratifiedSelection(**PANEL, method="stratified"))
    assert not select(coins, StratifiedSelection(**{**PANEL, "quotas": "balanced"}, method="stratified")).representative
    assert set(found.chosen) == set(same.chosen)


def test_apollo_plus_without_families_to_split_says_so() -> None:
    alone = replace(ladder(), families=("f",) * 8)
    assert "cannot be split" in select(alone, plus()).notes[0]


def test_apollo_plus_looks_at_a_sample_of_a_large_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = ladder(12, 2000, noise=0.5)
    whole = select(candidates, plus()).notes[0]
    monkeypatch.setattr(apollo_plus, "MOST_ITEMS", 1000)
    sampled = select(candidates, plus())
    assert len(sampled.chosen) == 50
    assert "share kept: 0" in whole
    assert "share kept: 0" in sampled.notes[0]


def test_budget_without_cost_and_a_source_nobody_has_are_named() -> None:
    candidates = ladder()
    with pytest.raises(InputError, match="nothing says what the items cost"):
        select(candidates, random_spec(max_budget=5.0))
    with pytest.raises(InputError, match="no survivor is from 'mlvu'; they are from toy"):
        select(candidates, random_spec(source_mix={"mlvu": [0.0, 0.5]}))


def test_items_of_unknown_cost_are_not_bought() -> None:
    candidates = replace(ladder(), cost=np.r_[np.full(290, np.nan), np.ones(10)])
    found = select(candidates, random_spec(max_budget=4.0, size=20))
    assert len(found.chosen) == 4
    assert (found.chosen >= 290).all()

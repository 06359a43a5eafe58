"""The mixture sampler: exact shares, no repeats within an epoch, and nothing but the seed and the step decides."""

from __future__ import annotations

from collections import Counter
from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollobench.errors import InputError
from apollobench.training.batch import Portions
from apollobench.training.mixture import BLOCK, Draw, Mixture, quotas
from apollobench.training.recipe import KINDS, Kind

SIZES: dict[Kind, int] = {"text": 7, "image": 50, "multi_image": 20, "video": 300}


def shares(*values: float) -> dict[Kind, float]:
    return dict(zip(KINDS, values, strict=True))


def mixture(values: dict[Kind, float], batch: int = 8, seed: int = 3) -> Mixture:
    return Mixture(values, SIZES, batch, (seed, 0))


def drawn(sampler: Mixture, steps: range) -> list[Draw]:
    return list(chain.from_iterable(sampler.batch(step) for step in steps))


# Rows of table 13 of the Apollo paper.
@pytest.mark.parametrize("row", [(0.15, 0.25, 0.20, 0.40), (0.07, 0.387, 0.20, 0.343), (0.0, 0.0, 0.20, 0.80)])
def test_every_stretch_has_the_shares_of_the_recipe(row: tuple[float, ...]) -> None:
    wanted = shares(*row)
    for steps in (range(5), range(100), range(1200, 1300), range(3000)):
        counts = Counter(draw.kind for draw in drawn(mixture(wanted), steps))
        total = 8 * len(steps)
        for kind, share in wanted.items():
            assert counts[kind] == pytest.approx(share * total, abs=6)
            assert share or not counts[kind]


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(any))
def test_quotas_fill_the_block_and_are_within_one_of_the_shares(weights: list[int]) -> None:
    values = [weight / sum(weights) for weight in weights]
    counts = quotas(values)
    assert sum(counts) == BLOCK
    assert all(abs(count - value * BLOCK) <= 1 for count, value in zip(counts, values, strict=True))
    assert all(count == 0 for count, weight in zip(counts, weights, strict=True) if not weight)


def test_a_kind_is_drawn_whole_before_anything_is_drawn_again_and_in_another_order() -> None:
    sampler = mixture(shares(0.25, 0.25, 0.0, 0.5))
    texts = [draw.candidates[0] for draw in drawn(sampler, range(3000)) if draw.kind == "text"]
    epochs = [texts[start : start + 7] for start in range(0, 700, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 90


def test_a_step_is_the_same_wherever_one_begins_and_differs_by_seed_and_stage() -> None:
    values = shares(0.1, 0.2, 0.3, 0.4)
    late = mixture(values).batch(2718)
    drawn(other := mixture(values), range(50))
    assert other.batch(2718) == late
    assert mixture(values, seed=4).batch(2718) != late
    assert Mixture(values, SIZES, 8, (3, 1)).batch(2718) != late


def test_stand_ins_are_the_next_of_the_same_kind() -> None:
    draws = [draw for draw in drawn(mixture(shares(0, 0, 0.5, 0.5)), range(40)) if draw.kind == "video"]
    for draw, following in pairwise(draws):
        assert draw.candidates[1] == following.candidates[0]
    assert all(len(set(draw.candidates)) == len(draw.candidates) for draw in draws)


@pytest.mark.parametrize("world", [1, 2, 4])
def test_the_processes_share_out_the_same_batch(world: int) -> None:
    sampler = mixture(shares(0.25, 0.25, 0.25, 0.25))
    for step in range(3):
        parts = [list(Portions(sampler, step, step + 1, rank, world, size=2)) for rank in range(world)]
        assert all(len(part) == 4 // world and all(len(micro) == 2 for micro in part) for part in parts)
        everything = [draw for part in parts for micro in part for draw in micro]
        assert Counter(everything) == Counter(sampler.batch(step))


def test_a_share_without_data_is_an_error() -> None:
    with pytest.raises(InputError, match=r"wants 0\.1 of image, but there is no such data"):
        Mixture(shares(0.9, 0.1, 0, 0), {"text": 4, "image": 0}, 4, (0, 0))

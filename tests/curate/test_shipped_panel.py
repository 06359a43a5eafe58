"""The shipped recipe with the shipped panel, on a smaller pool whose truth is known: how good a curation is."""

from __future__ import annotations

from pathlib import Path

import pytest

from apollobench.curate.decide import Examination
from apollobench.curate.itemcards import analyse, read_subject
from apollobench.curate.pipeline import curate, load_pool
from apollobench.curate.queue import found_flaws
from apollobench.recipe import load_recipe

VIDEOS = 100
CHANGES = {
    "sources": [{"name": "synthetic", "options": {"videos": VIDEOS, "seed": 1_400_000}}],
    "select.size": 100,
    "validation.random_subsets": 20,
    "validation.bootstrap": 100,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Examination]:
    place = tmp_path_factory.mktemp("shipped")
    file = load_recipe("synthetic", CHANGES)
    _, decisions = curate(file, load_pool(file.recipe, place / "data"), place / "out", workers=1)
    return place / "out", decisions.examination


@pytest.fixture(scope="module")
def found(made: tuple[Path, Examination]) -> Examination:
    return made[1]


def test_the_filter_finds_what_needs_no_video_and_little_else(found: Examination) -> None:
    assert found.filter is not None
    assert found.filter.precision is not None
    assert found.filter.recall is not None
    assert found.filter.precision.n > VIDEOS
    assert found.filter.precision.value >= 0.9
    assert found.filter.recall.value >= 0.9


def test_categories_are_right_and_ranks_of_models_that_did_not_vote_agree(found: Examination) -> None:
    assert found.categories is not None
    assert found.categories.value == 1.0
    assert found.held_out is not None
    assert len(found.held_out.models) == 3
    assert found.held_out.tau > 0.3


def test_the_review_queue_finds_flaws_and_types_are_what_items_need(made: tuple[Path, Examination]) -> None:
    cards = analyse(read_subject(made[0])).cards
    found = {score.flaw: score for score in found_flaws(cards)}
    assert found["miskeyed"].area.value > 0.85
    assert found[""].area.value > 0.75
    assert found[""].first.value > 0.4
    blind = [card.truth.needs for card in cards if card.truth and card.type == "text-answerable"]
    assert len(blind) > VIDEOS
    assert blind.count("nothing") / len(blind) > 0.9

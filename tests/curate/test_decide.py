"""The stages together, on models that are right about what their mode shows them, and guess otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from apollobench.curate.answers import Answers
from apollobench.curate.categorize import Categorized
from apollobench.curate.decide import Decisions, decide
from apollobench.errors import InputError
from apollobench.recipe import Recipe, load_recipe
from apollobench.recipe.filter import ChanceAwareFilter
from apollobench.report.filtering import blindness, filtering
from apollobench.types import CATEGORIES, Item, Mode, Truth

SHOWS = {Mode.TEXT: {"nothing"}, Mode.FRAME: {"nothing", "frame"}, Mode.VIDEO: {"nothing", "frame", "set", "video"}}
MODELS = {f"m{i}": 0.95 - 0.06 * i for i in range(9)}
NEEDS = ("nothing", "frame", "set", "video")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    given = load_recipe("synthetic", {"select.size": 50, "validation.random_subsets": 20, "validation.bootstrap": 100})
    return given.recipe.model_copy(update={"panel": tuple(MODELS)[::2], "held_out": tuple(MODELS)[1::2]})


@pytest.fixture(scope="module")
def pool(make_item: Callable[..., Item]) -> list[Item]:
    return [
        replace(
            make_item(i, video=f"v{i // 4}", truth=Truth(NEEDS[i % 4], "miskeyed" if i % 40 == 39 else "")),
            category=CATEGORIES[i % 5],
        )
        for i in range(800)
    ]


@pytest.fixture(scope="module")
def answers(pool: list[Item], make_answers: Callable[..., Answers]) -> Answers:
    rng = np.random.default_rng(0)
    marks = {}
    for model, skill in MODELS.items():
        by_mode = {}
        for mode, needs in SHOWS.items():
            chances = [
                skill if item.truth and item.truth.needs in needs and not item.truth.flaw else 0.25 for item in pool
            ]
            by_mode[mode] = "".join("1" if x < c else "0" for x, c in zip(rng.random(len(pool)), chances, strict=True))
        marks[model] = by_mode
    return make_answers(marks, pool)


def sort_items(items: tuple[Item, ...]) -> list[Categorized]:
    return [Categorized(item, "native:label=x") for item in items]


@pytest.fixture(scope="module")
def decisions(recipe: Recipe, answers: Answers) -> Decisions:
    return decide(recipe, answers, sort_items(answers.items))


def test_the_filter_finds_what_needs_no_video(decisions: Decisions) -> None:
    score = decisions.examination.filter
    assert score is not None
    assert score.precision is not None
    assert score.recall is not None
    assert score.precision.value > 0.8
    assert score.recall.value > 0.9
    assert score.precision.low < score.precision.value < score.precision.high


def test_chance_aware_spares_guesses_and_says_what_it_cannot_see(recipe: Recipe, answers: Answers) -> None:
    """Five strangers, two modes: only a unanimous panel convicts, so most of what needs no video stays, and is told."""
    rule = ChanceAwareFilter(
        method="chance_aware",
        modes=(Mode.TEXT, Mode.FRAME),
        margin=0.0,
        fdr=0.1,
        family_correlation="estimate",
        shifts=False,
        min_votes=4,
    )
    made = decide(recipe.model_copy(update={"filter": rule}), answers, sort_items(answers.items))
    score = made.examination.filter
    assert score is not None
    assert score.precision is not None
    assert score.precision.low > 0.9
    assert {verdict.grounds for verdict in made.verdicts} >= {"", "frame"}
    assert all(verdict.q is not None and verdict.tests.keys() == set(rule.modes) for verdict in made.verdicts)
    report = filtering(made)
    assert "Answers that could not be read, and left the denominators: 0 in text mode, 0 in frame mode." in report
    assert "are likely to be above the margin all the same in text mode" in report
    assert {(p.mode, p.options) for p in made.examination.power} == {(m, k) for m in rule.modes for k in (2, 3, 4, 5)}


def test_voters_seem_blinder_than_they_are(decisions: Decisions) -> None:
    """Selection pushes the voters' blind accuracy below chance; the held-out models' stays where it is."""
    voters = {a.items: a for a in decisions.examination.voters if a.mode is Mode.TEXT}
    assert voters["survivors"].accuracy.high < voters["survivors"].chance
    told = "\n".join(blindness(decisions))
    assert "How blind the rest is" in told
    assert "left out in turn" not in told


def test_without_held_out_models_families_take_turns(recipe: Recipe, answers: Answers) -> None:
    alone = decide(recipe.model_copy(update={"held_out": ()}), answers, sort_items(answers.items))
    fits = {fit.mode: fit for fit in alone.examination.cross_fits}
    assert set(fits) == {Mode.TEXT, Mode.FRAME}
    voters = {a.mode: a for a in alone.examination.voters if a.items == "survivors"}
    assert fits[Mode.TEXT].accuracy.value > voters[Mode.TEXT].accuracy.value
    assert "left out in turn" in "\n".join(blindness(alone))


def test_guessing_drops_what_the_binomial_says(decisions: Decisions) -> None:
    """Five models that guess among four options: more than half are right with p = .1035 per mode, .196 in either."""
    score = decisions.examination.filter
    assert score is not None
    dropped, total = (sum(score.needs[name][i] for name in ("set", "video")) for i in (0, 1))
    expected = 1 - (1 - binom.sf(2, 5, 0.25)) ** 2
    assert expected == pytest.approx(0.196, abs=0.001)
    assert abs(dropped - expected * total) < 3 * (total * expected * (1 - expected)) ** 0.5


def test_only_survivors_are_chosen_and_quotas_hold(decisions: Decisions) -> None:
    assert set(decisions.chosen) <= set(decisions.survivors)
    assert decisions.selection.taken == dict.fromkeys(CATEGORIES, 10)
    assert all(decisions.verdicts[i].keep for i in decisions.chosen)
    assert decisions.warnings == ()


def test_held_out_models_are_examined_and_do_not_vote(decisions: Decisions, recipe: Recipe) -> None:
    found = decisions.examination
    assert found.held_out is not None
    assert found.panel is not None
    assert found.held_out.models == recipe.held_out
    assert found.panel.models == recipe.panel
    assert found.held_out.tau > 0
    blind = {a.items: a for a in found.accuracies if a.mode is Mode.TEXT}
    assert blind["pool"].accuracy.value > blind["survivors"].accuracy.value
    assert blind["survivors"].accuracy.low < blind["survivors"].chance < blind["survivors"].accuracy.high
    evidence = decisions.verdicts[0].evidence
    assert evidence[Mode.TEXT][1] == len(recipe.panel)


def test_the_same_answers_give_the_same_decisions(recipe: Recipe, answers: Answers, decisions: Decisions) -> None:
    again = decide(recipe, answers, sort_items(answers.items))
    assert again.chosen.tolist() == decisions.chosen.tolist()
    assert again.examination == decisions.examination
    assert again.audit == decisions.audit


def test_an_answer_key_changed_for_one_model_s_answers_changes_the_verdict(recipe: Recipe, answers: Answers) -> None:
    verdicts = decide(recipe, answers, sort_items(answers.items)).verdicts
    i = next(i for i, verdict in enumerate(verdicts) if verdict.grounds == "text and frame")
    items = list(answers.items)
    items[i] = replace(items[i], answer=3)
    corrected = Answers(tuple(items), answers.models, answers.status, answers.choice)
    assert decide(recipe, corrected, sort_items(tuple(items))).verdicts[i].keep


def test_too_few_survivors_are_said_aloud(recipe: Recipe, answers: Answers) -> None:
    much = recipe.model_copy(update={"select": recipe.select.model_copy(update={"size": 700})})
    decisions = decide(much, answers, sort_items(answers.items))
    assert any(w.startswith("asked for 700 items, found") and "OCR" in w for w in decisions.warnings)
    strict = recipe.model_copy(update={"select": much.select.model_copy(update={"when_short": "stop"})})
    with pytest.raises(InputError, match="too few survivors"):
        decide(strict, answers, sort_items(answers.items))


def test_a_panel_of_one_has_to_be_meant_and_is_said_aloud(recipe: Recipe, answers: Answers) -> None:
    with pytest.raises(InputError, match=r"panel of 1, but filter\.min_votes asks for 4"):
        load_recipe("synthetic", {"panel": ["apollo-tiny-l"]})
    alone = load_recipe("synthetic", {"panel": ["apollo-tiny-l"], "filter.min_votes": 1, "select.size": 5}).recipe
    decisions = decide(
        alone.model_copy(update={"panel": ("m0",), "held_out": ()}), answers.only(["m0"]), sort_items(answers.items)
    )
    assert any("the panel is one model, m0" in warning for warning in decisions.warnings)
    assert any("fewer than two held-out models" in warning for warning in decisions.warnings)
    assert decisions.examination.held_out is None


def test_a_pool_that_is_solved_blind_leaves_nothing(
    recipe: Recipe, pool: list[Item], make_answers: Callable[..., Answers]
) -> None:
    ones = dict.fromkeys(SHOWS, "1" * len(pool))
    with pytest.raises(InputError, match="no item survived the filter"):
        decide(recipe, make_answers(dict.fromkeys(MODELS, ones), pool), sort_items(tuple(pool)))


def test_errors_and_gaps_are_said_aloud(recipe: Recipe, pool: list[Item], make_answers: Callable[..., Answers]) -> None:
    marks = {m: {Mode.TEXT: "0" * 800, Mode.FRAME: "e" * 800, Mode.VIDEO: "10" * 399 + "1-"} for m in MODELS}
    for model in list(MODELS)[::2][:4]:
        marks[model][Mode.FRAME] = "0" * 400 + "e" * 400
    decisions = decide(recipe, make_answers(marks, pool), sort_items(tuple(pool)))
    text = "\n".join(decisions.warnings)
    assert "400 items had too few usable answers to be judged" in text
    assert "answers with status error: 5600 in frame mode" in text
    assert "answers with status missing: 9 in video mode" in text

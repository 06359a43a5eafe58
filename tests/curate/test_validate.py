"""Validation against hand-counted truths, and on a real response matrix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from apollobench.curate.answers import Answers
from apollobench.curate.candidates import Candidates
from apollobench.curate.categorize import Categorized
from apollobench.curate.select import select
from apollobench.curate.validate import mode_accuracies, rank_agreement, score_categories, score_filter
from apollobench.recipe import Validation
from apollobench.recipe.select import EntropySelection
from apollobench.stats.agreement import kendall_tau
from apollobench.types import CATEGORIES, Item, Mode, Truth

SPEC = Validation(random_subsets=20, bootstrap=200, confidence=0.95, seed=0)


def entropy(size: int, quotas: dict[str, int] | str = "balanced") -> EntropySelection:
    return EntropySelection(
        method="entropy",
        mode=Mode.VIDEO,
        size=size,
        quotas=quotas,
        max_per_video=None,
        max_budget=None,
        source_mix=None,
        item_rest_gate=False,
        when_short="take_all",
        tie_break="hash",
        seed=0,
    )


def test_precision_and_recall_by_hand(make_item: Callable[..., Item], truths: Callable[..., Truth]) -> None:
    table = [  # needs, flaw, dropped
        ("nothing", "", True),
        ("nothing", "", True),
        ("frame", "", True),
        ("frame", "", False),
        ("set", "", False),
        ("video", "", True),
        ("video", "", False),
        ("video", "miskeyed", True),
        ("set", "unanswerable", False),
    ]
    items = [make_item(i, truth=truths(needs, flaw)) for i, (needs, flaw, _) in enumerate(table)]
    score = score_filter(items, [dropped for *_, dropped in table], 0.95)
    assert score is not None
    assert score.precision is not None
    assert score.recall is not None
    assert (score.precision.value, score.precision.n) == (3 / 4, 4)
    assert (score.recall.value, score.recall.n) == (3 / 4, 4)
    assert score.needs == {"frame": (1, 2), "nothing": (2, 2), "set": (0, 1), "video": (1, 2)}
    assert score.flaws == {"miskeyed": (1, 1), "unanswerable": (0, 1)}


def test_a_pool_without_truth_has_no_score(make_item: Callable[..., Item]) -> None:
    assert score_filter([make_item(0)], [True], 0.95) is None


def test_a_filter_that_drops_nothing_has_no_precision(
    make_item: Callable[..., Item], truths: Callable[..., Truth]
) -> None:
    score = score_filter([make_item(0, truth=truths("frame")), make_item(1, truth=truths("set"))], [False, False], 0.95)
    assert score is not None
    assert score.precision is None
    assert score.recall is not None
    assert score.recall.value == 0


def test_category_accuracy_is_over_items_whose_category_is_known(make_item: Callable[..., Item]) -> None:
    before = [make_item(0, category="OCR"), make_item(1, category="Spatial"), make_item(2)]
    after = [Categorized(replace(item, category="OCR"), "native:x=y") for item in before]
    accuracy = score_categories(before, after, 0.95)
    assert accuracy is not None
    assert (accuracy.value, accuracy.n) == (0.5, 2)
    assert score_categories(before[2:], after[2:], 0.95) is None


def test_mode_accuracies_by_hand(make_answers: Callable[..., Answers], make_item: Callable[..., Item]) -> None:
    items = [make_item(i, options=2 if i < 2 else 4) for i in range(4)]
    answers = make_answers(
        {"a": {Mode.TEXT: "1100", Mode.VIDEO: "xxxx"}, "b": {Mode.TEXT: "1e00", Mode.VIDEO: "xxxx"}}, items
    )
    mask = np.array([True, True, True, False])
    (found,) = mode_accuracies(answers, {"kept": mask}, 0.95)
    assert (found.items, found.mode) == ("kept", Mode.TEXT)
    assert found.accuracy.value == pytest.approx(2 / 3)
    assert found.chance == pytest.approx((0.5 + 0.5 + 0.25) / 3)


def candidates_of(answers: Answers) -> Candidates:
    n = len(answers.items)
    return Candidates(
        tuple(i.id for i in answers.items),
        np.zeros(n, dtype=np.intp),
        answers.videos.codes,
        answers.scores(Mode.VIDEO),
        answers.models,
        CATEGORIES,
    )


def ladder(rng: np.random.Generator, accuracies: dict[str, float], items: int) -> dict[str, dict[Mode, str]]:
    return {
        model: {Mode.VIDEO: "".join("1" if x < accuracy else "0" for x in rng.random(items))}
        for model, accuracy in accuracies.items()
    }


def test_models_far_apart_keep_their_order(make_answers: Callable[..., Answers]) -> None:
    answers = make_answers(ladder(np.random.default_rng(0), {"a": 0.2, "b": 0.5, "c": 0.8}, 300))
    candidates, spec = candidates_of(answers), entropy(100, {"OCR": 100})
    positions = np.arange(300)
    chosen = np.arange(0, 300, 3)
    agreement = rank_agreement(answers, candidates, positions, chosen, spec, SPEC)
    assert agreement is not None
    assert (agreement.tau, agreement.low, agreement.high, agreement.random_mean) == (1, 1, 1, 1)
    assert agreement.undefined == 0


def test_a_subset_that_reverses_the_order_is_found(make_answers: Callable[..., Answers]) -> None:
    answers = make_answers({"a": {Mode.VIDEO: "1100000000"}, "b": {Mode.VIDEO: "0011111111"}})
    candidates = candidates_of(answers)
    agreement = rank_agreement(answers, candidates, np.arange(10), np.array([0, 1]), entropy(2, {"OCR": 2}), SPEC)
    assert agreement is not None
    assert agreement.tau == -1
    assert agreement.random_mean > 0


def test_one_model_has_no_rank(make_answers: Callable[..., Answers]) -> None:
    answers = make_answers({"a": {Mode.VIDEO: "10"}})
    assert rank_agreement(answers, candidates_of(answers), np.arange(2), np.arange(2), entropy(2), SPEC) is None


def test_positions_lead_from_survivors_to_the_pool(make_answers: Callable[..., Answers]) -> None:
    answers = make_answers({"a": {Mode.VIDEO: "00001100"}, "b": {Mode.VIDEO: "11110011"}})
    survivors = np.array([4, 5])
    agreement = rank_agreement(
        answers, candidates_of(answers.at(survivors)), survivors, np.array([0, 1]), entropy(2, {"OCR": 2}), SPEC
    )
    assert agreement is not None
    assert agreement.tau == -1


def test_the_interval_covers_what_new_videos_would_say(make_answers: Callable[..., Answers]) -> None:
    close = ladder(np.random.default_rng(3), {f"m{i}": 0.5 + i / 200 for i in range(6)}, 200)
    answers = make_answers(close)
    agreement = rank_agreement(
        answers, candidates_of(answers), np.arange(200), np.arange(50), entropy(50, {"OCR": 50}), SPEC
    )
    assert agreement is not None
    assert agreement.low < agreement.tau < agreement.high
    assert agreement.high - agreement.low > 0.3


def test_a_real_matrix(shared: Path, make_answers: Callable[..., Answers], make_item: Callable[..., Item]) -> None:
    """786 Video-MME items: entropy from one half of the model families, ranks of the other half."""
    folder = shared / "data" / "responses" / "videomme_short"
    models = pd.read_csv(folder / "models.csv")
    correct = pd.read_csv(folder / "correct.csv", dtype={"item_id": str})
    seeing = models[~models["text_only"] & models["clone_of"].isna()]
    families = sorted(seeing["family"].unique())
    panel = list(seeing[seeing["family"].isin(families[::2])]["model"])
    held_out = list(seeing[seeing["family"].isin(families[1::2])]["model"])
    assert len(panel) >= 5
    assert len(held_out) >= 5
    items = [make_item(i, video=name.split("-")[0]) for i, name in enumerate(correct["item_id"])]
    marks = {m: {Mode.VIDEO: "".join(str(v) for v in correct[m])} for m in (*panel, *held_out)}
    answers = make_answers(marks, items)
    candidates = candidates_of(answers.only(panel))
    spec = entropy(200, {"OCR": 200})
    chosen = select(candidates, spec).chosen
    agreement = rank_agreement(answers.only(held_out), candidates, np.arange(len(items)), chosen, spec, SPEC)
    assert agreement is not None
    full = correct[held_out].mean().to_numpy()
    assert agreement.tau == pytest.approx(kendall_tau(correct.iloc[chosen][held_out].mean().to_numpy(), full))
    assert agreement.low <= agreement.tau <= agreement.high
    assert 0.5 < agreement.random_mean < 1

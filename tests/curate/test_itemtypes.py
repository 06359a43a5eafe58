"""Types of items: what decides them, how often they are wrong, and when nothing is said."""

from __future__ import annotations

import numpy as np
import pytest

from apollobench.curate.itemtypes import UNDECIDED, State, item_types, solving, type_counts, unit_votes, units
from apollobench.curate.matrix import Matrix
from apollobench.stats.clusters import partition
from apollobench.types import Mode

TEXT, FRAME, VIDEO, SHUFFLED = Mode.TEXT, Mode.FRAME, Mode.VIDEO, Mode.SHUFFLED


def matrix(scores: np.ndarray, chance: float = 0.25, families: str = "") -> Matrix:
    models, items = scores.shape
    return Matrix(
        scores=scores.astype(np.int8),
        models=tuple(f"m{n}" for n in range(models)),
        families=tuple(families) or tuple(f"m{n}" for n in range(models)),
        ids=tuple(f"i{n}" for n in range(items)),
        videos=partition(range(items)),
        categories=("",) * items,
        chance=np.full(items, chance),
    )


def panel(know: np.ndarray, models: int, seed: int, chance: float = 0.25) -> Matrix:
    """Models of which a share `know` [items] knows each item; the others guess."""
    rng = np.random.default_rng(seed)
    return matrix(rng.random((models, len(know))) < know + (1 - know) * chance)


def types_of(know: dict[Mode, float], models: int = 30, items: int = 60) -> list[str]:
    return item_types(
        {mode: solving(panel(np.full(items, share), models, seed)) for seed, (mode, share) in enumerate(know.items())}
    )


@pytest.mark.parametrize(
    ("know", "kind"),
    [
        ({TEXT: 1.0, FRAME: 1.0, VIDEO: 1.0}, "text-answerable"),
        ({TEXT: 0.0, FRAME: 1.0, VIDEO: 1.0}, "single-frame"),
        ({TEXT: 0.0, FRAME: 0.0, VIDEO: 0.0}, "unsolved"),
        ({TEXT: 0.0, FRAME: 0.0, VIDEO: 1.0}, "video"),
        ({TEXT: 0.0, FRAME: 0.0, VIDEO: 1.0, SHUFFLED: 1.0}, "order-invariant"),
        ({TEXT: 0.0, FRAME: 0.0, VIDEO: 1.0, SHUFFLED: 0.0}, "temporal"),
    ],
)
def test_what_is_known_in_each_mode_makes_the_type(know: dict[Mode, float], kind: str) -> None:
    found = types_of(know)
    assert set(found) <= {kind, UNDECIDED}
    assert found.count(kind) >= 0.85 * len(found)


def test_a_mode_that_was_not_asked_leaves_the_type_open() -> None:
    assert set(types_of({TEXT: 0.0, VIDEO: 1.0})) == {UNDECIDED}
    assert set(types_of({VIDEO: 0.0})) <= {"unsolved", UNDECIDED}


@pytest.mark.parametrize("models", [6, 20])
def test_false_discoveries_stay_below_the_level(models: int) -> None:
    """Half of the items nobody knows, the others exactly half of the models know: both states must be rare on the
    wrong ones. Averaged over pools, since a rate is what is promised."""
    wrong_solved, wrong_not = [], []
    for seed in range(60):
        know = np.repeat([0.0, 0.5, 1.0], 100)
        state = np.array(solving(panel(know, models, seed), 0.1).state)
        solved, unsolved = state == State.SOLVED, state == State.NOT_SOLVED
        wrong_solved.append((solved & (know == 0)).sum() / max(1, solved.sum()))
        wrong_not.append((unsolved & (know >= 0.5)).sum() / max(1, unsolved.sum()))
    assert np.mean(wrong_solved) <= 0.1
    assert np.mean(wrong_not) <= 0.1


def test_six_models_cannot_decide_two_options_and_two_models_nothing() -> None:
    two_options = solving(matrix(np.vstack([np.ones((6, 40)), np.zeros((0, 40))]), chance=0.5))
    assert set(two_options.state) == {State.SOLVED}
    mixed = np.ones((6, 400))
    mixed[:, 3:] = np.random.default_rng(0).random((6, 397)) < 0.5
    assert set(solving(matrix(mixed, chance=0.5)).state[:3]) == {State.UNDECIDED}
    pair = np.random.default_rng(1).integers(0, 2, (2, 50))
    assert set(solving(matrix(pair)).state) == {State.UNDECIDED}


def test_a_family_has_one_vote() -> None:
    scores = np.array([[1, 1], [1, 0], [0, -1], [0, 1]])
    m = matrix(scores, families="aabc")
    assert units(m).tolist() == [0, 0, 1, 2]
    right, votes = unit_votes(m, units(m))
    assert right.tolist() == [1.0, 1.5]
    assert votes.tolist() == [3, 2]
    assert units(matrix(scores, families="aaaa")).tolist() == [0, 1, 2, 3]
    assert units(m, by_family=False).tolist() == [0, 1, 2, 3]
    clones = matrix(
        np.repeat(np.random.default_rng(0).integers(0, 2, (3, 60)), 10, axis=0), families="a" * 10 + "b" * 10 + "c" * 10
    )
    assert set(solving(clones).state) == {State.UNDECIDED}
    assert set(solving(clones, by_family=False).state) > {State.SOLVED}


def test_unknown_chance_and_silence_decide_nothing() -> None:
    scores = np.ones((20, 3))
    scores[:, 2] = -1
    assert solving(matrix(scores, chance=np.nan)).state == (State.UNDECIDED, State.UNDECIDED, State.NOT_ASKED)


def test_counts_per_category() -> None:
    counts = type_counts(["video", "temporal", "video"], ["OCR", "Spatial", "OCR"])
    assert counts["OCR"]["video"] == 2
    assert counts["Spatial"]["temporal"] == 1
    assert sum(counts["Spatial"].values()) == 1

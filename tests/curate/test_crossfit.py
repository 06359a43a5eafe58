"""Blind accuracy of kept items without a held-out panel: unbiased, where the voters' own is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apollobench.curate.answers import NO_VOTE, RIGHT
from apollobench.curate.crossfit import cross_fit, left_out, lowered
from apollobench.curate.filter import judge
from apollobench.curate.matrix import Matrix
from apollobench.recipe.filter import PaperFilter
from apollobench.stats.clusters import partition
from apollobench.types import Mode

SPEC = PaperFilter(method="paper", threshold=0.5, modes=(Mode.TEXT,), min_votes=6)


def votes(scores: np.ndarray, families: tuple[str, ...]) -> Matrix:
    ids = tuple(f"pool/{i}" for i in range(scores.shape[1]))
    models = tuple(f"m{i}" for i in range(len(scores)))
    videos = partition([i // 3 for i in range(len(ids))])
    return Matrix(scores.astype(np.int8), models, families, ids, videos, ("",) * len(ids), np.full(len(ids), 0.25))


def test_guessing_is_found_to_be_guessing_where_voters_seem_to_do_worse() -> None:
    rng = np.random.default_rng(0)
    panel = votes(rng.random((8, 6000)) < 0.25, tuple("aabbccdd"))
    fit = cross_fit({Mode.TEXT: panel}, SPEC)[0]
    kept = np.array([v.keep for v in judge({Mode.TEXT: panel}, SPEC)])
    own = (panel.scores[:, kept] == RIGHT).mean()
    assert own < 0.245
    assert fit.accuracy.low < 0.25 < fit.accuracy.high
    assert fit.chance == pytest.approx(0.25)
    assert fit.left_out == ("a", "b", "c", "d")
    assert len(fit.kept) == 4


def test_interval_covers_the_truth_at_its_level() -> None:
    """100 replications of a mixture; the truth is the ability on the kept, which the simulation knows."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(100):
        ability = np.where(rng.random(200) < 0.3, 0.9, 0.25)
        panel = votes(rng.random((6, 200)) < ability, tuple("abcdef"))
        fit = cross_fit({Mode.TEXT: panel}, SPEC)[0]
        truths = []
        for gone in left_out(panel.models, panel.families).values():
            kept = np.array([v.keep for v in judge({Mode.TEXT: panel.of(~gone)}, lowered(SPEC, 5))])
            truths.append(ability[kept].mean())
        covered += fit.accuracy.low <= np.mean(truths) <= fit.accuracy.high
    assert abs(covered / 100 - 0.95) < 3 * (0.95 * 0.05 / 100) ** 0.5


def test_one_family_is_left_out_model_by_model_and_one_model_not_at_all() -> None:
    assert list(left_out(("x", "y"), ("a", "a"))) == ["x", "y"]
    assert {name: mask.tolist() for name, mask in left_out(("x", "y", "z"), ("a", "a", "b")).items()} == {
        "a": [True, True, False], "b": [False, False, True]
    }  # fmt: skip
    assert left_out(("x",), ("a",)) == {}
    assert cross_fit({Mode.TEXT: votes(np.ones((1, 4)), ("a",))}, SPEC) == []


def test_models_with_gaps_and_families_without_a_vote_on_what_is_kept() -> None:
    scores = np.array([[0, 0, 1], [0, 0, 1], [1, 0, 1], [NO_VOTE, NO_VOTE, NO_VOTE]])
    fit = cross_fit({Mode.TEXT: votes(scores, tuple("abcd"))}, SPEC.model_copy(update={"min_votes": 2}))[0]
    assert fit.left_out == ("a", "b", "c")
    assert fit.accuracy.value == pytest.approx(np.mean([0, 0, 0.5]))
    nothing = replace(votes(scores, tuple("abcd")), scores=np.ones((4, 3), dtype=np.int8))
    assert cross_fit({Mode.TEXT: nothing}, SPEC) == []

"""The chance-aware filter: exact p-values, false discoveries by simulation, dependence, power, and odd input."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import binom

from apollobench.curate.answers import NO_VOTE, Answers
from apollobench.curate.chance import blind_tests, family_correlation
from apollobench.curate.filter import ballots, judge
from apollobench.curate.matrix import Matrix
from apollobench.curate.power import filter_power, filter_warnings
from apollobench.errors import InputError
from apollobench.recipe.filter import ChanceAwareFilter, PaperFilter
from apollobench.stats.clusters import partition
from apollobench.types import Item, Mode

SPEC = ChanceAwareFilter(
    method="chance_aware",
    modes=(Mode.TEXT,),
    margin=0.0,
    fdr=0.1,
    family_correlation="estimate",
    shifts=False,
    min_votes=2,
)
PAPER = PaperFilter(method="paper", threshold=0.5, modes=(Mode.TEXT,), min_votes=2)


def matrix(scores: Sequence[Sequence[int]] | np.ndarray, options: int = 4, families: Sequence[str] = ()) -> Matrix:
    rows = np.asarray(scores, dtype=np.int8)
    models = tuple(f"m{i}" for i in range(len(rows)))
    ids = tuple(f"pool/{i}" for i in range(rows.shape[1]))
    return Matrix(
        rows, models, tuple(families) or models, ids, partition(ids), ("",) * len(ids), np.full(len(ids), 1 / options)
    )


def draw(ability: np.ndarray, sizes: Sequence[int], correlation: float, rng: np.random.Generator) -> np.ndarray:
    """Scores [models, items] of families whose rate on an item is beta distributed around its ability."""
    rows = []
    for size in sizes:
        rate = ability
        if correlation:
            scale = (1 - correlation) / correlation
            rate = rng.beta(ability * scale, (1 - ability) * scale)
        rows.append(rng.random((size, ability.size)) < rate)
    return np.concatenate(rows).astype(np.int8)


def named(sizes: Sequence[int]) -> list[str]:
    return [f"f{f}" for f, size in enumerate(sizes) for _ in range(size)]


def test_p_is_the_binomial_tail_and_the_q_is_over_items() -> None:
    votes = matrix([[1, 1, 0, 0]] * 6 + [[1, 0, 0, 0]] * 4)
    verdicts = judge({Mode.TEXT: votes}, SPEC)
    p = binom.sf(np.array([10, 6, 0, 0]) - 1, 10, 0.25)
    assert [v.tests[Mode.TEXT].p for v in verdicts] == pytest.approx(p)
    assert [v.q for v in verdicts] == pytest.approx([4 * p[0], 2 * p[1], 1, 1])
    assert [v.keep for v in verdicts] == [False, False, True, True]
    assert verdicts[1].reason == (
        "6 of 10 models are right in text mode: above chance by more than 0% (p 0.02, q 0.039)"
    )
    posterior = [v.tests[Mode.TEXT].posterior for v in verdicts]
    assert posterior[0] > posterior[1] > posterior[2] == posterior[3]


def test_chance_is_the_items_own() -> None:
    """Six of ten is much for five options and nothing for two."""
    few = judge({Mode.TEXT: matrix([[1]] * 6 + [[0]] * 4, options=5)}, SPEC)
    two = judge({Mode.TEXT: matrix([[1]] * 6 + [[0]] * 4, options=2)}, SPEC)
    assert [few[0].keep, two[0].keep] == [False, True]


def test_a_mode_is_named_only_if_it_convicts_by_itself() -> None:
    strong, weak = [[1, 0]] * 10, [[1, 0]] * 3 + [[0, 0]] * 7
    both = SPEC.model_copy(update={"modes": (Mode.TEXT, Mode.FRAME)})
    verdicts = judge({Mode.TEXT: matrix(strong), Mode.FRAME: matrix(weak)}, both)
    assert [v.grounds for v in verdicts] == ["text", ""]
    assert verdicts[0].q == pytest.approx(0.25**10 * 2 * 2)


def test_unparsed_answers_and_errors_leave_the_denominator(make_answers: Callable[..., Answers]) -> None:
    letters = ["1"] * 5 + ["u"] * 3 + ["e", "x"]
    panel = make_answers({f"m{i}": {Mode.TEXT: letter} for i, letter in enumerate(letters)})
    chance_aware, paper = (judge(ballots(panel, spec), spec)[0] for spec in (SPEC, PAPER))
    assert chance_aware.evidence == {Mode.TEXT: (5, 5)}
    assert paper.evidence == {Mode.TEXT: (5, 8)}
    assert chance_aware.tests[Mode.TEXT].p == pytest.approx(0.25**5)


def test_too_few_votes_are_no_judgement_and_no_test() -> None:
    votes = matrix([[1, 1, 0], [NO_VOTE, 1, 0], [NO_VOTE, 1, 0], [NO_VOTE, 1, NO_VOTE]])
    verdicts = judge({Mode.TEXT: votes}, SPEC)
    assert [v.grounds for v in verdicts] == ["not judged", "text", ""]
    assert verdicts[0].q is None
    assert verdicts[1].q == pytest.approx(2 * 0.25**4)


@pytest.mark.parametrize(
    ("sizes", "correlation", "solved"),
    [([1] * 10, 0.0, 0.0), ([1] * 10, 0.0, 0.2), ([4, 3, 3, 2], 0.4, 0.0), ([4, 3, 3, 2], 0.4, 0.2)],
)
def test_false_discoveries_stay_below_the_stated_rate(sizes: list[int], correlation: float, solved: float) -> None:
    """Every null item sits on the boundary, the worst case; 200 replications, three binomial standard errors.

    The correlation within families is estimated anew in each. A share in [0, 1] of mean `fdr` has at most the standard
    deviation of a coin of that mean.
    """
    rng = np.random.default_rng(7)
    items, replications, spec = 100, 200, SPEC.model_copy(update={"margin": 0.05})
    ability = np.full(items, 0.30)
    ability[: int(solved * items)] = 0.95
    shares, found = [], 0
    for _ in range(replications):
        votes = matrix(draw(ability, sizes, correlation, rng), families=named(sizes))
        dropped = np.array([not v.keep for v in judge({Mode.TEXT: votes}, spec)])
        shares.append((dropped & (ability < 0.5)).sum() / max(1, dropped.sum()))
        found += int((dropped & (ability > 0.5)).sum())
    assert np.mean(shares) <= spec.fdr + 3 * (spec.fdr * (1 - spec.fdr) / replications) ** 0.5
    assert found >= 0.25 * solved * items * replications


def test_taking_kin_for_strangers_would_break_the_promise() -> None:
    """What the test above guards against: four families of five, read as twenty independent models."""
    rng = np.random.default_rng(8)
    naive = SPEC.model_copy(update={"margin": 0.05, "family_correlation": 0.0})
    false = []
    for _ in range(100):
        votes = matrix(draw(np.full(200, 0.3), [5] * 4, 0.5, rng), families=named([5] * 4))
        false.append(any(not v.keep for v in judge({Mode.TEXT: votes}, naive)))
    assert np.mean(false) > 0.5


def test_the_50_percent_rule_on_guesses_is_as_published() -> None:
    """The figures of the method's review, by the rule itself: every number right of ten, weighted by the binomial."""
    every = matrix([[int(k > model) for k in range(11)] for model in range(10)])
    drops = np.array([not v.keep for v in judge({Mode.TEXT: every}, PAPER)])
    rates = np.array([binom.pmf(np.arange(11), 10, 1 / options) @ drops for options in (2, 3, 4, 5)])
    assert rates == pytest.approx([0.377, 0.077, 0.020, 0.006], abs=5e-4)
    assert 1 - (1 - rates) ** 2 == pytest.approx([0.61, 0.15, 0.04, 0.01], abs=5e-3)
    assert 1 - binom.pmf(np.arange(11), 10, 0.6) @ drops == pytest.approx(0.37, abs=5e-3)
    powers = filter_power({Mode.TEXT: every}, PAPER, judge({Mode.TEXT: every}, PAPER))
    assert [power.guessed for power in powers] == pytest.approx(rates)
    assert {power.critical for power in powers} == {6}


def test_power_is_what_simulation_finds() -> None:
    rng = np.random.default_rng(9)
    ability = np.repeat([0.25, 0.8, 0.95], [400, 4000, 400])
    votes = matrix(draw(ability, [1] * 10, 0.0, rng))
    verdicts = judge({Mode.TEXT: votes}, SPEC)
    power = next(p for p in filter_power({Mode.TEXT: votes}, SPEC, verdicts) if p.options == 4)
    found = np.mean([not v.keep for v in verdicts[400:4400]])
    expected = binom.sf(power.critical - 1, 10, 0.8)
    assert abs(found - expected) < 3 * (expected * (1 - expected) / 4000) ** 0.5
    assert power.ability is not None
    assert binom.sf(power.critical - 1, 10, power.ability) >= 0.8


def test_a_panel_that_can_find_nothing_keeps_all_and_says_so() -> None:
    votes = matrix([[1, 0, 1, 0], [1, 0, 0, 1]])
    verdicts = judge({Mode.TEXT: votes}, SPEC)
    assert all(v.keep for v in verdicts)
    powers = filter_power({Mode.TEXT: votes}, SPEC, verdicts)
    assert all(power.blind and power.ability is None and power.guessed == 0 for power in powers)
    assert filter_warnings({Mode.TEXT: votes}, powers) == [
        "text mode: 2 models (families: 2) are too few for the filter on this pool; an item of 4 options would be kept "
        "although every model is right"
    ]


def test_correlation_is_given_estimated_or_taken_at_its_worst() -> None:
    rng = np.random.default_rng(10)
    scores = draw(rng.beta(2, 3, 5000), [2, 2, 2], 0.5, rng)
    assert family_correlation(matrix(scores, families=named([2, 2, 2])), "estimate") == pytest.approx(0.5, abs=0.06)
    assert family_correlation(matrix(scores, families=["a"] * 6), "estimate") == 1.0
    assert family_correlation(matrix(scores), "estimate") == 0.0
    assert family_correlation(matrix(scores), 0.3) == 0.3
    one_family = judge({Mode.TEXT: matrix([[1]] * 10, families=["a"] * 10)}, SPEC)
    assert one_family[0].tests[Mode.TEXT].p == pytest.approx(0.25)


def test_posterior_is_calibrated() -> None:
    """Among items of like posterior, as many are above the margin as it says."""
    rng = np.random.default_rng(11)
    ability = rng.beta(1.5, 3, 20_000)
    tests = blind_tests(matrix(draw(ability, [1] * 8, 0.0, rng)), 0.1, "estimate")
    posterior = np.array([test.posterior for test in tests])
    for low in np.arange(0, 1, 0.2):
        inside = (posterior >= low) & (posterior < low + 0.2)
        assert (ability[inside] > 0.35).mean() == pytest.approx(posterior[inside].mean(), abs=0.03)


def test_what_nobody_and_everybody_solves_constant_models_and_gaps() -> None:
    scores = np.array([[1, 0, 1]] * 6 + [[0, 0, 0]] + [[1, 1, 1]] + [[NO_VOTE] * 3])
    votes = matrix(scores)
    verdicts = judge({Mode.TEXT: votes}, SPEC)
    assert [v.evidence[Mode.TEXT] for v in verdicts] == [(7, 8), (1, 8), (7, 8)]
    assert [v.keep for v in verdicts] == [False, True, False]
    told = filter_warnings({Mode.TEXT: votes}, filter_power({Mode.TEXT: votes}, SPEC, verdicts))
    assert told == [
        "text mode: m6 has no answer right; its votes count", "text mode: m7 has every answer right; its votes count"
    ]  # fmt: skip


def test_free_answers_have_no_chance_and_unknown_chance_is_an_error() -> None:
    free = matrix([[1, 0]] * 4)
    free.chance[:] = 0.0
    margin = SPEC.model_copy(update={"margin": 0.1})
    assert [v.keep for v in judge({Mode.TEXT: free}, margin)] == [False, True]
    free.chance[1] = np.nan
    with pytest.raises(InputError, match="item pool/1: how many options it has is not known"):
        judge({Mode.TEXT: free}, margin)
    with pytest.raises(InputError, match="the filter needs text mode"):
        judge({Mode.VIDEO: free}, margin)


def test_margin_that_nothing_exceeds(make_item: Callable[..., Item]) -> None:
    verdicts = judge({Mode.TEXT: matrix([[1]] * 10, options=2)}, SPEC.model_copy(update={"margin": 0.6}))
    assert verdicts[0].keep
    assert verdicts[0].tests[Mode.TEXT].p == 1
    assert verdicts[0].tests[Mode.TEXT].posterior == 0

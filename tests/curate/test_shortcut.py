"""A shortcut that was planted is found, one that is not there is not, and real benchmarks are as they are known."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from apollobench.cli import app
from apollobench.curate.shortcut import (
    LEARNED,
    Line,
    Options,
    find_shortcut,
    fixed_rules,
    groups_of,
    pairs_of,
    shortcut_lines,
    standing,
)
from apollobench.errors import InputError
from apollobench.sources import load_items
from apollobench.stats.clusters import partition
from apollobench.types import Item

ITEMS, OPTIONS = 400, 4
WORDS = np.array([f"w{i}" for i in range(60)])


def world(seed: int, mark: str | None = None) -> tuple[list[str], list[list[str]], list[int]]:
    """Random words, a random key; with `mark`, the word is in 70 % of the keys and 10 % of the others."""
    rng = np.random.default_rng(seed)
    options = [[" ".join(rng.choice(WORDS, 4)) for _ in range(OPTIONS)] for _ in range(ITEMS)]
    keys = rng.integers(OPTIONS, size=ITEMS).tolist()
    if mark:
        for each, key in zip(options, keys, strict=True):
            for place in range(OPTIONS):
                if rng.random() < (0.7 if place == key else 0.1):
                    each[place] += f" {mark}"
    return [f"what of {rng.choice(WORDS)}" for _ in range(ITEMS)], options, keys


def learned(questions: Sequence[str], options: Options, keys: Sequence[int]) -> Line:
    videos = partition([i // 2 for i in range(len(keys))])
    found = find_shortcut(pairs_of(questions, options, keys), videos, folds=4, seed=0)
    lines = shortcut_lines(found, {"all": np.ones(len(keys), dtype=np.bool_)}, videos, 0.95)
    return next(line for line in lines if line.predictor == LEARNED)


def test_a_planted_shortcut_is_found() -> None:
    """The best guess takes a marked option: right in .7 (1 / (1 + the others marked)) + .3 .9^3 / 4 of the items."""
    line = learned(*world(0, "surely"))
    ways = sum(p / (1 + n) for n, p in enumerate([0.729, 0.243, 0.027, 0.001]))
    best = 0.7 * ways + 0.3 * 0.729 / 4
    assert line.above.low > 0.25
    assert line.accuracy.low < best < line.accuracy.high
    assert line.chance == 0.25


@pytest.mark.parametrize("seed", range(3))
def test_without_one_the_interval_covers_chance(seed: int) -> None:
    questions, options, keys = world(seed, "surely")
    shuffled = np.random.default_rng(seed).permutation(keys).tolist()
    line = learned(questions, options, shuffled)
    assert line.above.low <= 0 <= line.above.high


def test_a_shortcut_within_a_video_is_none() -> None:
    """A word of its own for each video marks its keys: known only to who has seen the video."""
    questions, options, keys = world(1)
    for i, (each, key) in enumerate(zip(options, keys, strict=True)):
        for place in range(OPTIONS):
            each[place] += f" {'k' if place == key else 'abcd'[place]}{i // 2:03d}"
    assert learned(questions, options, keys).above.low <= 0


def test_probabilities_are_those_of_the_options() -> None:
    questions, options, keys = world(2, "surely")
    options[0] = options[0][:2]
    keys[0] = 1
    pairs = pairs_of(questions, options, keys)
    found = find_shortcut(pairs, partition(list(range(ITEMS))), folds=4, seed=0)
    assert (found.chance[0], found.chance[1]) == (1 / 2, 1 / 4)
    assert ((found.probability > 0) & (found.probability < 1)).all()
    sure = found.right == 1
    assert (found.choice[sure] == np.array(keys)[sure]).all()
    assert (found.probability[sure] >= found.chance[sure]).all()
    again = find_shortcut(pairs, partition(list(range(ITEMS))), folds=4, seed=0)
    np.testing.assert_array_equal(found.probability, again.probability)


def test_rules_share_what_they_cannot_tell_apart() -> None:
    pairs = pairs_of(["what is red", "why"], [["a red dog", "a cat", "no cat on it"], ["yes", "not"]], [0, 1])
    rules = fixed_rules(pairs)
    assert rules["longest option"].tolist() == [0, 0.5]
    assert rules["shortest option"].tolist() == [0, 0.5]
    assert rules["option most like the question"].tolist() == [1, 0.5]
    likeness = standing(pairs)["like the others"]
    assert likeness[:3] == pytest.approx([(1 / 4 + 0) / 2, (1 / 4 + 1 / 5) / 2, (0 + 1 / 5) / 2])


@pytest.mark.parametrize(("keys", "expected"), [([0], "2 questions"), ([0, 2], "not among")])
def test_lists_that_do_not_belong_together_are_refused(keys: list[int], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        pairs_of(["a", "b"], [["x", "y"], ["x", "y"]], keys)


def test_fewer_videos_than_folds_are_refused() -> None:
    with pytest.raises(InputError, match="5 folds need as many videos, and there are 2"):
        find_shortcut(pairs_of(["a", "b"], [["x", "y"]] * 2, [0, 1]), partition([0, 1]), folds=5, seed=0)


def test_groups_are_sources_and_categories(make_item: Callable[..., Item]) -> None:
    items = [
        make_item(1, source="nextqa", native={"type": "CW"}),
        make_item(2, source="nextqa", native={"type": "odd"}),
        make_item(3, source="toy", category="Spatial"),
    ]
    masks = {name: mask.tolist() for name, mask in groups_of(items).items()}
    assert masks == {
        "all": [True, True, True],
        "source nextqa": [True, True, False],
        "source toy": [False, False, True],
        "Reasoning": [True, False, False],
        "Spatial": [False, False, True],
    }
    assert set(groups_of(items[:1])) == {"all"}


@pytest.mark.parametrize(
    ("source", "chance", "alone", "divided"),
    [("longvideobench", 0.213, 0.301, 0.341), ("egoschema", 0.2, 0.068, 0.0745)],
)
def test_the_longest_option_of_real_benchmarks(
    shared_annotations: Path, source: str, chance: float, alone: float, divided: float
) -> None:
    """alone: how often it is the key and no other is as long, which is how the rule is usually counted."""
    items = load_items(source, {"skip_malformed": True}, shared_annotations)
    pairs = pairs_of([i.question for i in items], [i.options for i in items], [i.answer for i in items])
    right = fixed_rules(pairs)["longest option"]
    assert np.mean([1 / len(item.options) for item in items]) == pytest.approx(chance, abs=5e-4)
    assert (right == 1).mean() == pytest.approx(alone, abs=5e-4)
    assert right.mean() == pytest.approx(divided, abs=5e-4)


def test_the_command_finds_what_a_real_benchmark_gives_away(shared_annotations: Path, tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    told = CliRunner().invoke(
        app, ["shortcut", "--sources", "mlvu", "--data_root", str(shared_annotations), "--output_path", str(path)]
    )
    assert told.exit_code == 0, told.output
    assert "the text gives keys away." in told.output
    assert "| longest option" in told.output
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2153
    assert np.mean([float(row["right"]) for row in rows]) > 0.45
    assert {row["category"] for row in rows} == {""}


def test_the_command_asks_for_one_thing() -> None:
    told = CliRunner().invoke(app, ["shortcut"])
    assert told.exit_code == 2
    assert "Give either a benchmark's folder or --sources NAMES" in told.output


@pytest.fixture(scope="module")
def shared_annotations(shared: Path) -> Path:
    return shared / "data" / "annotations"

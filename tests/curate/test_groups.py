"""Groups of items, and the redundancy between groups that share items."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from apollobench.curate.answers import Answers
from apollobench.curate.groups import groups_of, item_labels
from apollobench.curate.matrix import Matrix, matrix_of
from apollobench.curate.overlap import accuracy_on, group_scores, redundancy_of_items, without_shared
from apollobench.errors import InputError
from apollobench.types import Item, Mode


def test_labels(make_item: Callable[..., Item]) -> None:
    items = [make_item(0, options=2, native={"duration": "short"}), make_item(1, category="OCR", source="x")]
    assert item_labels(items, "source") == ["toy", "x"]
    assert item_labels(items, "category") == ["(none)", "OCR"]
    assert item_labels(items, "options") == ["2 options", "4 options"]
    assert item_labels(items, "duration") == ["short", "(none)"]
    with pytest.raises(InputError, match="label 'length'; valid groups: source, category, options, duration"):
        item_labels(items, "length")
    assert {name: mask.tolist() for name, mask in groups_of(["a", "b"]).items()} == {
        "all": [True, True],
        "a": [True, False],
        "b": [False, True],
    }
    assert list(groups_of(["a", "a"])) == ["a"]


def test_shared_items_leave_the_larger_side() -> None:
    a, b, c = (np.array(bits, bool) for bits in ([1, 1, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]))
    assert [x.tolist() if isinstance(x, np.ndarray) else x for x in without_shared(a, b)] == [
        [True, True, False, False],
        [False, False, True, True],
        2,
    ]
    first, second, shared = without_shared(b, a)
    assert (first.tolist(), second.tolist(), shared) == ([False, False, True, True], a.tolist(), 2)
    first, second, shared = without_shared(a, c)
    assert (first.nonzero()[0].tolist(), second.nonzero()[0].tolist(), shared) == ([0], [2], 1)


@pytest.fixture
def matrix(make_answers: Callable[..., Answers], make_item: Callable[..., Item]) -> Matrix:
    """Twelve models that guess: two halves of the items have nothing in common but the models."""
    rng = np.random.default_rng(0)
    items = [make_item(i, category="OCR" if i < 60 else "Spatial") for i in range(120)]
    marks = {f"m{m}": {Mode.VIDEO: "".join(rng.choice(["0", "1"], 120))} for m in range(12)}
    return matrix_of(make_answers(marks, items), Mode.VIDEO, {f"m{m}": f"f{m // 2}" for m in range(12)})


def test_a_part_correlates_with_the_rest_and_not_with_itself(matrix: Matrix) -> None:
    groups = groups_of(list(matrix.categories))
    found = redundancy_of_items(matrix, groups)
    pairs = {(p.first, p.second): p for p in found.pairs}
    part, apart = pairs["all", "OCR"], pairs["OCR", "Spatial"]
    assert (part.shared, apart.shared) == (60, 0)
    assert (found.models, found.families) == (12, 6)
    assert part.found is not None
    assert apart.found is not None
    assert part.found.pearson.value == pytest.approx(apart.found.pearson.value)
    scores = group_scores(matrix, groups)
    raw = np.corrcoef(scores["all"], scores["OCR"])[0, 1]
    assert raw > part.found.pearson.value + 0.3


def test_the_same_items_twice_leave_nothing(matrix: Matrix) -> None:
    whole = np.ones(120, bool)
    (pair,) = redundancy_of_items(matrix, {"a": whole, "b": whole}).pairs
    assert (pair.why, pair.shared) == ("nothing is left without the shared items", 120)
    assert np.isnan(accuracy_on(matrix, ~whole)).all()

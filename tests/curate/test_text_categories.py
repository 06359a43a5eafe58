"""The text categorizer learns what wording goes with which category, and says how well, and where it does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apollobench.curate.categorize import Sorting, categorize
from apollobench.curate.decisions import Decision
from apollobench.errors import InputError
from apollobench.recipe.categorize import TextCategories
from apollobench.report.categories import quality_markdown
from apollobench.sources import load_items
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.world import draw_scene
from apollobench.types import CATEGORIES, Item, Video

SPEC = TextCategories(method="text", words=1, min_items=2, c=1.0, folds=5, seed=0)


@pytest.fixture(scope="module")
def world() -> list[Item]:
    """Questions of the generated world, with the category that it knows."""
    return [
        item
        for seed in range(1_000_000, 1_000_060)
        for item in ask(draw_scene(seed), Video(str(seed), Path(f"/{seed}.mp4")))
    ]


@pytest.fixture(scope="module")
def half(world: list[Item]) -> tuple[list[Item], Sorting]:
    """Every other video without its labels, sorted."""
    hidden = [replace(item, native={}) if int(item.video.id) % 2 else item for item in world]
    return hidden, categorize(hidden, SPEC)


def test_what_has_no_label_is_sorted_by_its_wording(world: list[Item], half: tuple[list[Item], Sorting]) -> None:
    hidden, sorting = half
    assert [entry.item.id for entry in sorting.categorized] == [item.id for item in world]
    told = [entry.provenance.partition(":")[0] for entry in sorting.categorized]
    assert told == ["native" if item.native else "text" for item in hidden]
    right = [
        e.item.category == w.category for e, w in zip(sorting.categorized, world, strict=True) if e.origin == "text"
    ]
    assert sorting.quality is not None
    estimate = sorting.quality.accuracy
    assert estimate.low - 0.05 <= np.mean(right) <= estimate.high + 0.05, (
        "the cross-validation speaks of items like these"
    )
    assert np.mean(right) > 0.9 > sorting.quality.majority.high
    assert not sorting.warnings


def test_a_probability_stands_in_the_provenance(half: tuple[list[Item], Sorting]) -> None:
    likely = [float(e.provenance.removeprefix("text:p=")) for e in half[1].categorized if e.origin == "text"]
    assert len(likely) > 100
    assert all(0.2 <= p <= 1 for p in likely)


def test_it_gives_the_same_twice(half: tuple[list[Item], Sorting]) -> None:
    assert categorize(half[0], SPEC) == half[1]


def test_labels_that_say_nothing_leave_the_accuracy_at_the_majority(make_item: Callable[..., Item]) -> None:
    rng = np.random.default_rng(0)
    labels = ["CW", "CH"]
    words = [f"w{i}" for i in range(30)]
    items = [
        replace(
            make_item(i, source="nextqa", video=f"v{i // 2}", native={"type": str(rng.choice(labels, p=[0.6, 0.4]))}),
            question=" ".join(rng.choice(words, 5)),
        )
        for i in range(300)
    ]
    quality = categorize(items, SPEC).quality
    assert quality is not None
    assert quality.accuracy.low < quality.majority.value
    assert set(quality.found) == {"Reasoning", "Perception"}
    assert sum(estimate.n for estimate in quality.found.values()) == 300


def test_a_video_is_in_one_fold_only(make_item: Callable[..., Item]) -> None:
    """A word that belongs to one video and its category cannot help: all its questions are in one fold."""
    rng = np.random.default_rng(0)
    kinds = rng.choice(["CW", "CH"], 60)
    items = [
        replace(
            make_item(i, source="nextqa", video=f"v{i // 5}", native={"type": kinds[i // 5]}), question=f"v{i // 5}"
        )
        for i in range(300)
    ]
    quality = categorize(items, SPEC).quality
    assert quality is not None
    assert quality.accuracy.value < 0.7


def test_decisions_teach_and_override(make_item: Callable[..., Item]) -> None:
    questions = ["why does he run", "how many birds are there"]
    items = [replace(make_item(i, video=f"v{i}"), question=questions[i % 2]) for i in range(20)]
    decided = {
        item.id: Decision(item.id, "category", ["Reasoning", "Perception"][i % 2], "", "", "ada", "2026-05-01T09:00Z")
        for i, item in enumerate(items[:12])
    }
    sorting = categorize(items, SPEC, decided=decided)
    assert [e.item.category for e in sorting.categorized] == ["Reasoning", "Perception"] * 10
    assert [e.provenance for e in sorting.categorized[:12]] == ["decision:ada"] * 12
    assert {e.origin for e in sorting.categorized[12:]} == {"text"}
    assert sorting.warnings == (
        "no labelled item is of OCR, Egocentric, Spatial: the text categorizer can never say so",
    )


def test_nothing_to_learn_from_is_an_error(make_item: Callable[..., Item]) -> None:
    with pytest.raises(
        InputError, match=r"none of 3 has a usable label or a decision. toy/0: categories.yaml has no map"
    ):
        categorize([make_item(i) for i in range(3)], SPEC)
    few = [make_item(i, source="nextqa", native={"type": "CW"}) for i in range(3)]
    with pytest.raises(InputError, match="5 folds need as many videos, and there are 3"):
        categorize(few, SPEC)
    strange = [
        replace(make_item(i, source="nextqa", native={"type": ["CW", "CH"][i % 2]}), question=f"{i}") for i in range(9)
    ]
    with pytest.raises(InputError, match="no word occurs in 2 of"):
        categorize(strange, SPEC)


def test_without_scikit_learn_it_says_what_to_install(tmp_path: Path) -> None:
    script = """
import sys
sys.modules["sklearn"] = sys.modules["sklearn.feature_extraction.text"] = None
from apollobench.curate.textmodel import tfidf
from apollobench.errors import InputError
try:
    tfidf(1, 1)
except InputError as error:
    print(error)
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout == "learning from text needs scikit-learn; pip install 'apollobench[text]'\n"


def test_on_real_questions_it_is_right_at_home_and_lost_abroad(shared: Path) -> None:
    """Wording tells the category within a source, and next to nothing on another: the report says both."""
    root = shared / "data" / "annotations"
    items = [
        *load_items("nextqa", {"split": "val", "skip_malformed": True}, root),
        *load_items("mvbench", {"skip_malformed": True}, root),
        *(replace(item, native={}) for item in load_items("egoschema", {"skip_malformed": True}, root)),
    ]
    sorting = categorize(items, SPEC)
    quality = sorting.quality
    assert quality is not None
    assert (quality.accuracy.n, set(quality.found)) == (8985, set(CATEGORIES))
    assert quality.accuracy.value == pytest.approx(0.988, abs=0.003)
    assert quality.majority.value == pytest.approx(0.620, abs=0.001)
    right = {source: estimate.value for source, (estimate, _) in quality.abroad.items()}
    assert right == {"nextqa": pytest.approx(0.610, abs=0.02), "mvbench": pytest.approx(0.713, abs=0.02)}
    (warning,) = sorting.warnings
    assert warning.startswith(
        "the 499 items of egoschema were sorted by what other sources' questions teach; tried so,"
    )
    assert "| nextqa  |  4992 |" in quality_markdown(quality)

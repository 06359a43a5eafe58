"""Without one family of the panel: known sets, stability, refusals, and a large pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apollobench.curate.answers import Answers
from apollobench.curate.categorize import Categorized
from apollobench.curate.jackknife import jaccard, jackknife
from apollobench.errors import InputError
from apollobench.recipe import Recipe, load_recipe
from apollobench.report.stability import jackknife_markdown, write_jackknife
from apollobench.types import CATEGORIES, Item, Mode

PANEL = ("qwen2-vl-2b", "qwen2-vl-7b", "longva-7b", "vila-1.5-3b")


def recipe(**changes: object) -> Recipe:
    base = {"panel": list(PANEL), "held_out": [], "filter.min_votes": 3, "filter.modes": ["text"], "select.size": 5}
    return load_recipe("synthetic", base | {name.replace("__", "."): value for name, value in changes.items()}).recipe


def sort_items(items: Sequence[Item]) -> list[Categorized]:
    return [Categorized(item, "") for item in items]


@pytest.fixture
def panel(make_item: Callable[..., Item], make_answers: Callable[..., Answers]) -> Answers:
    """Item 0 is dropped for the sake of the two qwen models; 1 is blind to all; the others hold."""
    items = [replace(make_item(i), category=CATEGORIES[i % 5]) for i in range(10)]
    text = dict(zip(PANEL, ["11" + "0" * 8, "11" + "0" * 8, "11" + "0" * 8, "01" + "0" * 8], strict=True))
    video = dict(zip(PANEL, ["1" * 10, "1" * 10, "0" * 10, "1010101010"], strict=True))
    return make_answers({m: {Mode.TEXT: text[m], Mode.VIDEO: video[m]} for m in PANEL}, items)


def test_families_go_together_and_the_rest_decides(panel: Answers) -> None:
    found = jackknife(recipe(), panel, sort_items(panel.items))
    assert [(r.left_out, r.models) for r in found.replicates] == [
        ("qwen2-vl", 2), ("longva", 3), ("vila-1.5", 3)
    ]  # fmt: skip
    assert not found.by_model
    assert found.whole.kept.tolist() == [False, False] + [True] * 8
    assert found.replicates[0].kept.tolist() == [True, False] + [True] * 8  # one of two is not more than half
    assert found.kept_in[:3] == pytest.approx([1 / 3, 0, 1])
    assert jaccard(found.whole.kept, found.replicates[0].kept) == pytest.approx(8 / 9)
    assert found.whole.selected.sum() == 5
    assert (found.selected_in <= found.kept_in).all()


def test_the_report_says_all_of_it(panel: Answers, tmp_path: Path) -> None:
    found = jackknife(recipe(), panel, sort_items(panel.items))
    text = write_jackknife(found, tmp_path / "made")
    assert "qwen2-vl" in text
    assert "88.9" in text  # Jaccard of 8 of 9
    rows = (tmp_path / "made" / "stability.csv").read_text().splitlines()
    assert rows[0] == "item,category,kept,selected,kept_in,selected_in"
    assert rows[2].startswith("toy/1,Egocentric,0,0,0.0,")
    assert len(rows) == 11


def test_one_family_goes_model_by_model_and_one_model_not_at_all(panel: Answers) -> None:
    kin = replace(panel, models=("apollo-1.5b", "apollo-3b", "apollo-7b", "apollo-tiny@other"))
    found = jackknife(recipe(), kin.only(kin.models[:3]), sort_items(panel.items))
    assert found.by_model
    assert [r.left_out for r in found.replicates] == ["apollo-1.5b", "apollo-3b", "apollo-7b"]
    assert "All models are of one family" in jackknife_markdown(found)
    with pytest.raises(InputError, match="the panel is one model"):
        jackknife(recipe(), panel.only(PANEL[:1]), sort_items(panel.items))


def test_a_replicate_that_keeps_nothing_is_told_and_not_fatal(
    panel: Answers, make_answers: Callable[..., Answers]
) -> None:
    blind = {PANEL[0]: "1", PANEL[1]: "1", PANEL[2]: "0", PANEL[3]: "0"}
    answers = make_answers({m: {Mode.TEXT: text * 10, Mode.VIDEO: "10" * 5} for m, text in blind.items()}, panel.items)
    found = jackknife(recipe(), answers, sort_items(panel.items))
    assert found.whole.kept.all()
    longva = found.replicates[1]
    assert not longva.kept.any()
    assert longva.refused.startswith("no item survived the filter")
    assert "Without longva: no item survived" in jackknife_markdown(found)


def test_the_tests_of_chance_aware_are_repeated_too(panel: Answers) -> None:
    rule = {
        "method": "chance_aware", "modes": ["text"], "margin": 0.0, "fdr": 0.2, "family_correlation": 0.0,
        "shifts": False, "min_votes": 2,
    }  # fmt: skip
    spec = recipe().model_dump(mode="json") | {"filter": rule}
    found = jackknife(Recipe.model_validate(spec), panel, sort_items(panel.items))
    assert not found.whole.kept[1]
    assert found.kept_in[1] < 1


def test_forty_thousand_items_and_ten_models(make_item: Callable[..., Item]) -> None:
    """The size of the paper's pool, on the paper's panel: every family once, in memory."""
    panel = load_recipe("apollobench").recipe.panel
    rng = np.random.default_rng(0)
    items = tuple(replace(make_item(i, video=f"v{i // 4}"), category=CATEGORIES[i % 5]) for i in range(40_000))
    ability = rng.beta(2, 3, len(items))
    wrong = {mode: rng.random((10, len(items))) > ability for mode in (Mode.TEXT, Mode.VIDEO)}
    choice = {mode: mask.astype(np.int8) for mode, mask in wrong.items()}
    answers = Answers(items, panel, {mode: np.zeros_like(c) for mode, c in choice.items()}, choice)
    found = jackknife(recipe(select__size=400), answers, sort_items(items))
    assert len(found.replicates) == 6
    assert found.whole.selected.sum() == 400
    assert 0 < found.selected_in[found.whole.selected].mean() < 1

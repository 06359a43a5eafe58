"""Which recipe a command means: sources take the place of those that a recipe lists, all else stays."""

from __future__ import annotations

import pytest

from apollobench.arguments import categorizer_changes, choose_recipe, parse_counts, parse_engine, parse_size
from apollobench.errors import InputError
from apollobench.evaluate.cluster.options import ClusterOptions
from apollobench.recipe import load_recipe

SKIP = {"skip_malformed": True}


def test_a_source_with_a_recipe_of_its_own_uses_it() -> None:
    assert choose_recipe("synthetic", None, {}) == load_recipe("synthetic")
    assert choose_recipe(None, "apollobench", {}) == load_recipe("apollobench")


def test_others_go_through_the_full_procedure_with_the_options_it_gives_them() -> None:
    full = load_recipe("apollobench").recipe
    file = choose_recipe("mvbench, mlvu", None, {"select.size": 20})
    assert [(source.name, source.options) for source in file.recipe.sources] == [
        ("mvbench", {}),
        ("mlvu", {"split": "dev", **SKIP}),
    ]
    assert (file.recipe.name, file.recipe.panel, file.recipe.select.size) == ("mvbench+mlvu", full.panel, 20)
    assert set(file.overrides) == {"select.size", "sources", "name"}
    assert file.text == load_recipe("apollobench").text


def test_a_named_recipe_gives_the_procedure() -> None:
    file = choose_recipe("csv:data/my own.csv", "synthetic", {})
    assert (file.name, file.recipe.name) == ("synthetic.yaml", "csv-data-my-own.csv")
    assert [source.name for source in file.recipe.sources] == ["csv:data/my own.csv"]
    assert file.recipe.panel == load_recipe("synthetic").recipe.panel
    assert choose_recipe("synthetic", "synthetic", {}) == load_recipe("synthetic")


def test_a_flag_reaches_every_source_that_has_it() -> None:
    file = choose_recipe("videomme,mlvu,mvbench", None, {}, {"subtitles": True, "skip_malformed": True})
    options = {source.name: source.options for source in file.recipe.sources}
    assert options == {
        "videomme": {"split": "test", "subtitles": True, **SKIP},
        "mlvu": {"split": "dev", **SKIP},
        "mvbench": SKIP,
    }
    off = choose_recipe("synthetic", None, {}, {"subtitles": False, "skip_malformed": False})
    assert off == load_recipe("synthetic")


@pytest.mark.parametrize(
    ("names", "recipe", "flags", "expected"),
    [
        (None, None, {}, "nothing to curate; name sources with --sources, or a recipe with --recipe"),
        ("mlvu,videomme2", None, {}, "unknown source 'videomme2'; there are csv:PATH"),
        ("mlvu,mlvu", None, {}, "mlvu is named twice"),
        ("mlvu", "no such", {}, "no recipe called 'no such'"),
        ("mlvu,nextqa", None, {"subtitles": True}, "--subtitles: none of the sources mlvu, nextqa has this option"),
    ],
)
def test_what_cannot_be_meant_is_told(
    names: str | None, recipe: str | None, flags: dict[str, bool], expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        choose_recipe(names, recipe, {}, flags)
    assert expected in str(caught.value)


def test_counts_are_whole_and_positive() -> None:
    assert parse_counts("50, 100") == (50, 100)
    for wrong in ("", "50,", "0", "ten", "-3", "2.5"):
        with pytest.raises(InputError, match="is no number of items"):
            parse_counts(wrong)


def test_another_categorizer_brings_its_shipped_settings_which_arguments_change() -> None:
    file = load_recipe("synthetic")
    assert categorizer_changes(file, None, "") == {}
    assert categorizer_changes(file, "native", "") == {}
    text = load_recipe("synthetic", categorizer_changes(file, "text", "folds=3,c=0.5")).recipe.categorize
    assert text.model_dump() == {"method": "text", "words": 1, "min_items": 2, "c": 0.5, "folds": 3, "seed": 0}
    changes = categorizer_changes(file, "http", "base_url=http://localhost:8000/v1,model=m,body.max_tokens=null")
    http = load_recipe("synthetic", changes)
    assert http.recipe.categorize.model_dump()["body"] == {"max_tokens": None}
    assert http.overrides["categorize.model"] == "m"
    own = categorizer_changes(http, "http", "sample=9")
    assert own == {"categorize.sample": 9}, "a recipe's own settings stay"


@pytest.mark.parametrize(
    ("method", "arguments", "expected"),
    [
        ("clip", "", "--categorizer: unknown method 'clip'; valid: native, text, http"),
        ("text", "folds", "categorizer_args: 'folds' is no pair"),
        ("text", "fold=3", "categorize.fold: unknown key (did you mean folds?)"),
        ("http", "model=m", "categorize.base_url: missing; it has to be given"),
    ],
)
def test_a_categorizer_that_cannot_be_meant_is_told(method: str, arguments: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        load_recipe("synthetic", categorizer_changes(load_recipe("synthetic"), method, arguments))
    assert expected in str(caught.value)


def test_sizes_are_in_powers_of_ten() -> None:
    assert [parse_size(text) for text in ("0", "12", "500MB", "20 gb", "1.5T")] == [
        0,
        12,
        5 * 10**8,
        2 * 10**10,
        15 * 10**11,
    ]
    for wrong in ("", "GB", "-1GB", "20 miles", "1e9"):
        with pytest.raises(InputError, match=r"is no size; expected such as 500MB, 20GB or 1.5TB"):
            parse_size(wrong)


def test_settings_of_a_cluster_need_one() -> None:
    assert parse_engine("local", None, None, None) is None
    assert parse_engine("ray", None, 0.5, 3) == ClusterOptions("auto", 0.5, 3)
    with pytest.raises(InputError, match="add --engine ray"):
        parse_engine("local", None, 1.0, None)
    with pytest.raises(InputError, match="unknown 'dask'; valid: local, ray"):
        parse_engine("dask", None, None, None)

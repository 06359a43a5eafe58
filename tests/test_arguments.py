"""Which recipe a command means: sources take the place of those that a recipe lists, all else stays."""

from __future__ import annotations

import pytest

from apollobench.arguments import choose_recipe, parse_size
from apollobench.errors import InputError
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

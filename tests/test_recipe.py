"""A recipe says everything or is refused, with file, line and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.recipe import Recipe, load_recipe, shipped_recipes
from apollobench.types import Mode
from apollobench.yamlfile import parse_yaml


@pytest.fixture(scope="module")
def paper() -> str:
    return load_recipe("apollobench").text


def test_every_shipped_recipe_is_valid() -> None:
    assert "apollobench" in shipped_recipes()
    for name in shipped_recipes():
        assert load_recipe(name).recipe.name == name


def test_the_paper_s_recipe_says_what_the_paper_did(paper: str) -> None:
    recipe = parse_yaml(paper, "apollobench.yaml", Recipe)
    assert len(recipe.panel) == 10
    assert len(recipe.sources) == 6
    assert set(recipe.modes) == {Mode.TEXT, Mode.FRAME, Mode.VIDEO}
    assert (recipe.filter.threshold, recipe.filter.modes) == (0.5, (Mode.TEXT, Mode.FRAME))
    assert (recipe.select.method, recipe.select.size) == ("entropy", 400)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("threshold: 0.5", "treshold: 0.5", "filter.treshold: unknown key (did you mean threshold?); valid keys here:"),
        ("size: 400", "sise: 400", "select.sise: unknown key (did you mean size?)"),
        ("size: 400", "size: '400'", "select.size: Input should be a valid integer, found '400'"),
        ("size: 400", "size: 0", "greater than or equal to 1, found 0"),
        ("size: 400", "size: true", "valid integer, found True"),
        ("threshold: 0.5", "threshold: .nan", "filter.threshold"),
        ("method: entropy", "method: entropie", "select: method is 'entropie'; valid: 'entropy', "),
        ("quotas: balanced", "quotas: {OCR: 30}", "quotas add up to 30, size is 400"),
        ("max_budget: null", "max_budget: -1", "select.max_budget: Input should be greater than 0"),
        ("source_mix: null", "source_mix: {mlvu: [0.6, 0.5]}", "the least share of mlvu is above its largest"),
        ("source_mix: null", "source_mix: {mlvu: [0.6, 1], nextqa: [0.5, 1]}", "least shares add up to more than 1"),
        ("method: entropy", "# none", "select: method missing; it has to be given"),
        ("method: entropy", "method: stratified\n  shares: [0.5]", "select.shares: unknown key"),
        ("method: entropy", "method: apollo+", "select.shares: missing"),
        ("quotas: balanced", "quotas: {Smell: 400}", "unknown category 'Smell'; valid: OCR, Egocentric"),
        ("min_votes: 6", "min_votes: 60", "panel of 10, but filter.min_votes asks for 60"),
        ("  - apollo-7b", "  - vila-1.5-8b", "vila-1.5-8b is in panel and in held_out"),
        ("  - vila-1.5-3b", "  - vila-1.5-8b", "panel: vila-1.5-8b is named twice"),
        ("modes: [text, frame, video]", "modes: [text, frame]", "needs mode video"),
        ("modes: [text, frame, video]", "modes: [text, frames]", "modes[1]"),
        ("name: apollobench\n", "", "name: missing; it has to be given"),
        ("name: apollobench\n", "name: a\nname: b\n", "name is given twice (first on line"),
        ("name: apollobench\n", "name: [\n", "not valid YAML"),
        ("  tie_break: hash", "  #", "select.tie_break: missing"),
        ("  method: native", "  method: nativ", "categorize: method is 'nativ'; valid: 'native', "),
        ("  method: native", "  method: text", "categorize.words: missing; it has to be given"),
    ],
)
def test_a_mistake_is_named_with_its_place(paper: str, old: str, new: str, expected: str) -> None:
    assert old in paper
    with pytest.raises(InputError) as caught:
        parse_yaml(paper.replace(old, new, 1), "mine.yaml", Recipe)
    assert expected in str(caught.value)
    assert str(caught.value).startswith("mine.yaml")


def test_an_error_gives_the_line(paper: str) -> None:
    wrong = paper.replace("max_per_video: null", "max_per_clip: null", 1)
    line = next(i for i, text in enumerate(wrong.splitlines(), 1) if "max_per_clip" in text)
    with pytest.raises(InputError, match=rf"mine.yaml:{line}: select.max_per_clip: unknown key"):
        parse_yaml(wrong, "mine.yaml", Recipe)


@pytest.mark.parametrize("text", ["", "- a list", "just words"])
def test_a_file_that_is_not_a_recipe_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected keys and values at the top"):
        parse_yaml(text, "mine.yaml", Recipe)


def test_overrides_are_validated_and_recorded() -> None:
    plain, small = load_recipe("apollobench"), load_recipe("apollobench", {"select.size": 50})
    assert small.recipe.select.size == 50
    assert small.overrides == {"select.size": 50}
    assert small.text == plain.text
    assert small.fingerprint != plain.fingerprint
    with pytest.raises(InputError, match=r"select\.sizes: unknown key"):
        load_recipe("apollobench", {"select.sizes": 50})


def test_comments_do_not_change_the_fingerprint(tmp_path: Path, paper: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("# another comment\n" + paper)
    assert load_recipe(path).fingerprint == load_recipe("apollobench").fingerprint


def test_an_unknown_recipe_lists_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no recipe called 'nonsense'; shipped: apollobench"):
        load_recipe("nonsense")
    with pytest.raises(InputError, match=r"nowhere.yaml: cannot be read"):
        load_recipe(tmp_path / "nowhere.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a UTF-8 text file"):
        load_recipe(tmp_path / "bytes.yaml")


def test_an_address_with_a_password_stays_out_of_recipes(paper: str) -> None:
    changes = {
        "categorize": {"method": "http", "api_key_env": None, "model": "m", "max_new_tokens": 9, "body": {}},
        "categorize.sample": 0,
        "categorize.seed": 0,
        "categorize.base_url": "http://me:word@localhost/v1",
    }
    with pytest.raises(InputError) as caught:
        parse_yaml(paper, "mine.yaml", Recipe, changes)
    assert "categorize.base_url: holds a user or password" in str(caught.value)
    assert "word@" not in str(caught.value)

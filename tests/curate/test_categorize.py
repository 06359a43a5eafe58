"""Categories come from the source's labels through a complete map, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from apollobench.content import content_path
from apollobench.curate.categorize import CATEGORIZERS, Categories, Categorized, categorize, read_categories
from apollobench.curate.validate import score_categories
from apollobench.errors import InputError
from apollobench.recipe.categorize import NativeCategories
from apollobench.sources.synthetic.questions import ask
from apollobench.sources.synthetic.world import draw_scene
from apollobench.types import CATEGORIES, Item, Video
from apollobench.yamlfile import parse_yaml, read_text

SPEC = NativeCategories(method="native")


def native(items: Sequence[Item], spec: NativeCategories) -> tuple[Categorized, ...]:
    return categorize(items, spec).categorized


def test_every_category_has_a_definition_and_examples() -> None:
    found = read_categories()
    assert set(found.definitions) == set(CATEGORIES)
    for definition in found.definitions.values():
        assert definition.definition
        assert definition.excludes
        assert len(set(definition.examples)) >= 2


def test_every_label_of_the_generated_world_has_a_category() -> None:
    seen = set()
    for seed in range(1_000_000, 1_000_060):
        items = ask(draw_scene(seed), Video(str(seed), Path(f"/{seed}.mp4")), everything=True)
        seen |= {entry.item.category for entry in native(items, SPEC)}
    assert seen == set(CATEGORIES)


@pytest.mark.parametrize(
    ("wording", "category"),
    [
        (r"\bword\b|town is named", "OCR"),
        (r"\bI\b", "Egocentric"),
        (r"(?<!show)\bpost\b.*\?|arrow", "Spatial"),
        (r"comes next|always follows|lets go|made the lamp", "Reasoning"),
        (r"ground|does the video show|shapes? (are|move)|heavier|board\?", "Perception"),
    ],
)
def test_labels_lead_where_the_questions_wording_does(wording: str, category: str) -> None:
    """The map from labels against the text that is asked, which the map does not read."""
    found = 0
    for seed in range(1_000_000, 1_000_040):
        items = ask(draw_scene(seed), Video(str(seed), Path(f"/{seed}.mp4")), everything=True)
        for entry in native(items, SPEC):
            if re.search(wording, entry.item.question):
                found += 1
                assert entry.item.category == category, entry.item
    assert found > 20


def test_the_map_agrees_with_the_world_s_own_categories() -> None:
    """Category accuracy on generated items: every one right, flawed ones included."""
    items = [i for seed in range(1_000_000, 1_000_200) for i in ask(draw_scene(seed), Video(f"{seed}", Path("/v.mp4")))]
    accuracy = score_categories(items, native(items, SPEC), 0.95)
    assert accuracy is not None
    assert (accuracy.value, accuracy.n) == (1, len(items))


def test_a_category_records_the_label_it_came_from(make_item: Callable[..., Item]) -> None:
    (found,) = native([make_item(1, source="synthetic", native={"label": "walk: motion"})], SPEC)
    assert (found.item.category, found.provenance) == ("Egocentric", "native:label=walk: motion")


@pytest.mark.parametrize(
    ("source", "labels", "expected"),
    [
        ("synthetic", {"label": "walk: dance"}, r"synthetic/7: native label label='walk: dance' has no category"),
        ("synthetic", {"kind": "walk"}, r"synthetic/7: has no native label 'label'; it has: kind"),
        ("synthetic", {}, "it has: none"),
        ("elsewhere", {"label": "x"}, r"elsewhere/7: categories.yaml has no map for source 'elsewhere'; it has: synth"),
    ],
)
def test_what_has_no_map_is_named(
    make_item: Callable[..., Item], source: str, labels: dict[str, str], expected: str
) -> None:
    with pytest.raises(InputError, match=expected):
        native([make_item(7, source=source, native=labels)], SPEC)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"sign: set": OCR', '"sign: set": Smell', "sign: set: Smell is not a category"),
        ("  Spatial:", "  Space:", "definitions must be of OCR, Egocentric, Spatial"),
        ("excludes: Other", "exclude: Other", "unknown key (did you mean excludes?)"),
    ],
)
def test_a_mistake_in_the_file_is_named(old: str, new: str, expected: str) -> None:
    text = read_text(content_path("curation", "categories.yaml"))
    assert old in text
    with pytest.raises(InputError) as caught:
        parse_yaml(text.replace(old, new, 1), "categories.yaml", Categories)
    assert expected in str(caught.value)


def test_the_registry_knows_every_method_a_recipe_can_name() -> None:
    assert set(CATEGORIZERS) == {"native", "text", "http"}

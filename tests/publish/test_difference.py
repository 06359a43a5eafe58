"""What changed between versions, on either side a benchmark or a published one, and whether scores compare."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apollobench.benchmark import DROPPED, ITEMS, OF_THE_PLACE, Entry, load_benchmark, read_entries, write_benchmark
from apollobench.errors import InputError
from apollobench.publish.difference import GONE, NEW, Difference, compare, read_version
from apollobench.report.difference import difference_json, difference_markdown, writer
from apollobench.types import Item, Video

from .made import World, publish

Edit = Callable[[list[Entry]], list[Entry]]


def second(world: World, edit: Edit, dropped: Edit = lambda entries: entries, **about: Any) -> Path:
    """A version beside the first one, edited as a curator might."""
    manifest = load_benchmark(world.benchmark).manifest
    root = world.benchmark / manifest["media_root"]
    kept, left = (read_entries(world.benchmark / name, root.resolve()) for name in (ITEMS, DROPPED))
    said = {key: value for key, value in manifest.items() if key not in ("format", "items", *OF_THE_PLACE)}
    output = world.benchmark.with_name("second")
    write_benchmark(output, edit(kept), dropped(left), {**said, **about}, "# mixed\n")
    return output


def between(old: Path, new: Path) -> Difference:
    return compare(read_version(old), read_version(new))


def asked(entries: list[Entry], place: int, **changes: Any) -> list[Entry]:
    """The same entries, with the item at a place changed."""
    entry = entries[place]
    return [*entries[:place], replace(entry, item=replace(entry.item, **changes)), *entries[place + 1 :]]


def test_a_benchmark_differs_neither_from_itself_nor_from_its_publication(world: World, tmp_path: Path) -> None:
    published = publish(world.benchmark, tmp_path / "published")
    for old, new in ((world.benchmark, world.benchmark), (world.benchmark, published), (published, world.benchmark)):
        found = between(old, new)
        assert found.comparable
        assert found.verdict == "yes: it is the same benchmark"
        assert found.unchanged == 12
        assert not any((found.added, found.removed, found.changed, found.recipe, found.made_with, found.panel))
    assert "published, version 1.2.0" in difference_markdown(between(world.benchmark, published))


def test_items_come_and_go_with_the_reason(world: World) -> None:
    gone: list[Item] = []

    def swap(entries: list[Entry]) -> list[Entry]:
        gone.extend(entry.item for entry in entries[:2])
        fresh = replace(entries[2], item=replace(entries[2].item, id="mine/new"))
        return [*entries[2:], fresh]

    def drop(entries: list[Entry]) -> list[Entry]:
        left = replace(Entry(gone[0]), rule="filter:paper", version=1, reason="frame: 2 of 2")
        return [*entries, left]

    found = between(world.benchmark, second(world, swap, drop))
    assert found.removed == {gone[0].id: "filter:paper: frame: 2 of 2", gone[1].id: GONE}
    assert found.added == {"mine/new": NEW}
    assert not found.comparable
    assert found.verdict.startswith("no: items differ. Evaluate again; on the 10 unchanged items")
    back = between(world.benchmark.with_name("second"), world.benchmark)
    assert back.added == {gone[0].id: "filter:paper: frame: 2 of 2", gone[1].id: NEW}
    first, last = found.categories["OCR"], back.categories["OCR"]
    assert first == last[::-1]
    text = difference_markdown(found)
    assert "1 items added, 2 items removed, 0 items changed, 10 items unchanged" in text
    assert "frame: 2 of 2" in text


def test_each_part_of_an_item_is_told(world: World) -> None:
    def edit(entries: list[Entry]) -> list[Entry]:
        entries = asked(entries, 0, question="How few?")
        entries = asked(entries, 1, answer=0)
        entries = asked(entries, 2, category="Spatial" if entries[2].item.category != "Spatial" else "OCR")
        entries = asked(entries, 3, video=Video("videomme/other", entries[3].item.video.path))
        return [*entries[:4], replace(entries[4], media="another file"), *entries[5:]]

    ids = [item.id for item in load_benchmark(world.benchmark).items]
    found = between(world.benchmark, second(world, edit))
    assert {name: list(parts) for name, parts in found.changed.items()} == {
        ids[0]: ["question"],
        ids[1]: ["key"],
        ids[2]: ["category"],
        ids[3]: ["video"],
        ids[4]: ["media"],
    }
    assert found.changed[ids[0]]["question"] == ("How many candles burn in part 0?", "How few?")
    assert found.changed[ids[1]]["key"] == ("Three.", "One.")
    assert found.unchanged == 12 - 5


def test_what_is_withheld_changes_without_being_shown(world: World, tmp_path: Path) -> None:
    published = publish(world.benchmark, tmp_path / "published")
    changed = second(world, lambda entries: asked(entries, 0, question="How few?"))
    found = between(published, publish(changed, tmp_path / "second"))
    ((name, parts),) = found.changed.items()
    assert (name, list(parts)) == ("videomme/000-1", ["what is asked"])
    assert "How few?" not in difference_json(found)


@pytest.mark.parametrize(
    ("edit", "about", "comparable", "verdict"),
    [
        (
            lambda e: e,
            {"warnings": ["x"]},
            True,
            "yes: the same items, .* made another way",
        ),
        (lambda e: e, {"prompt": "2"}, False, r"no: the prompt is another \(1 and 2\)"),
        (lambda e: asked(e, 0, category="Reasoning"), {}, False, "overall accuracy yes, .*; per category .* no"),
        (lambda e: asked(e, 0, answer=0), {}, False, "no: items differ"),
        (
            lambda e: [replace(e[0], media="other"), *e[1:]],
            {},
            False,
            "no: .* videos of 1 items have other content",
        ),
        (lambda e: e[::-1], {}, True, "yes: it is the same benchmark"),
    ],
)
def test_the_verdict_on_scores(world: World, edit: Edit, about: dict[str, Any], comparable: bool, verdict: str) -> None:
    found = between(world.benchmark, second(world, edit, **about))
    assert found.comparable is comparable
    assert re.match(verdict, found.verdict), found.verdict


def test_recipe_panel_and_what_it_was_made_with(world: World) -> None:
    recipe = load_benchmark(world.benchmark).manifest["recipe"]
    panel = [
        {"model": "a-2b", "revision": "r2", "settings": {}, "sampling": None},
        {"model": "c-1b", "revision": "r1", "settings": {}, "sampling": None},
    ]
    new = second(
        world,
        lambda entries: entries,
        recipe={"text": recipe["text"], "overrides": {"select.size": 10, "select.seed": 1}},
        panel=panel,
        held_out=[{"model": "b-7b", "revision": "r1", "settings": {}, "sampling": None}],
        rules={"filter": "paper/2"},
    )
    found = between(world.benchmark, new)
    assert found.recipe == {"select.size": (12, 10), "select.seed": (None, 1)}
    assert found.panel == {"a-2b": "other revision", "b-7b": "left", "c-1b": "joined"}
    assert found.held_out == {"b-7b": "joined"}
    assert found.made_with["rules.filter"] == (None, "paper/2")
    text = difference_markdown(found)
    for said in ("## Recipe", "| select.size", "## Panel", "| a-2b  | other revision |", "## Held-out models"):
        assert said in text


def test_both_forms_say_it_all(world: World) -> None:
    found = between(world.benchmark, second(world, lambda entries: asked(entries, 0, question="How few?")))
    said = json.loads(difference_json(found))
    assert said["changed"] == {"videomme/000-1": {"question": ["How many candles burn in part 0?", "How few?"]}}
    assert writer("md")(found).startswith("# From ")
    with pytest.raises(InputError, match="unknown format 'xml'; valid: md, json"):
        writer("xml")


def test_what_cannot_be_read_is_an_error(world: World, tmp_path: Path) -> None:
    published = publish(world.benchmark, tmp_path / "published")
    (published / "SHA256SUMS").unlink()
    with pytest.raises(InputError, match="half-written"):
        read_version(published)
    with pytest.raises(InputError, match="no such directory"):
        read_version(tmp_path / "nothing")

"""Publishing and rebuilding give back the same benchmark, or name what has changed upstream."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apollobench.benchmark import CARD, DROPPED, ITEMS, MANIFEST, load_benchmark, read_entries, write_benchmark
from apollobench.errors import InputError
from apollobench.imports.job import from_benchmark, import_files
from apollobench.publish.publication import load_publication
from apollobench.publish.rebuild import rebuild
from apollobench.report.gate import gate
from apollobench.report.publishing import rebuilt_text
from apollobench.types import LETTERS, Mode

from .made import EACH, SOURCES, World, make_benchmark, publish

Rows = list[dict[str, Any]]


@pytest.fixture
def published(world: World, tmp_path: Path) -> Path:
    return publish(world.benchmark, tmp_path / "published")


def test_the_way_there_and_back_changes_no_byte(world: World, published: Path) -> None:
    output = world.benchmark.with_name("rebuilt")
    rebuilt = rebuild(load_publication(published), world.data, output)
    assert not rebuilt.lost
    for name in (ITEMS, DROPPED, CARD, MANIFEST):
        assert (output / name).read_bytes() == (world.benchmark / name).read_bytes(), name
    assert load_benchmark(output).items == load_benchmark(world.benchmark).items
    again = publish(output, published.with_name("again"))
    assert (again / "SHA256SUMS").read_bytes() == (published / "SHA256SUMS").read_bytes()
    assert "the videos of 12 are at hand" in rebuilt_text(rebuilt)


def test_scores_on_the_original_and_on_the_rebuilt_one_are_compared(
    world: World, published: Path, tmp_path: Path
) -> None:
    """Also where the videos lie elsewhere, which the manifests then say."""
    output = tmp_path / "elsewhere" / "deep" / "rebuilt"
    rebuild(load_publication(published), world.data, output)
    assert (output / MANIFEST).read_bytes() != (world.benchmark / MANIFEST).read_bytes()
    items = load_benchmark(world.benchmark).items
    results = []
    for place in (world.benchmark, output):
        with (tmp_path / "answers.csv").open("w", newline="") as file:
            rows = [["model", "item", "answer"], *([place.name, item.id, LETTERS[item.answer]] for item in items)]
            csv.writer(file).writerows(rows)
        target, folder = from_benchmark(place), tmp_path / f"of-{place.name}"
        outcome = import_files([tmp_path / "answers.csv"], target, folder, form=None, model=None, mode=Mode.VIDEO)
        results += list(outcome.cards)
    assert gate(results[0], results[1], margin=0.0, alpha=0.05).exit_code == 0


def test_videos_may_be_missing_and_are_found_below_the_data_root(world: World, published: Path, tmp_path: Path) -> None:
    single = make_benchmark(tmp_path / "single", SOURCES[1:2])
    output = publish(single.benchmark, tmp_path / "published-single")
    found = rebuild(load_publication(output), single.data, tmp_path / "rebuilt-single").benchmark
    assert all(item.video.path.is_file() for item in found.items)
    for path in world.data.rglob("*.mp4"):
        path.unlink()
    rebuilt = rebuild(load_publication(published), world.data, tmp_path / "rebuilt")
    assert "the videos of 4 are at hand" in rebuilt_text(rebuilt)


def reorder(rows: Rows) -> None:
    first, second, *rest = (text[3:] for text in rows[0]["options"])
    rows[0]["options"] = [f"{LETTERS[n]}. {text}" for n, text in enumerate([second, first, *rest])]


CHANGES: list[tuple[Callable[[Rows], object], str]] = [
    (
        lambda rows: rows[0].update(question="How few?"),
        "000-1: its question, its options or the text .* changed",
    ),
    (reorder, "000-1: only the order of its options changed"),
    (
        lambda rows: rows[0].update(videoID="other"),
        r"000-1: its video \(now videomme/other, was videomme/film0\) changed",
    ),
    (
        lambda rows: rows[0].update(videoID="other", question="How few?"),
        r"000-1: its video \(now videomme/other, was videomme/film0\), and its question or options, changed",
    ),
    (lambda rows: rows.pop(0), "000-1: is not among the items of its source"),
    (lambda rows: rows[0].update(answer="A"), "the answer key of at least one of its 4 items changed"),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_what_changed_upstream_is_named_and_nothing_is_written(
    world: World, published: Path, tmp_path: Path, change: Callable[[Rows], object], expected: str
) -> None:
    world.edit(change)
    with pytest.raises(InputError, match=expected):
        rebuild(load_publication(published), world.data, tmp_path / "rebuilt")
    assert not (tmp_path / "rebuilt").exists()


def test_subtitles_that_were_not_there_are_told(world: World, published: Path, tmp_path: Path) -> None:
    publication = load_publication(published)
    publication.manifest["sources"]["videomme"]["read_as"][0]["options"]["subtitles"] = True
    for number in range(EACH):
        path = world.data / "videomme" / "subtitle" / f"film{number}.srt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("1\n00:00:01,000 --> 00:00:02,000\nHello\n")
    with pytest.raises(InputError, match=r"4 items are not what they were.*\n.*only the text before the question"):
        rebuild(publication, world.data, tmp_path / "rebuilt")


def test_keys_that_people_corrected_are_corrected_again(world: World, tmp_path: Path) -> None:
    manifest = load_benchmark(world.benchmark).manifest
    kept, dropped = (read_entries(world.benchmark / name, world.data) for name in (ITEMS, DROPPED))
    secret = next(entry for entry in kept if entry.item.source == "videomme")
    key = (secret.item.answer + 1) % len(secret.item.options)
    kept = [replace(e, item=replace(e.item, answer=key)) if e is secret else e for e in kept]
    keys = {secret.item.id: {"key": LETTERS[key], "reviewer": "ada", "reason": "miscounted"}}
    about = {name: manifest[name] for name in ("name", "recipe", "prompt", "panel", "held_out")}
    made = write_benchmark(world.benchmark, kept, dropped, {**about, "review": {"keys": keys}}, "# mixed\n")
    published = publish(world.benchmark, tmp_path / "published")
    rebuilt = rebuild(load_publication(published), world.data, tmp_path / "rebuilt")
    assert rebuilt.benchmark.items == made.items
    assert rebuilt.benchmark.manifest_hash == made.manifest_hash


def test_a_dropped_item_that_changed_does_not_stand_in_the_way(world: World, published: Path, tmp_path: Path) -> None:
    world.edit(lambda rows: rows[-1].update(question="How few?"))
    rebuilt = rebuild(load_publication(published), world.data, tmp_path / "rebuilt")
    original = load_benchmark(world.benchmark)
    assert rebuilt.benchmark.items == original.items
    assert rebuilt.benchmark.manifest_hash == original.manifest_hash
    assert len(read_entries(tmp_path / "rebuilt" / DROPPED, world.data)) == 2
    assert "1 dropped items" in rebuilt_text(rebuilt)
    assert "videomme/004-1" in rebuilt_text(rebuilt)


def test_annotations_that_are_not_at_hand_are_asked_for(published: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="source videomme: its annotations are not at hand"):
        rebuild(load_publication(published), tmp_path / "empty", tmp_path / "rebuilt")


def test_a_folder_with_more_than_a_benchmark_in_it_is_left_alone(world: World, published: Path) -> None:
    (world.benchmark / "responses").mkdir()
    (world.benchmark / "responses" / "responses-1.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match="holds 1 files that are not of a rebuilt benchmark, such as responses"):
        rebuild(load_publication(published), world.data, world.benchmark)


def test_a_published_directory_is_not_taken_for_a_benchmark(published: Path, world: World) -> None:
    with pytest.raises(InputError, match=r"a published dataset; make a benchmark of it with `apollobench rebuild`"):
        load_benchmark(published)
    with pytest.raises(InputError, match=r"half-written, README\.md is there but SHA256SUMS is not"):
        load_publication(world.benchmark)

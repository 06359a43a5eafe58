"""A benchmark directory is complete and unchanged, or it is refused by name."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.benchmark import (
    DROPPED,
    ITEMS,
    MANIFEST,
    Benchmark,
    Entry,
    items_fingerprint,
    load_benchmark,
    read_entries,
    write_benchmark,
)
from apollobench.errors import InputError
from apollobench.types import Item, Mode, Truth, Video


def make_entry(root: Path, number: int) -> Entry:
    path = root / "videos" / f"{number % 2}" / f"v{number}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not decoded here")
    item = Item(
        id=f"toy/{number}",
        question="Was it “here”?\nOr there | where?",
        options=("yes", "no", "ünsure")[: 2 + number % 2],
        answer=number % 2,
        video=Video(f"v{number}", path),
        category="OCR",
        native={"label": "sign: order"},
        licence="CC0-1.0",
        truth=Truth("frame", "miskeyed") if number % 2 else None,
        context="Subtitles:\n[0:01] “here”" if number % 3 else "",
    )
    evidence = {Mode.TEXT: (number, 9), Mode.FRAME: (0, 0)}
    tests = {Mode.TEXT: (0.01 * number, 0.9)} if number else {}
    return Entry(
        item, "native:label=sign: order", 0.25 * number, evidence, f"m{number}", tests=tests, q=0.02 if number else None
    )


@pytest.fixture
def entries(tmp_path: Path) -> tuple[list[Entry], list[Entry]]:
    made = [make_entry(tmp_path / "world", number) for number in range(6)]
    dropped = [replace(entry, rule="filter:paper", version=1, reason="too easy") for entry in made[4:]]
    return made[:4], dropped


@pytest.fixture
def written(tmp_path: Path, entries: tuple[list[Entry], list[Entry]]) -> Benchmark:
    return write_benchmark(tmp_path / "bench", *entries, {"name": "toy", "recipe": {"text": "x"}}, "# toy\n")


def test_everything_comes_back(written: Benchmark, entries: tuple[list[Entry], list[Entry]]) -> None:
    kept, dropped = entries
    loaded = load_benchmark(written.directory)
    assert loaded.items == tuple(entry.item for entry in kept)
    assert loaded.name == "toy"
    assert loaded.manifest["recipe"] == {"text": "x"}
    assert loaded.manifest["items"] == {"count": 4, "fingerprint": items_fingerprint(loaded.items)}
    root = kept[0].item.video.path.parent.parent
    assert read_entries(written.directory / ITEMS, root) == kept
    assert read_entries(written.directory / DROPPED, root) == dropped
    assert (written.directory / "README.md").read_text() == "# toy\n"


def test_writing_twice_gives_the_same_bytes(
    tmp_path: Path, written: Benchmark, entries: tuple[list[Entry], list[Entry]]
) -> None:
    again = write_benchmark(tmp_path / "other", *entries, {"name": "toy", "recipe": {"text": "x"}}, "# toy\n")
    assert again.manifest_hash == written.manifest_hash
    for name in (ITEMS, DROPPED, MANIFEST):
        assert (again.directory / name).read_bytes() == (written.directory / name).read_bytes()


def test_no_path_of_this_machine_is_stored(tmp_path: Path, written: Benchmark) -> None:
    assert str(tmp_path) not in (written.directory / MANIFEST).read_text()
    assert str(tmp_path).encode() not in (written.directory / ITEMS).read_bytes()


def test_it_moves_with_its_videos_and_without_them(tmp_path: Path, written: Benchmark) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copytree(written.directory, elsewhere / "bench")
    with pytest.raises(InputError, match=r"none of its 4 items has its video under .*--data_root"):
        load_benchmark(elsewhere / "bench")
    media = tmp_path / "world" / "videos"
    assert load_benchmark(elsewhere / "bench", data_root=media).items == written.items
    shutil.copytree(tmp_path / "world", elsewhere / "world")
    moved = load_benchmark(elsewhere / "bench")
    assert moved.items[0].video.path == elsewhere / "world" / "videos" / "0" / "v0.mp4"
    assert moved.manifest_hash == written.manifest_hash


def test_one_missing_video_is_the_runner_s_business(written: Benchmark) -> None:
    written.items[0].video.path.unlink()
    assert len(load_benchmark(written.directory).items) == 4


def test_links_to_videos_keep_their_names(tmp_path: Path, written: Benchmark) -> None:
    for item in written.items:
        blob = tmp_path / f"blob-{item.video.id}"
        item.video.path.rename(blob)
        item.video.path.symlink_to(blob)
    again = write_benchmark(tmp_path / "linked", [Entry(item) for item in written.items], [], {"name": "toy"}, "")
    assert again.items[0].video.path.name == "v0.mp4"


@pytest.mark.parametrize("name", [ITEMS, DROPPED, "README.md"])
def test_damage_is_named(written: Benchmark, name: str) -> None:
    path = written.directory / name
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    with pytest.raises(InputError, match=rf"{name}: its content changed"):
        load_benchmark(written.directory)
    path.unlink()
    with pytest.raises(InputError, match=rf"{name}: missing"):
        load_benchmark(written.directory)


def test_a_half_written_benchmark_is_refused(written: Benchmark, tmp_path: Path) -> None:
    (written.directory / MANIFEST).unlink()
    with pytest.raises(InputError, match=r"half-written, items.parquet is there but manifest.json is not"):
        load_benchmark(written.directory)
    with pytest.raises(InputError, match="no such directory"):
        load_benchmark(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="not a benchmark"):
        load_benchmark(tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "not JSON .* it is damaged"),
        ("[]", "damaged, it tells no format"),
        ('{"name": "toy"}', "damaged, it tells no format"),
        ('{"format": 9}', "format 9, but this version"),
        ('{"format": 1, "name": "toy"}', "items: missing(.|\\n)*media_root: missing(.|\\n)*it is damaged"),
    ],
)
def test_a_damaged_manifest_is_refused(written: Benchmark, text: str, expected: str) -> None:
    (written.directory / MANIFEST).write_text(text)
    with pytest.raises(InputError, match=expected):
        load_benchmark(written.directory)


def test_an_interrupted_rewrite_leaves_no_mark_of_completion(
    written: Benchmark, entries: tuple[list[Entry], list[Entry]]
) -> None:
    kept, dropped = entries
    broken = [*kept[:1], replace(kept[1], item=replace(kept[1].item, native={"label": object()}))]  # type: ignore[dict-item]
    with pytest.raises(TypeError):
        write_benchmark(written.directory, broken, dropped, {"name": "toy"}, "")
    with pytest.raises(InputError, match="half-written"):
        load_benchmark(written.directory)


def test_what_cannot_be_a_benchmark_is_not_written(tmp_path: Path, entries: tuple[list[Entry], list[Entry]]) -> None:
    kept, dropped = entries
    with pytest.raises(InputError, match="no items; an empty benchmark is not written"):
        write_benchmark(tmp_path / "b", [], dropped, {"name": "toy"}, "")
    unsorted = replace(kept[0], item=replace(kept[0].item, category=None))
    with pytest.raises(InputError, match="toy/0: category None is not one of OCR"):
        write_benchmark(tmp_path / "b", [unsorted], dropped, {"name": "toy"}, "")
    assert not (tmp_path / "b").exists()


def test_the_fingerprint_sees_keys_and_categories_but_not_the_order(written: Benchmark) -> None:
    items = list(written.items)
    assert items_fingerprint(items[::-1]) == items_fingerprint(items)
    assert items_fingerprint([replace(items[0], answer=1), *items[1:]]) != items_fingerprint(items)
    assert items_fingerprint([replace(items[0], category="Spatial"), *items[1:]]) != items_fingerprint(items)
    manifest = json.loads((written.directory / MANIFEST).read_text())
    assert manifest["items"]["fingerprint"] == items_fingerprint(items)

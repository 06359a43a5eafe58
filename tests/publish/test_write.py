"""A published directory: what stands in it, what must not, and who can read it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import datasets
import mlcroissant
import pytest
import yaml
from huggingface_hub import DatasetCard

from apollobench import benchmark
from apollobench.benchmark import load_benchmark, read_entries, write_benchmark
from apollobench.errors import InputError
from apollobench.publish.publication import DROPPED, FILES, ITEMS, SUMS, load_publication
from apollobench.publish.rows import ABOUT, CONTENT, PUBLISHED
from apollobench.types import CATEGORIES

from .made import EACH, SECRETS, SOURCES, World, make_benchmark, publish


@pytest.fixture
def published(world: World, tmp_path: Path) -> Path:
    return publish(world.benchmark, tmp_path / "published")


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_it_holds_the_files_that_it_says_and_no_media(published: Path) -> None:
    assert names(published) == sorted(FILES)
    lines = [line.split("  ") for line in (published / SUMS).read_text().splitlines()]
    assert [name for _, name in lines] == sorted(set(FILES) - {SUMS})
    for digest, name in lines:
        assert hashlib.sha256((published / name).read_bytes()).hexdigest() == digest


def test_datasets_loads_both_configs_offline(published: Path, world: World, tmp_path: Path) -> None:
    items = datasets.load_dataset(str(published), split="test", cache_dir=str(tmp_path / "cache"))
    assert items.column_names == PUBLISHED.names
    by_id = {row["id"]: row for row in items}
    original = load_benchmark(world.benchmark)
    assert set(by_id) == {item.id for item in original.items}
    for item in original.items:
        row = by_id[item.id]
        assert (row["fingerprint"], row["category"], row["source"]) == (item.fingerprint, item.category, item.source)
        assert (row["video_id"], row["licence"]) == (item.video.id, item.licence)
        shown = {"question": item.question, "options": list(item.options), "answer": item.answer}
        kept_back = item.source == "videomme"
        assert row["withheld"] is kept_back
        assert {key: row[key] for key in shown} == (dict.fromkeys(shown) if kept_back else shown)
    dropped = datasets.load_dataset(str(published), "dropped", split="test", cache_dir=str(tmp_path / "cache"))
    assert sorted(row["id"].split("/")[0] for row in dropped) == ["mine", "nextqa", "videomme"]
    assert set(dropped["reason"]) == {"text: 2 of 2"}


def test_nothing_of_what_is_withheld_is_in_any_file(published: Path) -> None:
    found = load_publication(published)
    rows = json.dumps([*found.items, *found.dropped])
    texts = [(published / name).read_text() for name in names(published) if not name.endswith(".parquet")]
    for secret in SECRETS:
        assert not [text for text in (rows, *texts) if secret in text], secret
    withheld = [row for row in (*found.items, *found.dropped) if row["withheld"]]
    assert len(withheld) == EACH
    assert all(row[name] is None for row in withheld for name in CONTENT)
    assert {row["category_from"] for row in withheld} == {"native:task_type"}


def test_every_column_is_either_content_or_ours_and_is_explained() -> None:
    """A new column of benchmarks must be sorted: what a source says is withheld, what we found is not."""
    ours = {
        *("id", "source", "withheld", "fingerprint", "category", "category_from", "video_id", "video", "media"),
        *("licence", "score", "rule", "version", "reason"),
        *(f"{mode}_{count}" for mode in ("text", "frame", "video", "shuffled") for count in ("right", "votes")),
        *(f"{mode}_{value}" for mode in ("text", "frame", "video", "shuffled") for value in ("p", "posterior")),
        "q",
    }
    assert set(PUBLISHED.names) == ours | CONTENT
    assert set(ABOUT) == set(PUBLISHED.names)


def test_the_card_tells_the_hub_and_the_reader(published: Path) -> None:
    card = DatasetCard.load(published / "README.md")
    data = card.data.to_dict()
    assert data["license"] == "other"
    assert (data["license_name"], data["license_link"]) == ("per-item", "LICENSE.md")
    assert data["language"] == ["en"]
    assert data["size_categories"] == ["n<1K"]
    assert "video-text-to-text" in data["task_categories"]
    assert [config["config_name"] for config in data["configs"]] == ["items", "dropped"]
    for said in (
        "| Video-MME", "ids only", "https://github.com/MME-Benchmarks/Video-MME", "@inproceedings{fu2025video",
        "| NExT-QA", "MIT", "@inproceedings{xiao2021nextqa", "CC-BY-4.0 as the recipe states", "a-2b, b-7b",
        *CATEGORIES,
    ):  # fmt: skip
        assert said in card.text, said
    licences = (published / "LICENSE.md").read_text()
    assert "Copyright (c) 2021 Junbin" in licences
    assert "Permission is hereby granted" in licences
    assert "Of Video-MME there are ids only" in licences


def test_the_file_by_which_the_hub_knows_a_benchmark(published: Path) -> None:
    said = yaml.safe_load((published / "eval.yaml").read_text())
    assert list(said) == ["name", "description", "evaluation_framework", "tasks"]
    assert said["tasks"] == [{"id": "mixed", "config": "items", "split": "test"}]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The inplace keyword")
def test_the_official_validator_takes_the_croissant_and_reads_its_records(published: Path) -> None:
    dataset = mlcroissant.Dataset(jsonld=published / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert not issues.errors
    assert not issues.warnings
    assert dataset.metadata.url == "https://huggingface.co/datasets/me/mixed"
    found = load_publication(published)
    for name, rows in (("items", found.items), ("dropped", found.dropped)):
        ids = [record[f"{name}/id"].decode() for record in dataset.records(name)]
        assert ids == [row["id"] for row in rows]


def test_croissant_has_what_its_specification_requires(published: Path) -> None:
    said = json.loads((published / "croissant.json").read_text())
    required = {"@context", "@type", "name", "description", "license", "url", "creator", "datePublished", "conformsTo"}
    assert required <= said.keys()
    for file in said["distribution"]:
        assert hashlib.sha256((published / file["contentUrl"]).read_bytes()).hexdigest() == file["sha256"]
    assert [len(records["field"]) for records in said["recordSet"]] == [len(PUBLISHED)] * 2


def test_the_same_input_gives_the_same_bytes_wherever_it_lies(world: World, published: Path, tmp_path: Path) -> None:
    shutil.move(tmp_path / "world", tmp_path / "moved")
    again = publish(tmp_path / "moved" / "benchmark", tmp_path / "again")
    for name in FILES:
        assert (again / name).read_bytes() == (published / name).read_bytes(), name
        assert str(tmp_path).encode() not in (published / name).read_bytes()
    assert world.benchmark == tmp_path / "world" / "benchmark"


def test_one_licence_for_all_has_the_hub_s_name_and_no_empty_config(tmp_path: Path) -> None:
    made = make_benchmark(tmp_path / "one", SOURCES[1:2])
    output = publish(made.benchmark, tmp_path / "published")
    assert DatasetCard.load(output / "README.md").data.license == "mit"
    assert load_publication(output).manifest["sources"]["nextqa"]["read_as"] == []
    manifest = load_benchmark(made.benchmark).manifest
    kept = read_entries(made.benchmark / benchmark.ITEMS, made.data)
    about = {key: manifest[key] for key in ("name", "recipe", "panel")}
    write_benchmark(made.benchmark, kept, [], about, "", needs_videos=False)
    publish(made.benchmark, output)
    assert names(output) == sorted(set(FILES) - {DROPPED})
    assert datasets.get_dataset_config_names(str(output)) == ["items"]


def test_an_interrupted_publication_is_known_and_taken_up(published: Path, world: World) -> None:
    (published / SUMS).unlink()
    with pytest.raises(InputError, match=r"half-written, data/items\.parquet is there but SHA256SUMS is not"):
        load_publication(published)
    publish(world.benchmark, published)
    assert len(load_publication(published).items) == 3 * (EACH - 1)


@pytest.mark.parametrize("name", [ITEMS, "README.md", "manifest.json"])
def test_damage_is_named(published: Path, name: str) -> None:
    path = published / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(InputError, match=f"{name}: its content changed after it was published"):
        load_publication(published)
    path.unlink()
    with pytest.raises(InputError, match=f"{name}: missing"):
        load_publication(published)


def test_a_target_with_something_else_in_it_is_left_alone(world: World, published: Path, tmp_path: Path) -> None:
    (published / ".git").mkdir()
    (published / ".git" / "HEAD").write_text("of the hub's repository")
    publish(world.benchmark, published)
    before = (world.benchmark / "manifest.json").read_bytes()
    with pytest.raises(InputError, match=r"holds 2 files that are not of a published .* as dropped\.parquet"):
        publish(world.benchmark, world.benchmark)
    assert (world.benchmark / "manifest.json").read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file; choose a folder"):
        publish(world.benchmark, tmp_path / "file")
    manifest = json.loads((published / "manifest.json").read_text())
    (published / "manifest.json").write_text(json.dumps({**manifest, "name": "another"}))
    with pytest.raises(InputError, match="holds another, which a published dataset of mixed would replace"):
        publish(world.benchmark, published)


def test_a_damaged_or_unfinished_benchmark_is_not_published(world: World, tmp_path: Path) -> None:
    (world.benchmark / "items.parquet").write_bytes(b"cut")
    with pytest.raises(InputError, match=r"items\.parquet: its content changed"):
        publish(world.benchmark, tmp_path / "published")
    (world.benchmark / "manifest.json").unlink()
    with pytest.raises(InputError, match="half-written"):
        publish(world.benchmark, tmp_path / "published")
    assert not (tmp_path / "published").exists()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"repository": "mixed"}, "--name mixed: expected OWNER/NAME"),
        ({"version": "1.0"}, r"--version 1\.0: expected three numbers"),
        ({"day": "yesterday"}, "--date yesterday: expected a day"),
        ({"day": "2026-13-45"}, "--date 2026-13-45: expected a day"),
    ],
)
def test_malformed_options_are_named(world: World, tmp_path: Path, told: dict[str, str], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        publish(world.benchmark, tmp_path / "published", **told)


def test_what_is_not_told_is_left_out_of_the_metadata(world: World, tmp_path: Path) -> None:
    output = publish(world.benchmark, tmp_path / "published", repository=None, day=None)
    said = json.loads((output / "croissant.json").read_text())
    assert not {"url", "creator", "datePublished"} & said.keys()

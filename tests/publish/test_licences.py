"""What may be passed on follows curation/sources.yaml, which agrees with the readers; what is not known may not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from apollobench.benchmark import Entry, load_benchmark, write_benchmark
from apollobench.errors import InputError
from apollobench.publish.edition import prepare
from apollobench.publish.licences import Licences, read_licences, terms_of
from apollobench.publish.publication import load_publication
from apollobench.publish.rebuild import rebuild
from apollobench.publish.write import write
from apollobench.sources import load_items, sources
from apollobench.sources.reading.published import Published
from apollobench.sources.synthetic.questions import LICENCE
from apollobench.types import CATEGORIES, Item, Video

from .made import SOURCES, make_benchmark

SHARE = 40  # items of each real source


def item(source: str, licence: str) -> Item:
    return Item(f"{source}/1", "?", ("a", "b"), 0, Video("v", Path("/v")), licence=licence)


def test_every_reader_has_its_line_and_gives_that_licence() -> None:
    known = read_licences().published
    readers = {
        name: source.read.__self__  # type: ignore[attr-defined]
        for name, source in sources().items()
        if isinstance(getattr(source.read, "__self__", None), Published)
    }
    assert set(known) == {*readers, "synthetic"}
    for name, reader in readers.items():
        assert (known[name].licence, known[name].homepage) == (reader.licence, reader.home), name
        assert known[name].read, name
        assert (known[name].citation or "").startswith("@"), name
    assert known["synthetic"].licence == LICENCE
    assert {name for name, source in known.items() if not source.redistribute} == {"egoschema", "videomme"}


@pytest.mark.parametrize("change", [{"verified": False}, {"licence": "Proprietary"}])
def test_what_is_not_verified_cannot_be_passed_on(change: dict[str, Any]) -> None:
    said = read_licences().model_dump()
    said["published"]["nextqa"] |= change
    with pytest.raises(ValidationError, match="nextqa: redistribute needs verified: true"):
        Licences.model_validate(said)


def test_a_source_of_one_s_own_has_to_state_a_licence() -> None:
    with pytest.raises(InputError, match="items of mine state no licence; say in the recipe, in the source's option"):
        terms_of([item("mine", "")])
    with pytest.raises(InputError, match="items of mine state several licences"):
        terms_of([item("mine", "MIT"), item("mine", "CC0-1.0")])
    assert not terms_of([item("mine", "CC-BY-SA-4.0")])["mine"].withheld
    unknown = terms_of([item("mine", "ask my boss")])["mine"]
    assert unknown.withheld
    assert unknown.why == "'ask my boss' is not among the known licences"


def test_a_table_cannot_pass_for_a_published_benchmark() -> None:
    with pytest.raises(InputError, match=r"items of nextqa carry the licence 'CC0-1\.0', but curation/"):
        terms_of([item("nextqa", "CC0-1.0")])


def test_ids_that_nobody_could_rebuild_are_not_published(tmp_path: Path) -> None:
    made = make_benchmark(tmp_path / "world", SOURCES[:1], recipe={"text": "name: by hand"})
    with pytest.raises(InputError, match="recipe does not say how that source was read: nobody could rebuild them"):
        prepare(made.benchmark, None, "1.0.0", None)


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A benchmark from real annotations of four benchmarks, and a data folder that has them."""
    place = tmp_path_factory.mktemp("real")
    data = place / "data"
    data.mkdir()
    names = {"nextqa": {"split": "val"}, "egoschema": {}, "mvbench": {}, "longvideobench": {}}
    for name in names:
        (data / name).symlink_to(shared / "data" / "annotations" / name)
    recipe = [{"name": name, "options": {**more, "skip_malformed": True}} for name, more in names.items()]
    pools = [load_items(source["name"], source["options"], data)[:SHARE] for source in recipe]
    kept = [Entry(replace(each, category=CATEGORIES[n % 5])) for pool in pools for n, each in enumerate(pool)]
    about = {"name": "real", "recipe": {"text": str({"sources": recipe})}}
    write_benchmark(place / "benchmark", kept, [], about, "", needs_videos=False)
    return place / "benchmark", data


def test_real_annotations_are_published_and_rebuilt_as_their_licences_allow(
    real: tuple[Path, Path], tmp_path: Path
) -> None:
    benchmark, data = real
    write(prepare(benchmark, None, "1.0.0", None), tmp_path / "published")
    published = load_publication(tmp_path / "published")
    shown = {row["source"] for row in published.items if row["question"] is not None}
    assert shown == {"nextqa", "mvbench", "longvideobench"}
    assert sum(row["withheld"] for row in published.items) == SHARE
    rebuilt = rebuild(published, data, tmp_path / "rebuilt").benchmark
    original = load_benchmark(benchmark, needs_videos=False)
    assert rebuilt.manifest_hash == original.manifest_hash
    assert [each.fingerprint for each in rebuilt.items] == [each.fingerprint for each in original.items]
    assert [each.answer for each in rebuilt.items] == [each.answer for each in original.items]

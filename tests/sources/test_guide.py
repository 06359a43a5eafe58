"""The guide can be followed: its file is a source, found by itself, and its options are those that exist."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import apollobench.sources as package
from apollobench.curate.categorize import NativeLabels
from apollobench.errors import InputError
from apollobench.recipe import Source
from apollobench.sources import find_source, load_items, sources

from . import made

ROW = {"id": "7", "clip": "box1", "question": "How many tits?", "kind": "counting", "seconds": 12}


@pytest.fixture
def guide(root: Path) -> str:
    return (root / "docs" / "add_a_source.md").read_text()


@pytest.fixture
def _with_birds(guide: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The guide's file in a folder of sources."""
    (script,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    assert len(script.splitlines()) < 100
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "birds.py").write_text(script)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "more")])
    sources.cache_clear()
    yield
    sources.cache_clear()
    sys.modules.pop("apollobench.sources.birds", None)


@pytest.mark.usefixtures("_with_birds")
def test_the_guides_file_is_a_source(guide: str, tmp_path: Path) -> None:
    table = {**ROW, "options": ["One", "Two", "Three", "Four"], "answer": "B"}
    original = {**ROW, "a": "One", "b": "Two", "c": "Three", "d": "Four", "right": "Two"}
    made.write(tmp_path / "one" / "birds" / "birds" / "test-00000-of-00001.parquet", [table])
    made.write(tmp_path / "two" / "birds" / "birds.json", [original])
    (first,), (second,) = (load_items("birds", {}, tmp_path / root) for root in ("one", "two"))
    assert (first.id, first.options, first.answer) == ("birds/7", ("One", "Two", "Three", "Four"), 1)
    assert (first.fingerprint, first.answer, first.native) == (second.fingerprint, second.answer, second.native)
    assert first.video.path == tmp_path / "one" / "birds" / "videos" / "box1.mp4"
    made.write(tmp_path / "two" / "birds" / "birds.json", [{**original, "right": "Five"}])
    with pytest.raises(InputError, match=r"birds.json row 0: the answer 'Five' is not among the options"):
        load_items("birds", {}, tmp_path / "two")

    *_, labels = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL))
    assert first.native["kind"] in NativeLabels(**labels["birds"]).categories


def test_the_guides_options_exist(guide: str) -> None:
    recipe, _ = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL))
    for entry in recipe["sources"]:
        source = Source(**entry)
        assert set(source.options) <= set(find_source(source.name)[0].options)
    assert set(re.findall(r"^\| `(\w+)` \|", guide, re.MULTILINE)) == set(sources()["videomme"].options)

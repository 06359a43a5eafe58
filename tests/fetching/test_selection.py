"""What a command selects, and what the guide shows of it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.benchmark import Entry, load_benchmark, write_benchmark
from apollobench.errors import InputError
from apollobench.fetching.selection import select_items, select_sources
from apollobench.types import Item, Video

from . import lab
from .hub_server import hub


@pytest.fixture
def annotations(repository: Path, tmp_path: Path) -> Path:
    """In the data root, so that no hub is asked for them."""
    place = tmp_path / "data" / "videomme"
    place.mkdir(parents=True)
    return (repository / "videomme" / "test-00000-of-00001.parquet").rename(place / "test-00000-of-00001.parquet")


def test_items_decide_and_what_is_not_on_the_hub_is_named(annotations: Path, tmp_path: Path) -> None:
    part = lab.curated(tmp_path / "part", annotations, ("yt2", "yt5"))
    entries = [Entry(item) for item in load_benchmark(part, needs_videos=False).items]
    toy = Item("synthetic/1", "q", ("a", "b"), 0, Video("1", tmp_path / "world" / "1.mp4"), category="OCR")
    (tmp_path / "world").mkdir()
    toy.video.path.touch()
    both = write_benchmark(tmp_path / "both", [*entries, Entry(toy)], [], {"name": "both"}, "").directory
    selection = select_items(both, None, tmp_path / "data")
    assert selection.left_out == ("synthetic",)
    (supply,) = selection.supplies["videomme"]
    assert supply.files == ("yt2.mp4", "yt5.mp4")
    videos, subtitles = select_items(part, "videomme", tmp_path / "data", subtitles=True).supplies["videomme"]
    assert (videos.files, subtitles.files) == (supply.files, ("yt2.srt", "yt5.srt"))
    with pytest.raises(InputError, match=r"both has no item of mlvu; it has: synthetic, videomme"):
        select_items(both, "mlvu", tmp_path / "data")
    only_toy = write_benchmark(tmp_path / "toy", [Entry(toy)], [], {"name": "toy"}, "").directory
    with pytest.raises(InputError, match=r"toy: nothing of it is on the hub; its items are of synthetic"):
        select_items(only_toy, None, tmp_path / "data")
    strange = replace(entries[0], item=replace(entries[0].item, id="videomme/gone-1"))
    other = write_benchmark(tmp_path / "other", [strange, Entry(toy)], [], {"name": "other"}, "").directory
    with pytest.raises(InputError, match=r"source videomme holds no videomme/gone-1; take the split"):
        select_items(other, None, tmp_path / "data")


def test_a_source_that_is_not_on_the_hub_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"source synthetic: its videos are not on the hub"):
        select_sources("synthetic", tmp_path)


def test_the_guide_can_be_followed(
    root: Path, annotations: Path, repository: Path, videos: Mapping[str, Path], tmp_path: Path
) -> None:
    lab.curated(tmp_path / "out" / "mine", annotations, ("yt3",))
    guide = (root / "docs" / "fetch.md").read_text(encoding="utf-8")
    shown = [shlex.split(line) for line in re.findall(r"```bash\n(.*?)\n```", guide, re.DOTALL)]
    assert len(shown) == 2
    with hub({lab.VIDEOMME: repository}) as server:
        environment = {**lab.environment(tmp_path / "home", server.url), "PYTHONPATH": str(root)}
        asked, done = (lab.run(line[2:], environment, tmp_path) for line in shown)
    assert asked.rc == 2
    assert "to go on: apollobench fetch --sources videomme --data_root data --yes" in asked.err
    (head,) = re.findall(r"```text\n(.*?)\n", guide)
    assert [cell.strip() for cell in head.split("|")] == [c.strip() for c in asked.out.splitlines()[0].split("|")]
    assert done.rc == 0, done.err
    place = tmp_path / "data" / "videomme" / "data"
    assert [path.name for path in place.iterdir()] == ["yt3.mp4"]
    assert (place / "yt3.mp4").read_bytes() == videos["yt3"].read_bytes()
    assert done.out.splitlines()[-1].endswith(f"--data_root {place}")


def test_nothing_named_is_an_error(fetch: Callable[..., lab.Ran]) -> None:
    done = fetch("http://127.0.0.1:9")
    assert (done.rc, done.err) == (2, "error: fetch what? Give --sources NAMES, or --only FOLDER of a benchmark\n")

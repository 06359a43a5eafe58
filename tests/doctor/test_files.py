"""Which files a check-up takes in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from apollobench.doctor.files import common_folder, files_in, files_of_sources
from apollobench.errors import InputError
from apollobench.sources.synthetic.make import make_world, read_world


def test_named_files_and_the_videos_in_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.MP4", "deep/down/b.webm", "deep/notes.txt", "deep/folder.mp4/c.mkv", "odd.bin"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "deep" / "dangling.mp4").symlink_to(tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path / "deep")
    found = files_in([Path("../odd.bin"), Path(".."), Path("down")])
    names = ["odd.bin", "a.MP4", "deep/dangling.mp4", "deep/down/b.webm", "deep/folder.mp4/c.mkv"]
    assert list(found) == [tmp_path / name for name in names]
    assert set(found.values()) == {0}
    assert common_folder(found) == tmp_path


def test_places_without_a_video_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no video in this folder"):
        files_in([tmp_path])
    with pytest.raises(InputError, match="no such file or folder"):
        files_in([tmp_path / "nowhere"])


def test_items_of_a_source_are_counted_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options come from the recipe with the source's name; here one of a smaller world."""
    recipes = tmp_path / "curation"
    recipes.mkdir()
    shipped = Path(__file__).parents[2] / "curation" / "synthetic.yaml"
    (recipes / "synthetic.yaml").write_text(shipped.read_text().replace("videos: 300", "videos: 3"))
    monkeypatch.setattr("apollobench.recipe.content_path", lambda name: tmp_path / name)
    make_world(tmp_path / "synthetic-1000000-3", 3, 1_000_000, workers=1, progress=False)
    items = read_world(tmp_path / "synthetic-1000000-3")
    found = files_of_sources("synthetic", tmp_path)
    assert len(found) == 3
    assert sum(found.values()) == len(items)
    assert all(os.path.isabs(path) for path in found)  # noqa: PTH117
    with pytest.raises(InputError, match="unknown source 'unheard'"):
        files_of_sources("unheard", tmp_path)

"""Where annotations and videos come from: the order of lookup, only whole sets of files, help when none is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apollobench.errors import InputError
from apollobench.sources import load_items
from apollobench.sources.reading.places import Media

from ...models.hub_server import COMMIT, hub
from .. import made

READ = """
import json, sys
from pathlib import Path
from apollobench.errors import InputError
from apollobench.sources import load_items
name, options, root = json.loads(sys.argv[1])
try:
    print(*[item.id for item in load_items(name, options, Path(root))])
except InputError as error:
    print(error)
"""


@pytest.fixture(autouse=True)
def _nothing_else_at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APOLLOBENCH_DATA", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


def asks(video: str) -> list[dict[str, Any]]:
    return [{**made.NEXTQA, "video": video}]


def read(root: Path, **options: Any) -> list[str]:
    return [item.id for item in load_items("nextqa", {"split": "val", **options}, root)]


def test_the_data_root_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made.write(tmp_path / "other" / "nextqa" / "dataset" / "val.csv", asks("far"))
    monkeypatch.setenv("APOLLOBENCH_DATA", str(tmp_path / "other"))
    assert read(tmp_path / "root") == ["nextqa/far_6"]
    made.write(tmp_path / "root" / "nextqa" / "val.csv", asks("near"))
    assert read(tmp_path / "root") == ["nextqa/near_6"]
    given = made.write(tmp_path / "given" / "val.csv", asks("given"))
    for data in (given, given.parent):
        assert read(tmp_path / "root", data=str(data)) == ["nextqa/given_6"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"data": "nowhere"}, "data: nowhere is neither a file nor a folder, nor OWNER/DATASET of the hub"),
        ({"data": "empty"}, "empty holds no val.csv"),
        ({"split": "train"}, "source nextqa has no split 'train'; it has: test, val"),
        ({"data": 3}, "source nextqa, option data: expected text, found 3"),
        ({"skip_malformed": "yes"}, "option skip_malformed: expected true or false, found 'yes'"),
        (
            {"subtitles": True},
            "source nextqa has no option 'subtitles'; valid: data, split, videos, skip_malformed, at_hand",
        ),
    ],
)
def test_a_wrong_option_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], expected: str
) -> None:
    (tmp_path / "empty").mkdir()
    made.write(tmp_path / "nextqa" / "val.csv", asks("v"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        read(tmp_path, **options)
    assert expected in str(caught.value)


def test_without_data_every_way_to_get_them_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_items("videomme", {}, tmp_path)
    for part in (
        "videomme/test-*.parquet",
        f"looked in {tmp_path / 'videomme'}",
        "hf download lmms-eval/Video-MME --repo-type dataset",
        "https://github.com/MME-Benchmarks/Video-MME",
        "option data",
        "APOLLOBENCH_DATA",
    ):
        assert part in str(caught.value)


def test_half_of_the_files_are_not_taken_for_all(tmp_path: Path) -> None:
    made.write(tmp_path / "videomme" / "test-00000-of-00002.parquet", [made.VIDEOMME])
    with pytest.raises(InputError, match=r"test-00000-of-00002.parquet is one of 00002 files, number 1 is missing"):
        load_items("videomme", {}, tmp_path)
    made.write(tmp_path / "videomme" / "test-00001-of-00002.parquet", [{**made.VIDEOMME, "question_id": "2"}])
    with pytest.raises(InputError, match="row 0: repeats"):
        load_items("videomme", {}, tmp_path)
    made.write(tmp_path / "mvbench" / "json" / "action_sequence.json", [made.MVBENCH])
    with pytest.raises(InputError, match=r"action_antonym.json, .* of the annotations is missing"):
        load_items("mvbench", {}, tmp_path)


def test_files_in_two_places_are_not_chosen_between(tmp_path: Path) -> None:
    for folder in ("old", "new"):
        made.write(tmp_path / "nextqa" / folder / "val.csv", asks(folder))
    with pytest.raises(InputError, match=r"annotations in several places \(new/val.csv, old/val.csv\)"):
        read(tmp_path)


def test_videos_lie_where_lmms_eval_leaves_them_or_where_said(tmp_path: Path) -> None:
    made.write(tmp_path / "root" / "nextqa" / "val.csv", asks("v"))
    root = tmp_path / "root"

    def place(**options: str) -> Path:
        return load_items("nextqa", {"split": "val", **options}, root)[0].video.path

    assert place() == root / "nextqa" / "NExTVideo" / "v.mp4"
    (tmp_path / "hf" / "nextqa" / "NExTVideo").mkdir(parents=True)
    assert place() == tmp_path / "hf" / "nextqa" / "NExTVideo" / "v.mp4"
    (root / "nextqa" / "NExTVideo").mkdir()
    assert place() == root / "nextqa" / "NExTVideo" / "v.mp4"
    assert place(videos=str(tmp_path / "mine")) == tmp_path / "mine" / "v.mp4"


def test_a_file_with_another_suffix_stands_in(tmp_path: Path) -> None:
    for name in ("a.MP4", "b.mkv", "c.mp4", "c.webm", "d.txt"):
        (tmp_path / name).touch()
    media = Media(tmp_path)
    assert [media.path(f"{stem}.mp4").name for stem in "abcd"] == ["a.MP4", "b.mkv", "c.mp4", "d.mp4"]


def read_apart(home: Path, endpoint: str, *call: Any, offline: bool = False) -> str:
    """What reading prints in a process with an empty environment for the hub."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_XET": "1"}
    environment |= {"HF_HUB_OFFLINE": "1"} if offline else {}
    done = subprocess.run(
        [sys.executable, "-c", READ, json.dumps(call)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_annotations_come_from_the_hub_without_the_media(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    made.write(folder / "videomme" / "test-00000-of-00001.parquet", [made.VIDEOMME])
    for name in ("videos_chunked_01.zip", "subtitle.zip", "README.md"):
        (folder / name).write_text("not asked for")
    call = ("videomme", {}, str(tmp_path / "root"))
    with hub(folder, "lmms-eval/Video-MME", "datasets") as server:
        assert read_apart(tmp_path / "home", server.url, *call) == "videomme/001-1"
        assert server.asked == ["videomme/test-00000-of-00001.parquet"]
        assert read_apart(tmp_path / "home", server.url, *call) == "videomme/001-1"
        mirror = ("videomme", {"data": "someone/else"}, str(tmp_path))
        assert "the hub has no someone/else, or it is private" in read_apart(tmp_path / "home", server.url, *mirror)
        closed = server.url
    assert server.asked == ["videomme/test-00000-of-00001.parquet"]
    assert read_apart(tmp_path / "home", closed, *call, offline=True) == "videomme/001-1"
    snapshot = next((tmp_path / "home" / "hub").glob("datasets--lmms-eval--Video-MME/snapshots/*"))
    assert snapshot.name == COMMIT
    assert "ConnectError" in read_apart(tmp_path / "none", closed, *call)


def test_a_mirror_on_the_hub_can_be_named(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    made.write(folder / "MC" / "test-00000-of-00001.parquet", [made.NEXTQA])
    with hub(folder, "someone/mirror", "datasets") as server:
        call = ("nextqa", {"data": "someone/mirror"}, str(tmp_path))
        assert read_apart(tmp_path / "home", server.url, *call) == "nextqa/4010069381_6"
        call = ("perceptiontest", {"data": "someone/mirror"}, str(tmp_path))
        assert "it has no mc_question_val/validation-*.parquet" in read_apart(tmp_path / "home", server.url, *call)

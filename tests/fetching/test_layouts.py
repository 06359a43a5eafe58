"""Every source's media as they are laid out on the hub: found, transferred in part, and put where readers look."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from apollobench.sources import load_items, sources
from apollobench.sources.mvbench import FOLDERS

from ..sources import made
from . import lab
from .hub_server import hub

Videos = Mapping[str, Path]
FETCHED = {name: source for name, source in sources().items() if source.supplies is not None}


def split(path: Path, size: int) -> None:
    """Into parts of `size` bytes, as `split` names them."""
    content = path.read_bytes()
    for number, start in enumerate(range(0, len(content), size)):
        path.with_name(f"{path.name}.part.a{chr(97 + number)}").write_bytes(content[start : start + size])
    path.unlink()


def publish_all(root: Path, data: Path, videos: Videos) -> dict[str, Path]:
    """One question each of seven sources in `data`, and their data sets on a hub; each also holds other videos."""
    other = {f"other/yt{i}.mp4": videos[f"yt{i}"] for i in range(1, 6)}
    asked = videos["yt0"]
    made.write(data / "mlvu" / "test-0.parquet", [made.MLVU])
    lab.make_zip(root / "MLVU_dev" / "video_part_1.zip", {**other, "video/movie101_66.mp4": asked})
    lab.make_zip(root / "MLVU_dev" / "action_count.zip", {"video/count_1.mp4": videos["yt1"]})
    made.write(data / "longvideobench" / "validation-0.parquet", [made.LONGVIDEOBENCH])
    members = {"videos/before.mp4": videos["yt1"], "videos/86CxyhFV9MI.mp4": asked, "videos/after.mp4": videos["yt2"]}
    split(lab.make_tar(root / "LongVideoBench" / "videos.tar", members), 100_000)
    words = root / "86CxyhFV9MI_en.json"
    words.write_text('[{"start": "00:01:01", "line": "Hello"}]')
    lab.make_tar(root / "LongVideoBench" / "subtitles.tar", {"subtitles/86CxyhFV9MI_en.json": words})
    made.write(data / "tempcompass" / "multi-choice" / "test-0.parquet", [made.TEMPCOMPASS])
    lab.make_zip(root / "TempCompass" / "tempcompass_videos.zip", {**other, "videos/1034419625.mp4": asked})
    made.write(data / "nextqa" / "MC" / "test-0.parquet", [made.NEXTQA])
    lab.make_zip(root / "NExTQA" / "videos.zip", {**other, "NExTVideo/4010069381.mp4": asked})
    made.write(data / "perceptiontest" / "mc_question_val" / "validation-0.parquet", [made.PERCEPTIONTEST])
    lab.make_zip(root / "PerceptionTest_Val" / "videos_chunked_01.zip", {**other, "videos/video_10909.mp4": asked})
    lab.make_zip(root / "PerceptionTest_Val" / "valid_audios.zip", {"audios/video_10909.mp4": videos["yt1"]})
    made.write(data / "egoschema" / "Subset" / "test-0.parquet", [made.EGOSCHEMA])
    lab.make_zip(root / "egoschema" / "videos_chunked_05.zip", {**other, "videos/0074f737-11cb.MP4": asked})
    for task, folder in FOLDERS.items():
        made.write(data / "mvbench" / f"{task}.json", [{**made.MVBENCH, "question": f"What is it in {task}?"}])
        for name in ("ZS9XR_1.5_17.1.mp4", "another.mp4"):
            path = root / "MVBench" / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((asked if name.startswith("ZS") else videos["yt1"]).read_bytes())
    own = {"MLVU_dev": "sy1998", "LongVideoBench": "longvideobench", "MVBench": "OpenGVLab", "NExTQA": "lmms-lab"}
    return {f"{own.get(path.name, 'lmms-eval')}/{path.name}": path for path in root.iterdir() if path.is_dir()}


def test_every_layout(fetch: Callable[..., lab.Ran], videos: Videos, tmp_path: Path) -> None:
    names = sorted(FETCHED.keys() - {"videomme"})
    data, size = tmp_path / "data", videos["yt0"].stat().st_size
    folders = publish_all(tmp_path / "hub", data, videos)
    with hub(folders) as server:
        done = fetch(server.url, "--sources", ",".join(names), "--subtitles", "--yes")
        assert done.rc == 0, done.err
        assert {name: done.out.count(f"| {name:14} |") for name in names} == {
            n: 1 + (n == "longvideobench") for n in names
        }
        assert server.total < (6 + len(set(FOLDERS.values()))) * size + 60_000
        assert not {"valid_audios.zip", "action_count.zip"} & {n for n in server.sent if server.sent[n] > 10_000}
    for name in names:
        found = load_items(name, {"subtitles": True} if name == "longvideobench" else {}, data)
        assert {item.video.path.read_bytes() == videos["yt0"].read_bytes() for item in found} == {True}, name
        assert all(item.video.path.is_relative_to(data) for item in found)
    assert "Hello" in load_items("longvideobench", {"subtitles": True}, data)[0].context
    assert "a tar has no checksums of its members" in done.out
    assert (data / "egoschema" / "videos" / "0074f737-11cb.MP4").is_file()


@pytest.mark.parametrize("name", FETCHED)
def test_every_source_says_where_its_media_are(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of each split that `sources list` names; what a name means is settled with the hub at run time."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    rows = {
        "videomme": made.VIDEOMME,
        "mlvu": made.MLVU,
        "longvideobench": made.LONGVIDEOBENCH,
        "tempcompass": made.TEMPCOMPASS,
        "nextqa": made.NEXTQA,
        "perceptiontest": made.PERCEPTIONTEST,
        "egoschema": made.EGOSCHEMA,
        "mvbench": made.MVBENCH,
    }
    file = made.write(tmp_path / ("action_count.json" if name == "mvbench" else "a.parquet"), [rows[name]])
    read = FETCHED[name].supplies
    assert read is not None
    (supply,) = read({"data": str(file)}, tmp_path / "data", None)
    (item,) = load_items(name, {"data": str(file)}, tmp_path / "data")
    assert [supply.folder / each for each in supply.files] == [item.video.path]
    assert supply.folder == tmp_path / "data" / supply.layout
    assert all("/" in hub_id for hub_id in supply.hub)
    assert supply.hub
    assert supply.names
    assert read({"data": str(file)}, tmp_path / "data", {item.id}) == [supply]

"""What is decided before a byte is moved, and what of archives, also hostile ones, reaches the disk."""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from huggingface_hub import constants

from apollobench.errors import InputError
from apollobench.fetching.job import Outcome, check_room, fetch
from apollobench.fetching.plan import KEPT, Plan, make_plan
from apollobench.sources.base import Supply

from . import lab
from .hub_server import hub

Videos = Mapping[str, Path]
HUB = "someone/clips"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("APOLLOBENCH_DATA", raising=False)


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a server the hub of this process."""

    def connect(url: str) -> None:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")

    return connect


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def need(data: Path, *files: str, hub: tuple[str, ...] = (HUB,)) -> Supply:
    return Supply(
        "videos", data / "clips" / "videos", "clips/videos", files, hub, None, ("*.zip*", "*.tar*"), each=True
    )


def plan(supply: Supply, data: Path, notes: list[str] | None = None) -> Plan:
    return make_plan("clips", supply, data, print if notes is None else notes.append)


def get(supply: Supply, data: Path) -> Outcome:
    return fetch([plan(supply, data)], data, lambda _: None, workers=2)


def files_under(folder: Path) -> set[str]:
    """Everything below, but the archives and what fetching keeps."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
    return {name for name in found if not re.search(r"\.(zip|tar[\w.]*)$|\.fetch/", name)}


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
def test_archives_here_of_every_kind(name: str, data: Path, videos: Videos) -> None:
    members = {f"deep/down/{key}.mp4": video for key, video in videos.items()}
    kinds = {".gz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz", ".tar": "w"}
    archive = data / "clips" / name
    if name.endswith(".zip"):
        lab.make_zip(archive, members, zipfile.ZIP_DEFLATED)
    else:
        lab.make_tar(archive, members, kinds[archive.suffix])
    (data / "clips" / "videos").mkdir()
    (data / "clips" / "videos" / "yt3.webm").write_bytes(b"here under another suffix")
    supply = need(data, "yt4.mp4", "yt1.mp4", "down/yt2.mp4", "yt3.mp4")
    assert get(supply, data) == Outcome(3, (), 0)
    assert files_under(supply.folder) == {"yt1.mp4", "down/yt2.mp4", "yt3.webm", "yt4.mp4"}
    for file in ("yt1.mp4", "down/yt2.mp4", "yt4.mp4"):
        assert (supply.folder / file).read_bytes() == videos[Path(file).stem].read_bytes()


def test_parts_here_are_one_archive_and_a_gap_is_told(data: Path, videos: Videos) -> None:
    content = lab.make_zip(data / "clips" / "all.zip", {"x/yt0.mp4": videos["yt0"]}).read_bytes()
    (data / "clips" / "all.zip").unlink()
    parts = [data / "clips" / f"all.zip.{number:03d}" for number in (1, 2, 3)]
    for number, part in enumerate(parts):
        part.write_bytes(content[number * 60_000 : (number + 1) * 60_000])
    assert get(need(data, "yt0.mp4"), data).placed == 1
    (data / "clips" / "videos" / "yt0.mp4").unlink()
    parts[1].unlink()
    notes: list[str] = []
    with pytest.raises(InputError, match=r"someone/clips"):
        plan(need(data, "yt0.mp4"), data, notes)
    assert "all.zip: parts of it are missing, there are 001, 003" in notes[0]


def test_a_broken_archive_here_is_told_and_left_aside(data: Path, videos: Videos) -> None:
    broken = lab.make_zip(data / "clips" / "broken.zip", {"yt0.mp4": videos["yt0"]})
    os.truncate(broken, broken.stat().st_size - 30)
    lab.make_zip(data / "clips" / "videos" / "sound.zip", {"yt0.mp4": videos["yt0"]})
    notes: list[str] = []
    assert plan(need(data, "yt0.mp4"), data, notes).unpacked_here
    assert f"{broken}: cannot be read as an archive" in notes[0]


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


OUTSIDE = ["../../yt0.mp4", "/tmp/yt0.mp4", "a/../../yt0.mp4", "C:/yt0.mp4", "..\\x/yt0.mp4"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_no_name_leads_out_of_an_archive(name: str, kind: str, data: Path, tmp_path: Path) -> None:
    path = data / "clips" / f"evil.{kind}"
    path.parent.mkdir()
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(entry(name), b"evil")
    else:
        with tarfile.open(path, "w") as tar:
            info = tarfile.TarInfo(name)
            info.size = 4
            tar.addfile(info, io.BytesIO(b"evil"))
    before = files_under(tmp_path)
    with pytest.raises(InputError, match=r"evil\.(zip|tar): its member .* leads out of the archive; it is not taken"):
        get(need(data, "yt0.mp4"), data)
    assert files_under(tmp_path) == before


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_of_a_tar_are_not_taken(kind: bytes, data: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (data / "clips").mkdir()
    with tarfile.open(data / "clips" / "evil.tar", "w") as tar:
        info = tarfile.TarInfo("yt0.mp4")
        info.type, info.linkname = kind, str(tmp_path / "secret")
        tar.addfile(info)
    with pytest.raises(InputError, match=r"'yt0.mp4' is a link or a device"):
        get(need(data, "yt0.mp4"), data)
    assert files_under(data) == set()


def test_a_link_of_a_zip_is_not_taken_and_the_file_beside_it_is(data: Path, videos: Videos) -> None:
    path = lab.make_zip(data / "clips" / "evil.zip", {"sound/yt1.mp4": videos["yt1"]})
    with zipfile.ZipFile(path, "a") as archive:
        for name in ("yt0.mp4", "link/yt1.mp4"):
            archive.writestr(entry(name, stat.S_IFLNK | 0o777), "/etc/passwd")
    with pytest.raises(InputError, match=r"'yt0.mp4' is a link or a device"):
        get(need(data, "yt0.mp4"), data)
    assert get(need(data, "yt1.mp4"), data).placed == 1
    assert (data / "clips" / "videos" / "yt1.mp4").read_bytes() == videos["yt1"].read_bytes()


def test_annotations_do_not_lead_out_either(data: Path) -> None:
    for file in ("../yt0.mp4", "/tmp/yt0.mp4", ""):
        with pytest.raises(InputError, match=r"source clips: its annotations name the file .* leads out of its folder"):
            plan(need(data, file), data)


def rewritten(path: Path, field: int, value: int) -> Path:
    """The only entry of a zip's index with a number in it changed; `field` is its place in the entry, 4 bytes."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<I", content, content.rindex(b"PK\x01\x02") + field, value)
    path.write_bytes(content)
    return path


CRC, PACKED, SIZE, OFFSET = 16, 20, 24, 42


def test_a_bomb_is_stopped_at_the_size_it_announces(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty million zeros in fifty thousand bytes that pass for a thousand."""
    bomb = data / "clips" / "bomb.zip"
    bomb.parent.mkdir()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("yt0.mp4", bytes(50_000_000))
    rewritten(bomb, SIZE, 1000)
    written: list[int] = []
    unlink = Path.unlink

    def watched(path: Path, missing_ok: bool = False) -> None:
        written.extend([path.stat().st_size] if path.exists() else [])
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    outcome = get(need(data, "yt0.mp4"), data)
    assert outcome.exit_code == 1
    assert "yt0.mp4 in " in outcome.damaged[0]
    assert "unpacks to more than the 1,000 bytes it announces" in outcome.damaged[0]
    assert files_under(data) == set()
    assert max(written) < 100_000


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (CRC, 1, r"its crc32 is [0-9a-f]{8}, announced was 00000001"),
        (SIZE, 10**6, r"unpacks to [\d,]+ bytes, announced were 1,000,000"),
        (PACKED, 100, r"cannot be unpacked|unpacks to|its crc32"),
        (OFFSET, 1, r"the index points to something else than a file"),
    ],
)
def test_an_index_that_lies_is_found_out(field: int, value: int, message: str, data: Path, videos: Videos) -> None:
    path = lab.make_zip(data / "clips" / "a.zip", {"yt0.mp4": videos["yt0"]}, zipfile.ZIP_DEFLATED)
    rewritten(path, field, value)
    outcome = get(need(data, "yt0.mp4"), data)
    assert outcome.exit_code == 1
    assert re.search(message, outcome.damaged[0]), outcome.damaged[0]
    assert str(path) in outcome.damaged[0]
    assert files_under(data) == set()


@pytest.mark.parametrize(
    ("method", "field", "value", "message"),
    [
        (zipfile.ZIP_STORED, SIZE, 5, "is stored in .* bytes and said to have 5"),
        (zipfile.ZIP_DEFLATED, OFFSET, 10**8, "cannot be read as an archive|lies outside the archive"),
        (zipfile.ZIP_BZIP2, SIZE, 5, "is packed by method 12"),
        (zipfile.ZIP_STORED, 8, 1, "is encrypted"),
    ],
)
def test_what_cannot_be_taken_is_refused(
    method: int, field: int, value: int, message: str, data: Path, videos: Videos
) -> None:
    rewritten(lab.make_zip(data / "clips" / "a.zip", {"yt0.mp4": videos["yt0"]}, method), field, value)
    with pytest.raises(InputError, match=message):
        plan(need(data, "yt0.mp4"), data)


def test_two_that_differ_are_not_chosen_between(data: Path, videos: Videos) -> None:
    lab.make_zip(data / "clips" / "a.zip", {"x/yt0.mp4": videos["yt0"], "y/yt0.mp4": videos["yt0"]})
    assert plan(need(data, "yt0.mp4"), data).unpacked_here
    lab.make_zip(data / "clips" / "b.zip", {"yt0.mp4": videos["yt1"]})
    with pytest.raises(InputError, match=r"yt0.mp4: found twice and not alike: x/yt0.mp4 in .*a.zip"):
        plan(need(data, "yt0.mp4"), data)


def test_one_fetch_at_a_time(data: Path, videos: Videos) -> None:
    lab.make_zip(data / "clips" / "a.zip", {"yt0.mp4": videos["yt0"]})
    (data / KEPT).mkdir()
    with FileLock(data / KEPT / "lock"), pytest.raises(InputError, match=r"data: another fetch is at work here"):
        get(need(data, "yt0.mp4"), data)
    assert get(need(data, "yt0.mp4"), data).placed == 1


def test_a_disk_that_is_too_small_is_told_beforehand(data: Path, videos: Videos) -> None:
    lab.make_zip(data / "clips" / "a.zip", {"yt0.mp4": videos["yt0"]}, zipfile.ZIP_DEFLATED)
    made = plan(need(data, "yt0.mp4"), data)
    check_room([made], 0)
    (task,) = made.tasks
    large = replace(made, tasks=(replace(task, member=replace(task.member, size=10**18)),))
    with pytest.raises(InputError, match=r"data/clips: 1000000\.0 TB are needed and .* are free"):
        check_room([large], None)


def test_a_compressed_tar_comes_whole_and_stays(
    online: Callable[[str], None], data: Path, videos: Videos, tmp_path: Path
) -> None:
    folder = tmp_path / "hub"
    lab.make_tar(folder / "all.tar.gz", {f"{name}.mp4": video for name, video in videos.items()}, "w:gz")
    content = (folder / "all.tar.gz").read_bytes()
    (folder / "all.tar.gz").unlink()
    for place, piece in (("aa", content[:300_000]), ("ab", content[300_000:])):
        (folder / f"all.tar.gz.{place}").write_bytes(piece)
    with hub({HUB: folder}) as server:
        online(server.url)
        made = plan(need(data, "yt2.mp4", "nowhere.mp4"), data)
        assert server.total == 0
        assert made.download == len(content)
        outcome = fetch([made], data, lambda _: None, workers=2)
        assert server.total == len(content)
        assert outcome == Outcome(1, (), 1)
        server.forget()
        assert get(need(data, "yt3.mp4"), data) == Outcome(1, (), 0)
        assert server.total == 0
    assert files_under(data / "clips") == {"videos/yt2.mp4", "videos/yt3.mp4"}
    assert (data / "clips" / "all.tar.gz.aa").is_file()


def test_a_whole_file_that_is_not_what_the_hub_lists(
    online: Callable[[str], None], data: Path, videos: Videos, tmp_path: Path
) -> None:
    """Loose files are compared with the hub's SHA-256, small ones with git's name of them."""
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "yt0.mp4").write_bytes(videos["yt0"].read_bytes())
    (folder / "words.json").write_text("[1, 2, 3]")
    loose = replace(need(data, "yt0.mp4", "words.json"), names=("*.mp4", "*.json"))
    with hub({HUB: folder}) as server:
        online(server.url)
        server.damaged = {"yt0.mp4", "words.json"}
        damaged = sorted(get(loose, data).damaged)
        assert files_under(data) == set()
        server.damaged = set()
        assert get(loose, data) == Outcome(2, (), 0)
    assert re.search(r"someone/clips/words.json: its git is [0-9a-f]{40}, announced was [0-9a-f]{40};", damaged[0])
    assert re.search(r"someone/clips/yt0.mp4: its sha256 is [0-9a-f]{64}, announced was [0-9a-f]{64};", damaged[1])


def test_a_server_without_ranges_does_not_send_it_all(
    online: Callable[[str], None], data: Path, videos: Videos, tmp_path: Path
) -> None:
    lab.make_zip(tmp_path / "hub" / "a.zip", {f"{name}.mp4": video for name, video in videos.items()})
    with hub({HUB: tmp_path / "hub"}) as server:
        online(server.url)
        server.ranges = False
        with pytest.raises(InputError, match=r"someone/clips/a.zip: the server sends only whole files"):
            plan(need(data, "yt0.mp4"), data)


def test_repositories_are_tried_in_turn(
    online: Callable[[str], None], data: Path, videos: Videos, tmp_path: Path
) -> None:
    lab.make_zip(tmp_path / "hub" / "a.zip", {"yt0.mp4": videos["yt0"]})
    with hub({HUB: tmp_path / "hub"}) as server:
        online(server.url)
        assert plan(need(data, "yt0.mp4", hub=("someone/moved", HUB)), data).origin == "someone/clips@cccccccc"
        with pytest.raises(InputError, match=r"the hub has no someone/gone, or it is private"):
            plan(need(data, "yt0.mp4", hub=("someone/moved", "someone/gone")), data)
        with pytest.raises(InputError, match=r"someone/clips has no \*\.rar, which should hold its videos"):
            plan(replace(need(data, "yt0.mp4"), names=("*.rar",)), data)
    with pytest.raises(InputError, match=r"where its videos are on the hub is not known"):
        plan(need(data, "yt0.mp4", hub=()), data)


def test_the_index_of_a_remote_archive_is_read_once(
    online: Callable[[str], None], data: Path, videos: Videos, tmp_path: Path
) -> None:
    lab.make_tar(tmp_path / "hub" / "a.tar", {f"{name}.mp4": video for name, video in videos.items()})
    with hub({HUB: tmp_path / "hub"}) as server:
        online(server.url)
        first = plan(need(data, "yt0.mp4"), data)
        assert 0 < server.total < 30_000
        server.forget()
        assert plan(need(data, "yt0.mp4"), data).tasks == first.tasks
        assert server.total == 0

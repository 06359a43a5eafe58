"""The command against a hub: what is asked, what is transferred, and what lies in place afterwards."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from apollobench.benchmark import load_benchmark
from apollobench.sources import load_items

from . import lab
from .hub_server import Hub, hub
from .lab import NAMES, VIDEOMME, Ran

Fetch = Callable[..., Ran]
Videos = Mapping[str, Path]
INDEX = 2_000  # bytes that indexes and local headers of both archives take at most


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "data" / "videomme" / "data"


def archived(server: Hub) -> int:
    """Bytes of the two archives that were sent."""
    return sum(count for name, count in server.sent.items() if name.startswith("videos_chunked"))


def expect(place: Path, videos: Videos, names: tuple[str, ...] = NAMES) -> None:
    """The files of these names are there as they should be, and nothing else is."""
    assert sorted(path.name for path in place.iterdir()) == sorted(f"{name}.mp4" for name in names)
    for name in names:
        assert (place / f"{name}.mp4").read_bytes() == videos[name].read_bytes()


def test_nothing_is_downloaded_unasked_and_nothing_twice(
    fetch: Fetch, repository: Path, videos: Videos, place: Path, tmp_path: Path
) -> None:
    with hub({VIDEOMME: repository}) as server:
        refused = fetch(server.url, "--sources", "videomme")
        assert refused.rc == 2
        assert archived(server) < INDEX
        assert not place.exists()
        *_, line = refused.err.splitlines()
        told = shlex.split(line.partition("to go on: ")[2])
        assert told == ["apollobench", "fetch", "--sources", "videomme", "--data_root", f"{tmp_path / 'data'}", "--yes"]
        done = fetch(server.url, *told[2:4], "--yes")
        assert done.rc == 0, done.err
        server.forget()
        again = fetch(server.url, "--sources", "videomme")
        assert (again.rc, server.total) == (0, 0), again.err
    expect(place, videos)
    assert "| videomme | videos |     6 | 0 (0 bytes) |" in done.out
    packed = sum(info.compress_size for path in archives(repository) for info in zipfile.ZipFile(path).infolist())
    assert f"to download: {packed / 1000:.1f} kB (of {packed / 1000:.1f} kB)" in done.out
    assert "free disk: " in done.out
    assert f"into {place}" in done.out
    assert f"6 ({sum(video.stat().st_size for video in videos.values()) / 1000:.1f} kB)" in again.out
    assert all(
        item.video.path.is_file() for item in load_items("videomme", {"data": str(repository)}, tmp_path / "data")
    )


def size(path: Path) -> int:
    """0 for a file that was moved away meanwhile."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def archives(repository: Path) -> list[Path]:
    return sorted(repository.glob("videos_chunked_*.zip"))


def test_only_what_a_benchmark_needs(
    fetch: Fetch, repository: Path, videos: Videos, place: Path, tmp_path: Path
) -> None:
    part = lab.curated(tmp_path / "part", repository / "videomme" / "test-00000-of-00001.parquet", ("yt1", "yt4"))
    wanted = sum(videos[name].stat().st_size for name in ("yt1", "yt4"))
    with hub({VIDEOMME: repository}) as server:
        large = fetch(server.url, "--only", part, "--max_size", "200kB", "--yes")
        assert archived(server) < INDEX
        server.forget()
        done = fetch(server.url, "--only", part, "--yes")
        assert 0.9 * wanted < archived(server) < wanted + INDEX
    assert large.rc == 2
    assert "would be downloaded, and --max_size allows 200.0 kB" in large.err
    assert done.rc == 0, done.err
    expect(place, videos, ("yt1", "yt4"))
    told = shlex.split(done.out.splitlines()[-1].partition("videos: ")[2])
    assert told[:4] == ["apollobench", "eval", "--benchmark", str(part)]
    items = load_benchmark(part, data_root=Path(told[-1])).items
    assert [item.video.path for item in items] == [place / "yt1.mp4", place / "yt4.mp4"]


def test_a_killed_fetch_goes_on_where_it_stopped(
    fetch: Fetch, repository: Path, videos: Videos, place: Path, tmp_path: Path
) -> None:
    command = lab.command("--sources", "videomme", "--data_root", tmp_path / "data", "--yes", "--workers", "1")
    with hub({VIDEOMME: repository}) as server:
        server.pause = 0.03
        running = subprocess.Popen(
            command,
            env=lab.environment(tmp_path / "home", server.url),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not (any(place.glob("*.mp4")) and any(8_000 < size(part) < 50_000 for part in place.glob(".*.part"))):
            assert running.poll() is None
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL
        server.pause = 0.0
        here = sum(path.stat().st_size for path in place.iterdir())
        assert len(list(place.glob(".*.part"))) == 1
        time.sleep(0.2)  # what was still being sent to the dead process
        server.forget()
        done = fetch(server.url, "--sources", "videomme", "--yes")
        total = sum(path.stat().st_size for path in archives(repository))
        assert archived(server) <= total - here
    assert done.rc == 0, done.err
    assert "are here from an earlier run" in done.out
    expect(place, videos)


def test_a_bad_line_is_outlasted(fetch: Fetch, repository: Path, videos: Videos, place: Path, tmp_path: Path) -> None:
    made = tmp_path / "data" / "videomme"
    made.mkdir(parents=True)
    (made / "test-00000-of-00001.parquet").write_bytes(
        (repository / "videomme/test-00000-of-00001.parquet").read_bytes()
    )
    with hub({VIDEOMME: repository}) as server:
        server.refusals = [429, 503]
        server.cuts = 4
        done = fetch(server.url, "--sources", "videomme", "--yes")
        total = sum(path.stat().st_size for path in archives(repository))
        assert archived(server) < total + INDEX
        assert (server.refusals, server.cuts) == ([], 0)
    assert done.rc == 0, done.err
    expect(place, videos)


def test_what_arrives_damaged_is_told_and_not_kept(
    fetch: Fetch, repository: Path, videos: Videos, place: Path, tmp_path: Path
) -> None:
    with hub({VIDEOMME: repository}) as server:
        server.damaged = {"videos_chunked_01.zip"}
        first = fetch(server.url, "--sources", "videomme", "--yes")
        server.damaged = set()
        server.forget()
        second = fetch(server.url, "--sources", "videomme", "--yes")
        assert archived(server) < videos["yt1"].stat().st_size + INDEX
    assert first.rc == 1
    (told,) = [line for line in first.out.splitlines() if line.startswith("damaged: ")]
    assert f"{VIDEOMME}/videos_chunked_01.zip" in told
    assert "data/yt1.mp4" in told
    assert "its crc32 is " in told
    assert ", announced was " in told
    assert second.rc == 0
    expect(place, videos)


def test_a_gated_data_set_asks_for_access_and_no_token_leaks(
    fetch: Fetch, repository: Path, videos: Videos, place: Path
) -> None:
    token = "hf_secretsecretsecret"
    with hub({VIDEOMME: repository}) as server:
        server.gated[VIDEOMME] = token
        closed = fetch(server.url, "--sources", "videomme", "--yes")
        server.forget()
        opened = fetch(server.url, "--sources", "videomme", "--yes", HF_TOKEN=token)
        asked = [sent for path, sent in server.seen if "/resolve/" in path]
        elsewhere = [sent for path, sent in server.seen if path.startswith("/files/")]
        server.gated[VIDEOMME] = "hf_another"
        for path in place.iterdir():
            path.unlink()
        wrong = fetch(server.url, "--sources", "videomme", "--yes", HF_TOKEN=token)
    assert closed.rc == wrong.rc == 2
    assert f"{VIDEOMME} is gated; ask for access on its page" in closed.err
    assert f"{VIDEOMME} is gated" in wrong.err
    assert opened.rc == 0, opened.err
    assert set(asked) == {f"Bearer {token}"}
    assert elsewhere
    assert set(elsewhere) == {None}
    for ran in (closed, opened, wrong):
        assert token not in ran.out + ran.err
        assert "signature=" not in ran.out + ran.err


def test_archives_here_are_unpacked_without_a_network(
    fetch: Fetch, repository: Path, videos: Videos, place: Path, tmp_path: Path
) -> None:
    """As `hf download --local-dir` leaves them; nothing has to be confirmed."""
    (tmp_path / "data").mkdir()
    repository.rename(tmp_path / "data" / "Video-MME")
    annotations = tmp_path / "data" / "Video-MME" / "videomme"
    annotations.rename(tmp_path / "data" / "videomme")
    done = fetch("http://127.0.0.1:9", "--sources", "videomme", "--subtitles", HF_HUB_OFFLINE="1")
    expect(place, videos)
    assert (place.parent / "subtitle" / "yt0.srt").read_text() == lab.SUBTITLE
    assert done.rc == 1  # whether the other videos have subtitles, the hub would have to be asked
    assert "videomme subtitles: 5 cannot be had, such as yt1.srt, yt2.srt, yt3.srt: " in done.out
    assert "offline mode is enabled" in done.out
    assert done.out.splitlines()[-1] == "7 files are in their places; 5 could not be had"


def test_a_terminal_is_asked(repository: Path, videos: Videos, place: Path, tmp_path: Path) -> None:
    def answer(text: bytes, url: str) -> Ran:
        ours, theirs = pty.openpty()
        running = subprocess.Popen(
            lab.command("--sources", "videomme", "--data_root", tmp_path / "data"),
            env=lab.environment(tmp_path / "home", url),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.write(ours, text)
        out, err = running.communicate()
        os.close(ours)
        os.close(theirs)
        return Ran(running.returncode, out, err)

    with hub({VIDEOMME: repository}) as server:
        no = answer(b"n\n", server.url)
        assert not place.exists()
        yes = answer(b"y\n", server.url)
    assert no.rc == 2
    assert "Download?" in no.err + no.out
    assert "nothing was downloaded" in no.err
    assert yes.rc == 0, yes.err
    expect(place, videos)

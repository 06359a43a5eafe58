"""`apollobench doctor` from the outside: what it examines, what it prints, its exit codes, and being killed."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from apollobench.benchmark import Entry, write_benchmark
from apollobench.sources.synthetic.make import make_world, read_world
from apollobench.types import CATEGORIES, Item
from apollobench.video.media import read_digest
from apollobench.video.register import REGISTER

PATIENCE = 120.0
VIDEOS, SEED = 12, 1_000_000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root that holds a small generated world."""
    root = tmp_path_factory.mktemp("data")
    make_world(root / f"synthetic-{SEED}-{VIDEOS}", VIDEOS, SEED, workers=1, progress=False)
    return root


@pytest.fixture
def videos(world: Path) -> Path:
    return world / f"synthetic-{SEED}-{VIDEOS}" / "videos"


@pytest.fixture(scope="module")
def pool(world: Path) -> list[Item]:
    return read_world(world / f"synthetic-{SEED}-{VIDEOS}")


def doctor(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "apollobench", "doctor", *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )


def copies(files: Sequence[Path], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / file.name for file in files]
    for file, copy in zip(files, made, strict=True):
        copy.write_bytes(file.read_bytes())
    return made


def test_a_healthy_folder(videos: Path, tmp_path: Path) -> None:
    done = doctor(videos, "--output_path", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("12 files: 12 ok, 0 with a fault. 12 examined now, 0 known")
    assert f"All records: {tmp_path / REGISTER}" in done.stdout
    assert "doctor: 12/12 (100 %), " in done.stderr
    assert " files/s" in done.stderr


def test_faults_in_a_folder(videos: Path, tmp_path: Path) -> None:
    good, broken = copies(sorted(videos.iterdir())[:2], tmp_path / "media" / "deep")
    broken.write_bytes(broken.read_bytes()[:-100])
    (tmp_path / "media" / "notes.txt").write_text("no video")
    done = doctor(tmp_path / "media")
    assert done.returncode == 1, done.stderr
    assert "2 files: 1 ok, 1 with a fault." in done.stdout
    assert f"| {broken} " in done.stdout
    assert "promised bytes are there" in done.stdout
    assert (good.parent / REGISTER).is_file()
    found = doctor("media", "media/deep", "--format", "csv", cwd=tmp_path)
    assert found.returncode == 1
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert [(row["file"], row["status"]) for row in rows] == [(str(good), "ok"), (str(broken), "truncated")]
    assert (rows[0]["codec"], rows[0]["digest"]) == ("h264", read_digest(good))
    assert "2/2 (100 %), 2 stored" in found.stderr
    tabled = doctor(tmp_path / "media", "--format", "md")
    assert tabled.stdout.count("\n") == 4
    assert tabled.stdout.startswith("| file ")


def test_a_benchmark_and_what_each_fault_costs(pool: list[Item], tmp_path: Path) -> None:
    originals = sorted({item.video.path for item in pool})
    moved = dict(zip(originals, copies(originals, tmp_path / "media"), strict=True))
    entries = [
        Entry(
            Item(
                id=item.id,
                question=item.question,
                options=item.options,
                answer=item.answer,
                video=type(item.video)(item.video.id, moved[item.video.path]),
                category=CATEGORIES[0],
            )
        )
        for item in pool
    ]
    write_benchmark(tmp_path / "benchmark", entries, [], {"name": "small"}, "card")
    gone, empty = moved[originals[3]], moved[originals[5]]
    gone.unlink()
    empty.write_bytes(b"")
    done = doctor("--benchmark", tmp_path / "benchmark")
    assert done.returncode == 1, done.stderr
    on = Counter(entry.item.video.path for entry in entries)
    assert f"({on[gone] + on[empty]} of {len(pool)} items are on them)" in done.stdout
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()]
    assert ["missing", "1", str(on[gone]), "fault"] in rows
    assert ["empty", "1", str(on[empty]), "fault"] in rows
    assert [str(on[gone]), "missing"] in [row[1:3] for row in rows if row[0] == str(gone)]
    assert (tmp_path / "media" / REGISTER).is_file()


def test_the_videos_of_a_source(pool: list[Item], tmp_path: Path) -> None:
    """The recipe's options decide which world is read; this one is linked together from a smaller one's videos."""
    world = tmp_path / "synthetic-1000000-300"
    world.mkdir()
    original = pool[0].video.path.parents[1]
    (world / "items.jsonl").write_text((original / "items.jsonl").read_text())
    (world / "world.json").write_text(
        (original / "world.json").read_text().replace(f'"videos": {VIDEOS}', '"videos": 300')
    )
    (world / "videos").mkdir()
    for path in (original / "videos").iterdir():
        (world / "videos" / path.name).hardlink_to(path)
    done = doctor("--sources", "synthetic", "--data_root", tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{VIDEOS} files: {VIDEOS} ok" in done.stdout
    assert (tmp_path / REGISTER).is_file()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "examine what?"),
        (["nowhere.mp4"], "nowhere.mp4: no such file or folder"),
        (["."], "no video in this folder"),
        (["--sources", "synthetic,synthetic"], "named twice"),
        (["--sources", "unheard", "--data_root", "."], "unknown source 'unheard'"),
        (["--benchmark", "nowhere"], "nowhere: no such directory"),
        ([".", "--format", "xml"], "unknown format 'xml'; valid: csv, md"),
    ],
)
def test_usage_errors(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = doctor(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_killed_in_the_middle_it_goes_on_from_there(videos: Path, tmp_path: Path) -> None:
    """Nothing that had been noted is examined again."""
    source = sorted(videos.iterdir())[0].read_bytes()
    folder = tmp_path / "media"
    folder.mkdir()
    for number in range(400):
        (folder / f"{number:03d}.mp4").write_bytes(source)
    register = folder / REGISTER
    command = [sys.executable, "-m", "apollobench", "doctor", str(folder), "--workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while not register.exists() or register.read_bytes().count(b"\n") < 20:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    noted = register.read_bytes()
    count = noted.count(b"\n")
    assert 20 <= count < 400
    done = doctor(folder)
    assert done.returncode == 0, done.stderr
    assert f"{400 - count} examined now, {count} known" in done.stdout
    lines = register.read_bytes()
    assert lines.startswith(noted)
    assert len({json.loads(line)["path"] for line in lines.splitlines()}) == len(lines.splitlines()) == 400

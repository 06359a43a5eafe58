"""The register of media files: what is appended is found again, whatever happened in between."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.video.health import Facts, Finding, Health, Kind, stamp
from apollobench.video.media import media_digest, read_digest
from apollobench.video.register import REGISTER, Register

FACTS = Facts(2.0, 29.97, 60, 96, 64, 90, "h264", "mov")
NOTE = Finding(Kind.ROTATED, "turned")


def record(path: Path, digest: str = "abc") -> Health:
    return Health(path, *stamp(path), digest, (NOTE,), FACTS)


def make(path: Path, content: bytes = b"pictures") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_records_come_back_and_the_last_counts(tmp_path: Path) -> None:
    inside, outside = make(tmp_path / "data" / "a" / "ü\udcff.mp4"), make(tmp_path / "elsewhere.mp4")
    with Register(tmp_path / "data") as register:
        register.append(record(inside, "old"))
        register.append(record(outside))
        register.append(record(inside, "new"))
        held = dict(register.records)
    with Register(tmp_path / "data") as register:
        assert register.records == held == {inside: record(inside, "new"), outside: record(outside)}
    lines = (tmp_path / "data" / REGISTER).read_text().splitlines()
    assert len(lines) == 3
    assert str(tmp_path) not in lines[0]


def test_a_register_moves_with_its_folder(tmp_path: Path) -> None:
    path = make(tmp_path / "data" / "a.mp4")
    with Register(tmp_path / "data") as register:
        register.append(record(path))
    shutil.move(tmp_path / "data", tmp_path / "moved")
    with Register(tmp_path / "moved") as register:
        assert list(register.records) == [tmp_path / "moved" / "a.mp4"]


@pytest.mark.parametrize("lost", [1, 10, 100])
def test_a_torn_line_costs_its_own_record_only(lost: int, tmp_path: Path) -> None:
    first, second, third = (make(tmp_path / name) for name in ("a.mp4", "b.mp4", "c.mp4"))
    with Register(tmp_path) as register:
        register.append(record(first))
        register.append(record(second))
    file = tmp_path / REGISTER
    file.write_bytes(file.read_bytes()[:-lost])
    with Register(tmp_path) as register:
        whole = [first, second] if lost == 1 else [first]
        assert list(register.records) == whole
        register.append(record(third))
    with Register(tmp_path) as register:
        assert list(register.records) == [*whole, third]


def test_lines_of_others_are_passed_over(tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4")
    with Register(tmp_path) as register:
        register.append(record(path))
    file = tmp_path / REGISTER
    line = file.read_text()
    later = line.replace('"version": 1', '"version": 2').replace('"abc"', '"of another version"')
    file.write_text(f'[]\n"text"\n{{"path": "a.mp4"}}\n{line}{later}\x00\xff\n', encoding="latin-1")
    with Register(tmp_path) as register:
        assert register.records == {path: record(path)}


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"media\.jsonl: cannot be written: .*--output_path"):
        Register(tmp_path / "file")


def test_a_noted_digest_saves_the_reading(tmp_path: Path) -> None:
    """The noted digest is not the true one, which shows where it comes from."""
    path = make(tmp_path / "deep" / "down" / "a.mp4")
    with Register(tmp_path) as register:
        register.append(record(path, "0" * 32))
    assert media_digest(path) == "0" * 32


@pytest.mark.parametrize("change", [{"size": 7}, {"modified": 5}, {"digest": ""}])
def test_a_digest_noted_of_another_state_is_not_taken(change: dict[str, int], tmp_path: Path) -> None:
    path = make(tmp_path / "a.mp4")
    with Register(tmp_path) as register:
        register.append(replace(record(path, "0" * 32), **change))
    assert media_digest(path) == read_digest(path)


def test_the_nearest_register_counts(tmp_path: Path) -> None:
    path = make(tmp_path / "inner" / "a.mp4")
    for folder, digest in ((tmp_path, "1" * 32), (tmp_path / "inner", "2" * 32)):
        with Register(folder) as register:
            register.append(record(path, digest))
    assert media_digest(path) == "2" * 32

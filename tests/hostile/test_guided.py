"""A short run of libFuzzer over readers whose faults are known; perf/fuzz.py runs it over those of the package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from apollobench.errors import InputError

from . import guided, toys
from .campaign import Bench
from .guided import Fuzzed, Job, fuzz, split

needs_atheris = pytest.mark.skipif(find_spec("atheris") is None, reason="needs atheris, which is for Linux only")


def _fuzz(target: str, folder: Path, runs: int) -> Fuzzed:
    return fuzz(Job(target, str(folder), runs, 300.0, targets=toys.__name__, package="tests"))


@needs_atheris
def test_coverage_leads_to_a_planted_fault(tmp_path: Path) -> None:
    found = _fuzz("planted", tmp_path / "fuzz", 3000)
    ((outcome, numbers),) = found.tally.faults.items()
    assert outcome == "LookupError at outside the package"
    assert found.tally.cases == found.tally.taken + found.tally.refused + len(numbers) == 3000
    assert found.edges[1] > found.edges[0] > 0
    _, content = split(
        Bench(toys.TARGETS["planted"], tmp_path / "bench", 0), (tmp_path / f"fuzz/fault-{numbers[0]}").read_bytes()
    )
    assert content.startswith(b"\xc9BAD")


@needs_atheris
def test_a_sound_reader_has_no_fault(tmp_path: Path) -> None:
    found = _fuzz("sound", tmp_path / "fuzz", 300)
    assert not found.tally.faults
    assert found.tally.taken
    assert found.tally.refused
    assert found.tally.cases == found.tally.taken + found.tally.refused == 300


@needs_atheris
def test_a_reader_that_ends_its_process_is_started_again(tmp_path: Path) -> None:
    found = _fuzz("deadly", tmp_path / "fuzz", 60)
    assert list(found.tally.faults) == ["the process died: exit code 3"]
    assert len(found.tally.faults["the process died: exit code 3"]) >= 2
    assert found.tally.cases >= 60
    for number in found.tally.faults["the process died: exit code 3"]:
        assert len((tmp_path / f"fuzz/fault-{number}").read_bytes()) < 6


@needs_atheris
def test_a_target_that_refuses_its_sound_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)unsound: exit code 1.*the sound files are not taken"):
        _fuzz("unsound", tmp_path / "fuzz", 10)


def test_without_atheris_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guided, "find_spec", lambda _: None)
    with pytest.raises(InputError, match="pip install 'atheris>=3'"):
        _fuzz("sound", tmp_path / "fuzz", 10)

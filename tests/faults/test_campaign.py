"""The campaign of faults in short: every event of perf/faults.py, provoked once or twice."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

PERF = Path(__file__).resolve().parent.parent.parent / "perf"


def _campaign() -> ModuleType:
    spec = importlib.util.spec_from_file_location("faults", PERF / "faults.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["faults"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


faults = _campaign()


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> object:
    return faults.Ground(tmp_path_factory.mktemp("ground").resolve(), videos=2)


@pytest.mark.parametrize("name", list(faults.EVENTS))
def test_what_comes_of(name: str, ground: object) -> None:
    assert faults.EVENTS[name].run(ground, 2)


def test_the_page_has_every_event(root: Path) -> None:
    page = (root / "docs" / "faults.md").read_text(encoding="utf-8")
    missing = [event.name for event in faults.EVENTS.values() if f"| {event.name} " not in page]
    assert not missing
    assert "**red**" not in page

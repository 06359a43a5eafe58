"""What every test may use. Data that is not part of the project is optional: without it those tests skip, visibly."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

import apollobench  # noqa: F401  # before transformers, which imports torchvision

ROOT = Path(__file__).resolve().parent.parent

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything reads it: no test may reach the network

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background; what tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

hypothesis.settings.register_profile("any-machine", deadline=None)
hypothesis.settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data: $APOLLOBENCH_SHARED, else `shared` beside the checkout; skips when there is none."""
    place = Path(os.environ.get("APOLLOBENCH_SHARED", ROOT.parent / "shared"))
    if not (place / "data").is_dir():
        pytest.skip(f"real data not at hand: {place} (set APOLLOBENCH_SHARED)")
    return place

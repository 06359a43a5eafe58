"""One small data set for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from . import lab

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "data"
    lab.make_corpus(folder)
    return folder

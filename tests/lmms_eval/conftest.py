"""These tests need the real lmms-eval, which has an environment of its own (`make test-lmms`); elsewhere they skip."""

from __future__ import annotations

from pathlib import Path

import pytest

from apollobench.models.lmms.classes import find_class, missing

from ..evaluate import eyes


@pytest.fixture(scope="session", autouse=True)
def lmms_eval() -> None:
    lack = missing()
    if lack is not None:
        pytest.skip(f"{lack}; `make test-lmms` has an environment with it")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 6 video files with 3 questions each: every order of three colours."""
    folder = tmp_path_factory.mktemp("eyes") / "world"
    eyes.make_world(folder, 6)
    return folder


@pytest.fixture
def plugins() -> None:
    """The classes of `plugin.py` in lmms-eval's registry, as its entry points would put them there."""
    from lmms_eval.models import MODEL_REGISTRY_V2

    from . import plugin

    for manifest in plugin.MANIFESTS:
        MODEL_REGISTRY_V2.register_manifest(manifest, overwrite=True)
    assert find_class("eyes_chat").kind == "chat"

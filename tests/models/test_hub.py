"""Weights from a hub: downloaded on first use, without code, then from the cache; every failure says what to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .hub_server import COMMIT, REPOSITORY, hub

FIND = """
import json, sys
from apollobench.errors import InputError
from apollobench.models.roster import find_entry
from apollobench.models.weights import find_weights

for arguments in json.loads(sys.argv[1]):
    try:
        print(find_weights("apollo-7b", find_entry("apollo-7b"), **arguments))
    except InputError as error:
        print(json.dumps(str(error)))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files of every kind that such a repository has."""
    place = tmp_path / "repository"
    (place / "llm").mkdir(parents=True)
    for name in (
        "config.json",
        "llm/model.safetensors",
        "llm/merges.txt",
        "modeling_apollo.py",
        "llm/pytorch_model.bin",
    ):
        (place / name).write_text(f"content of {name}")
    return place


def find(home: Path, endpoint: str, *arguments: dict[str, str], offline: bool = False) -> list[str]:
    """What `find_weights` gives for each of `arguments` in a process with an empty environment for the hub."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment |= {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_XET": "1"}
    environment |= {"HF_HUB_OFFLINE": "1"} if offline else {}
    done = subprocess.run(
        [sys.executable, "-c", FIND, json.dumps(arguments)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def test_weights_are_downloaded_once_and_without_code(folder: Path, tmp_path: Path) -> None:
    mirror = {"pretrained": REPOSITORY}
    with hub(folder) as server:
        (first,) = find(tmp_path / "home", server.url, mirror)
        asked = sorted(server.asked)
        second, tagged, withdrawn = find(tmp_path / "home", server.url, mirror, {**mirror, "revision": "v1"}, {})
        closed = server.url
        assert sorted(server.asked) == asked
    assert asked == ["config.json", "llm/merges.txt", "llm/model.safetensors"]
    assert Path(first).name == COMMIT
    assert {path.relative_to(first).as_posix() for path in Path(first).rglob("*") if path.is_file()} == set(asked)
    assert (Path(first) / "llm/merges.txt").read_text() == "content of llm/merges.txt"
    assert second == tagged == first
    for part in ("the hub has no Apollo-LMMs/Apollo-7B-t32", "withdrawn", "pretrained=OWNER/REPOSITORY"):
        assert part in withdrawn
    assert find(tmp_path / "home", closed, mirror) == [first]
    assert find(tmp_path / "home", closed, mirror, offline=True) == [first]


def test_what_cannot_be_had_is_told_with_the_reason(folder: Path, tmp_path: Path) -> None:
    with hub(folder) as server:
        gated, unknown, revision, unfit = find(
            tmp_path / "home",
            server.url,
            {"pretrained": "someone/gated"},
            {"pretrained": "someone/else"},
            {"pretrained": REPOSITORY, "revision": "v9"},
            {"pretrained": str(folder), "revision": "v1"},
        )
        closed = server.url
    assert "someone/gated is gated; ask for access on its page" in gated
    assert "the hub has no someone/else, or it is private" in unknown
    assert f"{REPOSITORY} has no revision 'v9'" in revision
    assert "revision=v1 is of a repository of the hub; leave it out" in unfit
    (unreachable,) = find(tmp_path / "none", closed, {"pretrained": REPOSITORY})
    assert "ConnectError" in unreachable
    assert f"hf download {REPOSITORY}" in unreachable
    assert str(tmp_path / "none" / "hub") in unreachable

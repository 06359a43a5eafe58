"""A checkpoint has one digest, wherever its files lie, and another as soon as one of them changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from apollobench.fingerprint import folder_digest

KINDS = {".json", ".safetensors"}
FILES = {"config.json": b"{}", "llm/model.safetensors": b"weights", "README.md": b"words"}


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def test_names_and_contents_count_and_other_files_do_not(tmp_path: Path) -> None:
    first = folder_digest(written(tmp_path / "a", FILES), KINDS)
    assert folder_digest(written(tmp_path / "b", FILES | {"README.md": b"other words"}), KINDS) == first
    assert folder_digest(written(tmp_path / "c", FILES | {"config.json": b"{ }"}), KINDS) != first
    assert folder_digest(written(tmp_path / "d", FILES | {"vocab.json": b"{}"}), KINDS) != first


def test_large_files_in_the_cache_of_the_hub_are_known_by_their_names(tmp_path: Path) -> None:
    plain = folder_digest(written(tmp_path / "plain", FILES), KINDS)
    blob = tmp_path / "models--a--b" / "blobs" / hashlib.sha256(b"weights").hexdigest()
    small = blob.parent / ("0" * 40)
    snapshot = written(tmp_path / "models--a--b" / "snapshots" / "main", {})
    written(blob.parent, {blob.name: b"not read", small.name: b"{}"})
    (snapshot / "llm").mkdir(parents=True)
    (snapshot / "llm" / "model.safetensors").symlink_to(blob)
    (snapshot / "config.json").symlink_to(small)
    assert folder_digest(snapshot, KINDS) == plain

"""The content hash of a media file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from apollobench.errors import InputError
from apollobench.video.media import media_digest


def test_digest_is_of_the_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a.mp4", tmp_path / "b.mp4"
    first.write_bytes(b"pictures")
    second.write_bytes(b"pictures")
    assert media_digest(first) == media_digest(second) == hashlib.sha256(b"pictures").hexdigest()[:32]


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"pictures")
    before = media_digest(path)
    path.write_bytes(b"pictured")
    os.utime(path, ns=(1, 1))
    assert media_digest(path) != before


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.mp4: no such file"):
        media_digest(tmp_path / "gone.mp4")

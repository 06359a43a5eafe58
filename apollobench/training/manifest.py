"""The manifest of a run: what it was made from and with, and the stages that are finished."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from apollobench import __version__
from apollobench.apollo.checkpoint import revision
from apollobench.atomic import replace_file
from apollobench.errors import InputError
from apollobench.training.recipe import TrainingFile
from apollobench.training.records import Records

MANIFEST = "manifest.json"
FORMAT = 1
LIBRARIES = ("torch", "transformers", "numpy", "av", "pillow", "opencv-python-headless")


class Manifest:
    """`manifest.json` in the folder of a run.

    Raises `InputError` where the folder holds a run of another recipe, or of the same with other data.
    """

    def __init__(self, folder: Path, file: TrainingFile, data: Sequence[Records]) -> None:
        self._path = folder / MANIFEST
        self.content: dict[str, Any] = {
            "format": FORMAT,
            "name": file.recipe.name,
            "fingerprint": file.recipe.fingerprint,
            "data": [_described(records) for records in data],
            "recipe": file.text,
            "versions": {"apollobench": __version__, "python": platform.python_version()}
            | {name: version(name) for name in LIBRARIES},
            "stages": {},
        }
        if self._path.exists():
            self._take_up(folder)
        elif folder.exists() and any(folder.iterdir()):
            raise InputError(f"{folder}: not empty, and no training run; give a new folder with --output_path")
        folder.mkdir(parents=True, exist_ok=True)
        self._write()

    @property
    def finished(self) -> set[str]:
        return set(self.content["stages"])

    def finish(self, stage: str, folder: Path, steps: int, samples: int, failed: int) -> None:
        """Note that the checkpoint of a stage is written."""
        facts = {"steps": steps, "samples": samples, "skipped": failed, "revision": revision(folder)}
        self.content["stages"][stage] = {"folder": folder.name, **facts}
        self._write()

    def _take_up(self, folder: Path) -> None:
        found = json.loads(self._path.read_text(encoding="utf-8"))
        for key, what in (("fingerprint", "another recipe"), ("data", "other data")):
            if found[key] != self.content[key]:
                raise InputError(
                    f"{folder}: holds a run with {what}; go on with what it was begun with, or give a new folder with "
                    f"--output_path. Only what stands under `run` in a recipe may change"
                )
        self.content["stages"] = found["stages"]

    def _write(self) -> None:
        replace_file(self._path, json.dumps(self.content, indent=2, ensure_ascii=False) + "\n")


def _described(records: Records) -> dict[str, Any]:
    with Path(records.data.file).open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    return {"name": records.data.name, "file": records.data.file, "sha256": content, "samples": len(records)}

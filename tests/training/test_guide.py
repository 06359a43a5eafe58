"""The guide can be followed: its data can be made, and the shipped recipes train on them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from apollobench.apollo.checkpoint import load_apollo
from apollobench.content import content_path
from apollobench.sources.synthetic.make import make_world
from apollobench.training.loop import train

from . import lab


def test_the_guides_data_train_a_tiny_model_by_a_shipped_recipe(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", (root / "docs" / "training.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    make_world(Path("data/world"), 6, 0, workers=1, progress=False)
    exec(compile(script, "docs/training.md", "exec"), {})
    made = {path.stem: len(path.read_text().splitlines()) for path in Path("data").glob("*.jsonl")}
    assert set(made) == {"text", "image", "multi-image", "video"}
    assert all(made.values())

    recipe = yaml.safe_load(content_path("curation", "training", "three-stage.yaml").read_text())
    recipe["run"] |= {"micro_batch": 4, "workers": 0}
    for stage in recipe["stages"]:
        stage |= {"batch": 4, "steps": 2}
    folder = train(lab.recipe(tmp_path / "short.yaml", recipe), tmp_path / "out")
    model, _ = load_apollo(folder)
    assert model.config.sampling.max_clips == 12
    assert len(lab.log(tmp_path / "out")) == 6
    assert list(json.loads((tmp_path / "out" / "manifest.json").read_text())["stages"]) == ["align", "vision", "sft"]

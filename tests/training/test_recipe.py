"""Training recipes: the shipped ones say what the paper says, and what is wrong in one is told with its place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.training.origins import FromParts
from apollobench.training.recipe import load_training

from . import lab

STAGE = lab.stage("sft", (0, 1e-4, 1e-5), 4, text=0.5, video=0.5)


def names() -> list[str]:
    return sorted(path.stem for path in content_path("curation", "training").glob("*.yaml"))


def test_the_published_3b_settings_are_those_of_table_7() -> None:
    recipe = load_training("apollo-3b").recipe
    assert [stage.name for stage in recipe.stages] == ["align", "vision", "sft"]
    assert [stage.rates.by_part for stage in recipe.stages] == [
        {"vision": 0, "connector": 1e-4, "llm": 0},
        {"vision": 5e-6, "connector": 1e-4, "llm": 0},
        {"vision": 0, "connector": 1e-4, "llm": 2e-5},
    ]
    assert [stage.sampling.sampling(4).max_clips for stage in recipe.stages] == [25, 25, 200]
    assert {stage.batch for stage in recipe.stages} == {256}
    for stage, samples in zip(recipe.stages, (198_000, 396_000, 3_200_000), strict=True):
        assert 0 <= stage.steps * stage.batch - samples < stage.batch
    assert recipe.stages[1].mixture.by_kind == {"text": 0, "image": 0, "multi_image": 0, "video": 1}
    assert (recipe.optimizer.warmup_ratio, recipe.optimizer.max_grad_norm) == (0.03, 1.0)
    assert isinstance(recipe.start, FromParts)
    assert [tower.name for tower in recipe.start.towers] == ["siglip-so400m-patch14-384", "internvideo2"]
    assert recipe.start.connector.num_output_tokens == 128


@pytest.mark.parametrize(
    ("name", "schedule"),
    [("one-stage", ["sft"]), ("two-stage", ["vision", "sft"]), ("three-stage", ["align", "vision", "sft"])],
)
def test_schedules_of_table_3_ship_for_tiny_models(name: str, schedule: list[str]) -> None:
    recipe = load_training(name).recipe
    assert [stage.name for stage in recipe.stages] == schedule
    for stage in recipe.stages:
        if not stage.rates.llm:
            assert stage.mixture.text == stage.mixture.multi_image == 0
        assert not (stage.rates.llm and stage.rates.vision)


def test_an_unknown_name_lists_the_shipped_recipes() -> None:
    with pytest.raises(InputError, match=f"no training recipe called 'four-stage'; shipped: {', '.join(names())}"):
        load_training("four-stage")


def test_the_fingerprint_is_of_what_decides_the_result(tmp_path: Path) -> None:
    plain = lab.recipe(tmp_path / "a.yaml", lab.content(tmp_path, [STAGE])).recipe
    faster = lab.recipe(tmp_path / "b.yaml", lab.content(tmp_path, [STAGE], run={"workers": 3})).recipe
    other = lab.recipe(tmp_path / "c.yaml", lab.content(tmp_path, [STAGE], seed=8)).recipe
    assert plain.fingerprint == faster.fingerprint != other.fingerprint


def change(data: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    data = copy.deepcopy(data)
    inner: Any = data
    *sections, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    for section in sections:
        inner = inner[section]
    inner[last] = value
    return data


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("speed", 3, "unknown key.*valid keys here: name, seed, precision, max_failed, start"),
        ("stages.0.rate", 1, "unknown key.*valid keys here: name, rates, data, mixture, sampling, batch, steps"),
        ("stages.0.rates.encoder", 1, "valid keys here: vision, connector, llm"),
        ("stages.0.rates", {"vision": 0, "connector": 0, "llm": 0}, "every rate is 0"),
        ("stages.0.mixture.text", 0.4, "add up to 0.9"),
        ("stages.0.mixture", {"text": 0.5, "image": 0.5, "multi_image": 0, "video": 0}, "0.5 is image, but none"),
        ("stages.0.mixture", {"text": 1, "image": 0, "multi_image": 0, "video": 0}, "kind video, whose share is 0"),
        ("stages.0.data", ["sums", "movies"], "no data called 'movies'; there is sums, films"),
        ("stages.0.data", ["sums", "films", "sums"], "names the same data twice"),
        ("stages.0.rates", {"vision": 0, "connector": 1, "llm": 0}, "text teaches nothing while llm is frozen"),
        ("optimizer.betas", [0.9, 1.0], "less than 1"),
        ("stages.0.name", "start", "a stage cannot be called start"),
        ("stages.0.name", "../out", "should match pattern"),
        ("stages.0.sampling", {"kind": "fps", "frames": 8}, "unknown key.*valid keys here: kind, fps, max_clips"),
        ("stages.0.sampling.kind", "all", "all"),
        ("stages", [STAGE, STAGE], "have the same name"),
        ("precision", "int8", "float32"),
        ("start", {"method": "checkpoint"}, "start.folder: missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, place: str, value: Any, message: str) -> None:
    data = change(lab.content(tmp_path, [STAGE]), place, value)
    with pytest.raises(InputError, match=message) as caught:
        lab.recipe(tmp_path / "bad.yaml", data)
    assert str(tmp_path / "bad.yaml") in str(caught.value)

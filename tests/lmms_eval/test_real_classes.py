"""lmms-eval's own classes, chat and simple, load tiny random checkpoints and get the pixels of our frames, in order."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from apollobench.benchmark import Entry, write_benchmark
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.lmms.classes import find_class
from apollobench.models.lmms.handling import table
from apollobench.models.registry import load_model
from apollobench.types import Item, Mode, Request, Status
from apollobench.video.decode import decode
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe

from ..evaluate import eyes
from . import families

FRAMES = 6
QWEN = {"family": "qwen", "min_pixels": "3136", "max_pixels": "602112", "device_map": "cpu"}
LLAVA = {"family": "llava", "device_map": "cpu"}
SIMPLE = {"force_simple": "true"}
ALL = set(Mode)
SHOWN = ALL - {Mode.TEXT}
CASES = {
    "qwen2_5_vl chat": ("qwen2_5_vl", QWEN, ALL),
    "qwen2_5_vl simple": ("qwen2_5_vl", QWEN | SIMPLE, ALL),
    "llava_hf chat": ("llava_hf", LLAVA, {Mode.FRAME}),
    "llava_hf simple": ("llava_hf", LLAVA | SIMPLE, SHOWN),
}


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: write(tmp_path_factory.mktemp(name)) for name, write in families.WRITERS.items()}


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Three questions about one video, of a size that both families take as it is."""
    folder = tmp_path_factory.mktemp("world")
    eyes.write_video(folder / "000.mp4", ("red", "green", "blue"), side=families.SIDE)
    return eyes.read_world(folder)


def arguments(case: str, checkpoints: dict[str, Path]) -> tuple[str, dict[str, str]]:
    name, settings, _ = CASES[case]
    given = {"device": "cpu", "frames": str(FRAMES), "max_new_tokens": "4", **settings}
    return f"lmms_eval:{name}", given | {"pretrained": str(checkpoints[given.pop("family")])}


@pytest.mark.parametrize("case", CASES)
def test_every_supported_mode_is_answered(
    case: str, checkpoints: dict[str, Path], items: list[Item], tmp_path: Path
) -> None:
    model = load_model(*arguments(case, checkpoints))
    assert model.modes == CASES[case][2]
    with Store(tmp_path) as store:
        counts = run(model, items, tuple(Mode), store, progress=False)
    for response in counts.responses:
        answered = response.mode in CASES[case][2]
        assert response.status in ({Status.OK, Status.UNPARSED} if answered else {Status.UNSUPPORTED}), response.error
    model.close()


def request(item: Item, mode: Mode, model: Any) -> Request:
    probed = probe(item.video.path)
    plan = plan_for_mode(probed, mode, model.sampling, item.fingerprint)
    assert plan is not None
    return Request(item, mode, item.question, plan, decode(probed, plan.indices, plan.size))


@contextmanager
def recording(module: torch.nn.Module) -> Any:
    """What the module is called with first."""
    seen: list[torch.Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    yield seen
    hook.remove()


def qwen_pixels(own: Any, films: torch.Tensor) -> torch.Tensor:
    pixels: torch.Tensor = own.processor.video_processor(videos=[films], return_tensors="pt")["pixel_values_videos"]
    return pixels


def llava_pixels(own: Any, films: torch.Tensor) -> torch.Tensor:
    made = own._image_processor.video_processor(videos=[films], return_tensors="pt")["pixel_values_videos"]
    return made.flatten(0, 1)  # type: ignore[no-any-return]


TOWERS: dict[str, tuple[Callable[[Any], torch.nn.Module], Callable[[Any, torch.Tensor], torch.Tensor]]] = {
    "qwen2_5_vl chat": (lambda own: own.model.model.visual, qwen_pixels),
    "qwen2_5_vl simple": (lambda own: own.model.model.visual, qwen_pixels),
    "llava_hf simple": (lambda own: own.model.model.vision_tower, llava_pixels),
}


@pytest.mark.parametrize("mode", [Mode.VIDEO, Mode.SHUFFLED])
@pytest.mark.parametrize("case", TOWERS)
def test_the_vision_tower_gets_the_frames_of_the_plan(
    case: str, mode: Mode, checkpoints: dict[str, Path], items: list[Item]
) -> None:
    model = load_model(*arguments(case, checkpoints))
    tower, expected = TOWERS[case]
    asked = request(items[0], mode, model)
    assert asked.frames is not None
    with recording(tower(model.model)) as seen:
        (answer,) = model.answer([asked])
    assert answer.error is None
    films = torch.from_numpy(np.moveaxis(asked.frames, 3, 1).copy())
    assert torch.equal(seen[0], expected(model.model, films).to(seen[0].dtype))


def test_the_command_names_unsupported_modes_before_the_run(
    checkpoints: dict[str, Path], items: list[Item], tmp_path: Path
) -> None:
    name, given = arguments("llava_hf simple", checkpoints)
    write_benchmark(tmp_path / "benchmark", [Entry(item) for item in items], [], {"name": "toy"}, "# toy\n")
    told = ",".join(f"{key}={value}" for key, value in given.items())
    words = ["eval", "--model", name, "--model_args", told, "--benchmark", str(tmp_path / "benchmark")]
    command = [
        sys.executable,
        "-m",
        "apollobench",
        *words,
        "--mode",
        "text,video",
        "--output_path",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    line = f"{name} does not support text mode: its questions there count as unsupported"
    assert done.stderr.index(line) < done.stderr.index("6/6")
    assert "3 unsupported" in done.stdout


def test_every_class_in_the_table_is_one_of_lmms_eval() -> None:
    for kind in ("chat", "simple"):
        known = getattr(table(), kind)
        for name in (*known.never, *(key.split(" modality=")[0] for key in known.classes)):
            found = find_class(name, simple=kind == "simple")
            assert (found.kind, found.name) == (kind, name)

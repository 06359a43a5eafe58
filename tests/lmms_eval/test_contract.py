"""Classes registered with lmms-eval, chat and simple, see exactly the frames of our plans, in every mode."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apollobench.benchmark import Entry, write_benchmark
from apollobench.errors import InputError
from apollobench.evaluate.ledger import RunCounts
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.registry import check_model, load_model
from apollobench.types import Item, Mode, Status
from apollobench.video.decode import decode
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe

from ..evaluate import eyes

MODES = tuple(Mode)
CLASSES = ("eyes_chat", "eyes_simple")
ENTRY_POINT = "[lmms_eval.models]\neyes = plugin:MANIFESTS\n"


@pytest.fixture
def items(world: Path) -> list[Item]:
    return eyes.read_world(world)


def ask(model: Any, items: list[Item], store: Path, modes: tuple[Mode, ...] = MODES, batch_size: int = 1) -> RunCounts:
    with Store(store) as opened:
        return run(model, items, modes, opened, batch_size=batch_size, progress=False)


def rate(counts: RunCounts, items: list[Item], mode: Mode) -> float:
    keys = {item.id: item.answer for item in items}
    asked = [response for response in counts.responses if response.mode is mode]
    assert {response.status for response in asked} == {Status.OK}
    return sum(response.choice == keys[response.item] for response in asked) / len(asked)


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("name", CLASSES)
def test_every_mode_shows_what_it_should(name: str, items: list[Item], tmp_path: Path) -> None:
    model = load_model(f"lmms_eval:{name}", {"frames": "6"})
    counts = ask(model, items, tmp_path)
    assert rate(counts, items, Mode.VIDEO) == 1.0
    centre = [response for response in counts.responses if response.mode is Mode.FRAME]
    keys = {item.id: item.answer for item in items}
    assert all((r.choice == keys[r.item]) == r.item.endswith("middle") for r in centre)
    assert {response.choice for response in counts.responses if response.mode is Mode.TEXT} == {0}
    assert rate(counts, items, Mode.SHUFFLED) < 0.8
    assert ask(model, items, tmp_path).asked == 0


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("frames", [1, 5, 6])
def test_the_frames_are_those_of_the_plan_to_the_bit(name: str, frames: int, items: list[Item], tmp_path: Path) -> None:
    model = load_model(f"lmms_eval:{name}", {"frames": str(frames)})
    ask(model, items[:2], tmp_path)
    probed = probe(items[0].video.path)
    for number, (mode, item) in enumerate((mode, item) for mode in MODES for item in items[:2]):
        plan = plan_for_mode(probed, mode, model.sampling, item.fingerprint)
        expected = [] if plan is None else list(decode(probed, plan.indices, plan.size))
        shown = model.model.shown[number]
        assert len(shown) == len(expected)
        assert all(np.array_equal(one, other) for one, other in zip(shown, expected, strict=True))


@pytest.mark.usefixtures("plugins")
def test_one_call_holds_one_mode_whatever_the_batch(items: list[Item], tmp_path: Path) -> None:
    model = load_model("lmms_eval:eyes_chat", {"frames": "3"})
    ask(model, items[:6], tmp_path, batch_size=100)
    assert model.model.calls == [3] * 8  # three questions on each of two videos, in four modes


@pytest.mark.usefixtures("plugins")
@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("raise", "RuntimeError: out of memory"),
        ("exit", "SystemExit: 3"),
        ("log", "Error in loading video"),
        ("request", r"\[LMMS_EVAL_REQUEST_FAILED after 3 retries\] timeout"),
        ("budget", r"\[LMMS_EVAL_BUDGET_EXCEEDED\]"),
        ("file", "can not load, check the source"),
    ],
)
def test_trouble_costs_only_the_question_that_has_it(
    name: str, trouble: str, reason: str, items: list[Item], tmp_path: Path
) -> None:
    model = load_model(f"lmms_eval:{name}", {"frames": "3", "trouble": trouble})
    counts = ask(model, items[:6], tmp_path, (Mode.VIDEO,), batch_size=6)
    keys = {item.id: item.answer for item in items}
    for response in counts.responses:
        if response.item.endswith("middle"):
            assert (response.status, response.choice) == (Status.ERROR, None)
            assert response.error is not None
            assert re.search(reason, response.error)
        else:
            assert (response.status, response.choice) == (Status.OK, keys[response.item])


@pytest.mark.usefixtures("plugins")
def test_an_empty_answer_is_no_error(items: list[Item], tmp_path: Path) -> None:
    model = load_model("lmms_eval:eyes_chat", {"frames": "3", "trouble": "empty"})
    statuses = ask(model, items[:3], tmp_path, (Mode.VIDEO,)).statuses
    assert (statuses[Status.OK], statuses[Status.UNPARSED]) == (2, 1)


@pytest.mark.usefixtures("plugins")
def test_the_frame_count_of_the_class_follows_ours() -> None:
    assert load_model("lmms_eval:eyes_simple", {"frames": "9"}).model.max_frames_num == 9
    assert (
        load_model("lmms_eval:eyes_simple").sampling.frames == load_model("lmms_eval:eyes_simple").model.max_frames_num
    )
    with pytest.raises(InputError, match="max_frames_num: say frames=N instead"):
        load_model("lmms_eval:eyes_simple", {"max_frames_num": "9"})
    with pytest.raises(InputError, match="fps=2: the class reads a fixed number of frames from a file"):
        load_model("lmms_eval:eyes_simple", {"fps": "2"})
    assert load_model("lmms_eval:eyes_chat", {"fps": "2", "max_frames": "9"}).sampling.fps == 2


@pytest.mark.usefixtures("plugins")
def test_settings_and_revision_hold_what_decides_an_answer(tmp_path: Path) -> None:
    plain = load_model("lmms_eval:eyes", {"frames": "3"})
    assert plain.settings["class"] == "chat eyes"
    assert plain.revision == "nobody/eyes@main"
    assert load_model("lmms_eval:eyes", {"frames": "3", "batch_size": "4"}).settings == plain.settings
    simple = load_model("lmms_eval:eyes", {"frames": "3", "force_simple": "true", "trouble": "empty"})
    assert simple.settings["class"] == "simple eyes"
    assert (simple.settings["video"], simple.settings["argument trouble"]) == ("file", "empty")
    (tmp_path / "config.json").write_text("{}")
    first = load_model("lmms_eval:eyes", {"pretrained": str(tmp_path)})
    assert str(tmp_path) not in f"{first.revision} {first.settings}"
    (tmp_path / "config.json").write_text('{"layers": 2}')
    assert load_model("lmms_eval:eyes", {"pretrained": str(tmp_path)}).revision != first.revision


@pytest.mark.usefixtures("plugins")
def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no model class 'eye'; it has .*eyes_chat.*qwen2_5_vl"):
        check_model("lmms_eval:eye")
    with pytest.raises(
        InputError, match=r"argument 'colour'; valid: frames, .*force_simple, pretrained, trouble, batch"
    ):
        load_model("lmms_eval:eyes_chat", {"colour": "red"})
    with pytest.raises(InputError, match="'eyes_chat' of lmms-eval has no simple form"):
        check_model("lmms_eval:eyes_chat", {"force_simple": "true"})
    with pytest.raises(InputError, match="pretrained=/no/where: no such folder"):
        check_model("lmms_eval:eyes_chat", {"pretrained": "/no/where"})
    with pytest.raises(
        InputError, match=r"names no model class of lmms-eval .* lmms_eval:CLASS --model_args pretrained=Qwen/"
    ):
        check_model("qwen2-vl-7b", backend="lmms_eval")
    with pytest.raises(InputError, match="class 'wan2_2' of lmms-eval cannot be asked in any mode"):
        check_model("lmms_eval:wan2_2")
    with pytest.raises(
        InputError, match=r"class 'sglang' of lmms-eval cannot be imported: ModuleNotFoundError: .*sglang"
    ):
        load_model("lmms_eval:sglang")


def cli(plugin: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, where `plugin` is a folder with a distribution that has an entry point."""
    paths = os.pathsep.join([str(plugin), str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-m", "apollobench", "eval", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_command_finds_plugins_and_keeps_its_output_clean(items: list[Item], tmp_path: Path) -> None:
    metadata = tmp_path / "plugin" / "eyes-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: eyes\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINT)
    write_benchmark(tmp_path / "benchmark", [Entry(item) for item in items[:6]], [], {"name": "eyes"}, "# eyes\n")
    words = ["--model", "lmms_eval:eyes_chat", "--model_args", "frames=6", "--benchmark", tmp_path / "benchmark"]
    done = cli(tmp_path / "plugin", *words, "--mode", "text,frame,video,shuffled", "--output_path", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "24 ok; 24 asked now" in done.stdout
    assert "a class may print" not in done.stdout
    result = json.loads((tmp_path / "out" / "results.json").read_text())["apollobench"]
    assert result["statuses"]["ok"] == 24
    samples = [json.loads(line) for line in (tmp_path / "out" / "samples.jsonl").read_text().splitlines()]
    assert len(samples) == 24

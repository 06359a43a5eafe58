"""The task pack for lmms-eval, as far as it goes without lmms-eval: what its YAML says, and what its functions make."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image

from apollobench.benchmark import ITEMS, MANIFEST, Entry, write_benchmark
from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.evaluate.prompt import PROMPT_VERSION, build_prompt
from apollobench.models.lmms.asking import generation
from apollobench.models.lmms.options import Options
from apollobench.types import CATEGORIES, LETTERS, Item, Mode, Sampling
from apollobench.video.decode import decode
from apollobench.video.plan import plan_for_mode
from apollobench.video.probe import probe

from .evaluate import eyes

PACK = content_path("tasks")
MODES = (Mode.TEXT, Mode.FRAME, Mode.VIDEO)


class Tagged(yaml.SafeLoader):
    """Reads `!function utils.NAME` as the text `utils.NAME`."""


Tagged.add_constructor("!function", lambda loader, node: loader.construct_scalar(node))


def config(name: str) -> dict[str, Any]:
    """A file of the pack with what it includes."""
    own: dict[str, Any] = yaml.load((PACK / f"{name}.yaml").read_text(encoding="utf-8"), Tagged)
    return config(Path(own.pop("include")).stem) | own if "include" in own else own


def utils() -> Any:
    """A module of its own for each call, as for each name in lmms-eval."""
    spec = importlib.util.spec_from_file_location("utils", PACK / "utils.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def functions(part: Any) -> list[str]:
    """Every name that a configuration looks up."""
    if isinstance(part, Mapping):
        return [name for value in part.values() for name in functions(value)]
    if isinstance(part, list):
        return [name for value in part for name in functions(value)]
    return [part] if isinstance(part, str) and part.startswith("utils.") else []


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    return eyes.make_world(tmp_path_factory.mktemp("world") / "videos", 2)


@pytest.fixture
def benchmark(items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The benchmark that the environment names."""
    write_benchmark(tmp_path / "toy", [Entry(item) for item in items], [], {"name": "toy"}, "# toy\n")
    monkeypatch.setenv("APOLLOBENCH_BENCHMARK", str(tmp_path / "toy"))
    monkeypatch.delenv("APOLLOBENCH_DATA", raising=False)
    return tmp_path / "toy"


def doc(benchmark: Path, item: Item, mode: Mode) -> dict[str, Any]:
    """A document as lmms-eval has it: the stored row, with the path of its video and the mode."""
    rows = {row["id"]: row for row in pq.read_table(benchmark / ITEMS).to_pylist()}
    return {**rows[item.id], "video": str(item.video.path), "mode": mode.value}


@pytest.mark.usefixtures("benchmark")
@pytest.mark.parametrize("mode", MODES)
def test_every_name_in_the_yaml_is_found(mode: Mode) -> None:
    task = config(f"apollobench_{mode}")
    assert task["task"] == f"apollobench_{mode}"
    assert f"utils.{mode}_docs" in functions(task)
    for name in functions(task):
        found = getattr(utils(), name.removeprefix("utils."))
        assert callable(found) or isinstance(found, str)


def test_the_yaml_says_what_our_own_evaluation_does() -> None:
    assert config("apollobench")["task"] == [f"apollobench_{mode}" for mode in MODES]
    shared = config("_apollobench")
    assert shared["generation_kwargs"] == generation(Options().max_new_tokens)
    assert str(shared["metadata"]["version"]) == PROMPT_VERSION
    metrics = [metric["metric"] for metric in shared["metric_list"]]
    categories = [f"apollobench_{name.lower()}_score" for name in CATEGORIES]
    assert metrics == ["apollobench_score", *categories, "apollobench_answered"]


def test_prompt_and_target_are_those_of_the_item(benchmark: Path, items: list[Item]) -> None:
    for item in items:
        assert utils().doc_to_text(doc(benchmark, item, Mode.TEXT)) == build_prompt(item)
        assert utils().doc_to_target(doc(benchmark, item, Mode.TEXT)) == LETTERS[item.answer]


def test_each_mode_shows_what_it_should(benchmark: Path, items: list[Item]) -> None:
    item = items[0]
    assert utils().doc_to_visual(doc(benchmark, item, Mode.TEXT)) == []
    assert utils().doc_to_visual(doc(benchmark, item, Mode.VIDEO)) == [str(item.video.path)]
    (picture,) = utils().doc_to_visual(doc(benchmark, item, Mode.FRAME))
    probed = probe(item.video.path)
    plan = plan_for_mode(probed, Mode.FRAME, Sampling(kind="uniform", frames=6, clip_frames=1), item.fingerprint)
    assert plan is not None
    assert isinstance(picture, Image.Image)
    assert np.array_equal(np.asarray(picture), decode(probed, plan.indices)[0])


def test_messages_call_a_video_a_video_whatever_its_name(benchmark: Path, items: list[Item], tmp_path: Path) -> None:
    """lmms-eval's own way goes by the end of the name, where `.webm` is sound and `.gif` a picture."""
    eyes.write_video(tmp_path / "film.mkv", ("red", "green"))
    film = (tmp_path / "film.mkv").rename(tmp_path / "film.webm")
    asked = doc(benchmark, items[0], Mode.VIDEO) | {"video": str(film)}
    text = {"type": "text", "text": build_prompt(items[0])}
    (message,) = utils().doc_to_messages(asked)
    assert message == {"role": "user", "content": [{"type": "video", "url": str(film)}, text]}
    (message,) = utils().doc_to_messages(asked | {"mode": "frame"})
    assert [part["type"] for part in message["content"]] == ["image", "text"]
    (message,) = utils().doc_to_messages(asked | {"mode": "text"})
    assert message["content"] == [text]


def test_a_broken_video_is_named_with_its_item(benchmark: Path, items: list[Item], tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(items[0].video.path.read_bytes()[:-200])
    for mode in (Mode.FRAME, Mode.VIDEO):
        with pytest.raises(InputError, match=rf"^{items[0].id}: .*broken\.mp4"):
            utils().doc_to_visual(doc(benchmark, items[0], mode) | {"video": str(broken)})


def test_replies_are_read_by_our_extractor(benchmark: Path, items: list[Item]) -> None:
    item = items[0]
    asked = doc(benchmark, item, Mode.VIDEO)
    right, wrong = LETTERS[item.answer], LETTERS[(item.answer + 1) % 3]
    for reply, named, score in [
        (f"<think>It is {wrong}, no.</think>The answer is ({right}).", right, 1.0),
        (wrong, wrong, 0.0),
        ("I cannot tell.", "[invalid]", 0.0),
        ("", "[invalid]", 0.0),
    ]:
        made = utils().process_results(asked, [reply])
        assert set(made) == {"apollobench_score", f"apollobench_{item.category.lower()}_score", "apollobench_answered"}
        scored = made["apollobench_score"]
        assert scored == {
            "item": item.id,
            "video_id": item.video.id,
            "category": item.category,
            "mode": "video",
            "pred_answer": named,
            "answer": right,
            "score": score,
        }
        assert made["apollobench_answered"]["score"] == 1.0
    assert utils().mean_score([{"score": 1.0}, {"score": 0.0}]) == 0.5


def test_a_failed_request_has_no_score_and_is_counted(benchmark: Path, items: list[Item]) -> None:
    asked = doc(benchmark, items[0], Mode.VIDEO)
    made = utils().process_results(asked, ["[LMMS_EVAL_REQUEST_FAILED after 3 retries] timeout: the answer is A"])
    assert made.keys() == {"apollobench_answered"}
    assert (made["apollobench_answered"]["score"], made["apollobench_answered"]["item"]) == (0.0, items[0].id)


def test_the_environment_names_a_whole_benchmark(benchmark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert utils().ITEMS == utils().ITEMS_WITH_VIDEOS == str(benchmark / ITEMS)
    assert utils().BENCHMARK.startswith("toy@")
    (benchmark / MANIFEST).unlink()
    with pytest.raises(InputError, match=r"half-written.* Run the same curate command again"):
        utils().ITEMS  # noqa: B018
    monkeypatch.delenv("APOLLOBENCH_BENCHMARK")
    with pytest.raises(InputError, match="Set APOLLOBENCH_BENCHMARK to the folder of one that `apollobench curate`"):
        utils().ITEMS  # noqa: B018
    with pytest.raises(AttributeError):
        utils().NOTHING  # noqa: B018


def test_videos_are_where_the_manifest_or_the_environment_says(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = eyes.make_world(tmp_path / "videos", 2)
    write_benchmark(tmp_path / "toy", [Entry(item) for item in videos], [], {"name": "toy"}, "# toy\n")
    monkeypatch.setenv("APOLLOBENCH_BENCHMARK", str(tmp_path / "toy"))
    monkeypatch.setenv("APOLLOBENCH_DATA", str(tmp_path / "elsewhere"))
    assert utils().ITEMS_WITH_VIDEOS
    videos[0].video.path.unlink()
    with pytest.raises(InputError, match=r"3 of 6 items are without their video; the first, eyes/000-first, needs /.*"):
        utils().ITEMS_WITH_VIDEOS  # noqa: B018
    assert utils().ITEMS
    monkeypatch.setenv("APOLLOBENCH_DATA", str(items[0].video.path.parent))
    assert utils().ITEMS_WITH_VIDEOS


def test_the_command_prints_the_folder() -> None:
    done = subprocess.run([sys.executable, "-m", "apollobench", "tasks"], capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == PACK
    assert (Path(done.stdout.strip()) / "apollobench.yaml").is_file()

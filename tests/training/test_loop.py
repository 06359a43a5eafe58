"""Whole trainings on real files: three stages to models that answer, and the ways in which a training stops."""

from __future__ import annotations

import json
import logging
import math
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from apollobench.apollo.checkpoint import load_apollo, revision
from apollobench.apollo.config import CONFIG
from apollobench.errors import InputError
from apollobench.models.apollo import ApolloModel, Options
from apollobench.training.loop import train
from apollobench.types import LETTERS, Item, Mode, Request, Video
from apollobench.video.decode import decode
from apollobench.video.plan import plan
from apollobench.video.probe import probe

from . import lab

THREE_STAGES = [
    lab.stage("align", (0, 3e-3, 0), 3, batch=2, image=0.5, video=0.5),
    lab.stage("vision", (1e-3, 3e-3, 0), 3, batch=2, video=1.0),
    lab.stage("sft", (0, 1e-2, 1e-2), 40, text=0.25, image=0.25, multi_image=0.25, video=0.25),
]


@pytest.fixture(scope="module")
def trained(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    run = {"checkpoint_every": 100}
    train(lab.recipe(folder / "three.yaml", lab.content(corpus, THREE_STAGES, run)), folder / "out")
    return folder / "out"


def tensors(folder: Path) -> dict[str, Tensor]:
    return load_apollo(folder)[0].state_dict()


def test_in_each_stage_the_parts_with_a_rate_change_and_no_others(corpus: Path, trained: Path) -> None:
    before = tensors(corpus / "model")
    for stage in THREE_STAGES:
        after = tensors(trained / stage["name"])
        for part, rate in stage["rates"].items():
            own = [name for name in after if name.startswith(part)]
            changed = [name for name in own if not torch.equal(before[name], after[name])]
            assert changed == (own if rate else []), (stage["name"], part)
        before = after


def test_the_loss_falls_on_a_handful_of_samples(trained: Path) -> None:
    losses = [record["loss"] for record in lab.log(trained) if record["stage"] == "sft"]
    assert len(losses) == 40
    assert sum(losses[-5:]) < 0.4 * sum(losses[:5])


def test_the_log_tells_every_step_of_every_stage(trained: Path) -> None:
    records = lab.log(trained)
    expected = [(stage["name"], number) for stage in THREE_STAGES for number in range(1, stage["steps"] + 1)]
    assert [(record["stage"], record["step"]) for record in records] == expected
    assert all(math.isfinite(record["loss"]) and record["grad_norm"] > 0 for record in records)
    assert [list(record["lr"]) for record in records[:7:3]] == [
        ["connector"],
        ["vision", "connector"],
        ["connector", "llm"],
    ]
    assert records[3]["clips"] == 4
    assert records[3]["skipped"] == []


def replies(folder: Path, corpus: Path) -> list[str | None]:
    """What a model says to the question of every video, asked as in training."""
    model = ApolloModel.load("tiny", folder, Options(max_new_tokens=4))
    said = []
    for line in (corpus / "videos.jsonl").read_text().splitlines():
        record = json.loads(line)
        path = corpus / "videos" / record["video"]
        film = probe(path)
        shown = plan(film, model.sampling)
        item = Item(record["id"], "", ("this", "that"), 0, Video(path.stem, path))
        question = record["conversations"][0]["value"].removeprefix("<video>\n")
        (answer,) = model.answer([Request(item, Mode.VIDEO, question, shown, decode(film, shown.indices))])
        assert answer.error is None
        said.append(answer.text)
    return said


def test_the_result_answers_in_the_form_it_was_taught(corpus: Path, trained: Path) -> None:
    assert not set(replies(corpus / "model", corpus)) & set(LETTERS)
    assert set(replies(trained / "sft", corpus)) <= set(LETTERS)


def test_the_manifest_says_what_was_done_with_what(corpus: Path, trained: Path) -> None:
    manifest = json.loads((trained / "manifest.json").read_text())
    assert list(manifest["stages"]) == ["align", "vision", "sft"]
    last = manifest["stages"]["sft"]
    assert last == {
        "folder": "sft", "steps": 40, "samples": 160, "skipped": 0, "revision": revision(trained / "sft")
    }  # fmt: skip
    assert {entry["name"]: entry["samples"] for entry in manifest["data"]} == {
        "sums": 6, "pictures": 4, "pairs": 3, "films": lab.VIDEOS
    }  # fmt: skip
    assert manifest["versions"]["torch"] == torch.__version__
    assert "three" not in manifest["recipe"]
    assert manifest["recipe"] == (trained.parent / "three.yaml").read_text()
    assert sorted(path.name for path in trained.iterdir()) == sorted(
        ["align", "vision", "sft", "start", "log.jsonl", "manifest.json"]
    )


def test_a_finished_run_is_left_alone_and_another_recipe_refused(corpus: Path, trained: Path, tmp_path: Path) -> None:
    written = (trained / "sft" / CONFIG).stat().st_mtime_ns
    same = lab.recipe(tmp_path / "same.yaml", lab.content(corpus, THREE_STAGES, {"workers": 5}))
    assert train(same, trained) == trained / "sft"
    assert (trained / "sft" / CONFIG).stat().st_mtime_ns == written
    other = lab.recipe(tmp_path / "other.yaml", lab.content(corpus, THREE_STAGES, seed=8))
    with pytest.raises(InputError, match="holds a run with another recipe"):
        train(other, trained)
    moved = tmp_path / "data"
    shutil.copytree(corpus, moved, ignore=shutil.ignore_patterns("model"))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "diary.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty, and no training run"):
        train(same, tmp_path / "notes")


def test_changed_data_is_noticed(corpus: Path, tmp_path: Path) -> None:
    lines = (corpus / "text.json").read_text()
    data = lab.content(corpus, [lab.stage("sft", (0, 0, 1e-3), 1, text=1.0)], {"checkpoint_every": 9})
    data["data"][0]["file"] = str(tmp_path / "text.json")
    (tmp_path / "text.json").write_text(lines)
    file = lab.recipe(tmp_path / "a.yaml", data)
    train(file, tmp_path / "out")
    (tmp_path / "text.json").write_text(lines.replace("What is 1", "What was 1"))
    with pytest.raises(InputError, match="holds a run with other data"):
        train(file, tmp_path / "out")


@pytest.fixture
def broken(corpus: Path, tmp_path: Path) -> Path:
    """Four videos of which one is torn."""
    lines = (corpus / "videos.jsonl").read_text().splitlines()[:4]
    for number in range(4):
        shutil.copy(corpus / "videos" / f"{number:07d}.mp4", tmp_path)
    torn = tmp_path / "0000002.mp4"
    torn.write_bytes(torn.read_bytes()[:5000])
    (tmp_path / "videos.jsonl").write_text("\n".join(lines) + "\n")
    return tmp_path


def broken_recipe(corpus: Path, broken: Path, max_failed: float) -> dict[str, object]:
    stage = lab.stage("sft", (0, 1e-3, 1e-3), 4, batch=2, video=1.0)
    data = lab.content(corpus, [stage], {"checkpoint_every": 9}, max_failed=max_failed)
    data["data"][0] |= {"file": str(broken / "videos.jsonl"), "root": str(broken)}
    return data


def test_an_unreadable_video_is_named_counted_and_replaced(
    corpus: Path, broken: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        train(lab.recipe(broken / "r.yaml", broken_recipe(corpus, broken, 0.01)), broken / "out")
    skipped = [failure for record in lab.log(broken / "out") for failure in record["skipped"]]
    assert len(skipped) == 2  # two epochs of four
    assert {failure["sample"].split("/")[0] for failure in skipped} == {"films"}
    assert all("0000002.mp4" in failure["reason"] for failure in skipped)
    assert caplog.text.count("was passed over") == 2
    assert json.loads((broken / "out" / "manifest.json").read_text())["stages"]["sft"]["skipped"] == 2


def test_more_unreadable_samples_than_allowed_stop_the_run(corpus: Path, broken: Path) -> None:
    with pytest.raises(InputError, match=r"1 of \d+ samples could not be used, more than max_failed 0 allows"):
        train(lab.recipe(broken / "r.yaml", broken_recipe(corpus, broken, 0.0)), broken / "out")
    assert lab.log(broken / "out")[-1]["skipped"]
    for path in broken.glob("*.mp4"):
        path.unlink()
    with pytest.raises(InputError, match=r"no usable sample found; the last was .*no such file"):
        train(lab.recipe(broken / "r2.yaml", broken_recipe(corpus, broken, 1.0)), broken / "out2")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 3}, "a batch of 3 cannot be cut into micro-batches of 2 for 1 processes; make it a multiple of 2"),
        ({"data": ["films"], "mixture": {"text": 0, "image": 0, "multi_image": 0, "video": 1}}, None),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_read(
    corpus: Path, tmp_path: Path, changes: dict[str, object], message: str | None
) -> None:
    stage = {**lab.stage("sft", (0, 0, 1e-3), 1, text=1.0), **changes}
    data = lab.content(corpus, [stage])
    if message is None:
        from apollobench.apollo.checkpoint import save_apollo

        from .. import tiny

        save_apollo(tiny.model(()), tiny.tokenizer(), tmp_path / "blind")
        data["start"]["folder"] = str(tmp_path / "blind")
        message = "stage sft: a blind model learns from text alone"
    with pytest.raises(InputError, match=message):
        train(lab.recipe(tmp_path / "r.yaml", data), tmp_path / "out")

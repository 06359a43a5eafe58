"""The whole way of a few models, side by side in real processes, with as little data and as few steps as possible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from apollobench.apollo.train.device import training_device
from apollobench.apollo.train.family import FAMILY, INTERNVIDEO2, SIGLIP, Effort, Recipe, recipes
from apollobench.apollo.train.files import Part
from apollobench.apollo.train.run import train
from apollobench.errors import InputError
from apollobench.models.registry import load_model

LITTLE = Effort(
    encoder_seeds=range(20_000, 20_004),
    encoder_held=range(900_000, 900_002),
    language_seeds=range(8),
    bank_seeds=range(4),
    encoder_steps={SIGLIP: 2, INTERNVIDEO2: 2},
    language_steps=2,
    exam_videos=2,
)
CPU = torch.device("cpu")


def few_steps(name: str) -> Recipe:
    return replace(FAMILY[name], size="s", align_steps=1, vision_steps=1, sft_steps=1)


def test_models_train_side_by_side_and_what_fails_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # no compiler: compiled steps are worth it only in longer runs
    chosen = [few_steps("apollo-tiny"), few_steps("apollo-tiny-l-blind")]
    out, work = tmp_path / "out", tmp_path / "work"
    work.mkdir()
    (work / "apollo-tiny-vision.pt").write_bytes(b"no such thing")
    with pytest.raises(ExceptionGroup, match="1 of 2 failed") as caught:
        train(chosen, out, work, workers=2, device=CPU, effort=LITTLE)
    assert [error.__notes__ for error in caught.value.exceptions] == [["in apollo-tiny"]]
    assert [path.name for path in out.iterdir()] == ["apollo-tiny-l-blind"]
    (work / "apollo-tiny-vision.pt").unlink()
    before = {path: path.stat().st_mtime_ns for path in work.glob("*.pt")}
    folders = train(chosen, out, work, workers=2, device=CPU, effort=LITTLE)
    assert folders == [out / "apollo-tiny", out / "apollo-tiny-l-blind"]
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert not list(work.glob("*.state"))
    for folder in folders:
        assert load_model(folder.name, {"pretrained": str(folder)}).sampling
        card = (folder / "README.md").read_text()
        for fact in ("no GPU used", "language 2", "stages 0 to 3", "own seed", "2 held-out videos"):
            assert fact in card
    language = Part.read(work / "language-s.pt")
    assert language.machine.endswith("no GPU used")
    assert language.minutes > 0
    assert (
        Part.read(work / "apollo-tiny-align.pt").weights.keys() == Part.read(work / "apollo-tiny-sft.pt").weights.keys()
    )


def test_all_stands_for_the_family() -> None:
    assert [chosen.name for chosen in recipes(["all"])] == list(FAMILY)
    assert [chosen.name for chosen in recipes(["apollo-tiny-s", "all"])][:2] == ["apollo-tiny-s", "apollo-tiny"]
    with pytest.raises(InputError, match=r"no training recipe 'apollo-big'; there are apollo-tiny, .*and all"):
        recipes(["all", "apollo-big"])


def test_a_device_that_is_not_here_is_refused() -> None:
    assert training_device("cpu") == CPU
    assert training_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for name, message in (
        ("cuda:99", "torch finds"),
        ("meta", "cpu, cuda or cuda:N"),
        ("toaster", "not known to torch"),
    ):
        with pytest.raises(InputError, match=f"device {name!r}.*{message}"):
            training_device(name)

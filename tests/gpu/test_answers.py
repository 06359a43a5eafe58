"""A GPU gives the CPU's answers: Apollo by its own adapter, another family by transformers, and the pictures alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from apollobench.apollo.processing import make_clips
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.base import Model
from apollobench.models.chat.model import ChatModel
from apollobench.models.chat.options import Options
from apollobench.models.registry import load_model
from apollobench.types import Item, Mode, Response, Status

from .. import tiny
from ..models.chat import families

ROUNDING = 2e-3  # of a log-probability in float32: sums are taken in another order
HALF = 0.25  # in bfloat16


def responses(
    model: Model, items: Sequence[Item], folder: Path, modes: Sequence[Mode] = tuple(Mode), batch_size: int = 1
) -> list[Response]:
    with Store(folder) as store:
        return run(model, items, modes, store, batch_size=batch_size, progress=False).responses


def furthest(found: Sequence[Response], expected: Sequence[Response]) -> float:
    """The largest difference of two log-probabilities; both lists hold the same questions, all answered."""
    assert [(one.item, one.mode, one.error) for one in found] == [(x.item, x.mode, None) for x in expected]
    pairs = [(a.option_logprobs, b.option_logprobs) for a, b in zip(found, expected, strict=True)]
    return max(float(np.abs(np.subtract(a, b)).max()) for a, b in pairs if a is not None and b is not None)


@pytest.mark.parametrize("name", ["apollo-tiny", "apollo-tiny-s-image", "apollo-tiny-l-blind"])
def test_a_shipped_model_answers_as_on_the_cpu(name: str, items: Sequence[Item], tmp_path: Path) -> None:
    expected = responses(load_model(name), items, tmp_path / "cpu")
    found = responses(load_model(name, {"device": "auto"}), items, tmp_path / "gpu")
    assert furthest(found, expected) < ROUNDING
    clear = [n for n, one in enumerate(expected) if _lead(one) > 2 * ROUNDING]
    assert len(clear) > 0.9 * len(expected)
    assert [found[n].choice for n in clear] == [expected[n].choice for n in clear]


def test_bfloat16_costs_little(items: Sequence[Item], tmp_path: Path) -> None:
    expected = responses(load_model("apollo-tiny"), items, tmp_path / "cpu", [Mode.VIDEO])
    half = load_model("apollo-tiny", {"device": "cuda:0", "dtype": "bfloat16"})
    found = responses(half, items, tmp_path / "gpu", [Mode.VIDEO])
    clear = [n for n, one in enumerate(expected) if _lead(one) > 2 * HALF]
    assert [found[n].choice for n in clear] == [expected[n].choice for n in clear]
    assert furthest([found[n] for n in clear], [expected[n] for n in clear]) < 4 * HALF


@pytest.mark.parametrize("family", families.FAMILIES)
def test_other_families_answer_as_on_the_cpu(family: str, items: Sequence[Item], tmp_path: Path) -> None:
    families.write(getattr(families, family), tmp_path / "model")
    few, both = items[:6], (Mode.TEXT, Mode.VIDEO)
    answers = {}
    for device in ("cpu", "cuda"):
        options = Options(frames=6, device=device, dtype="float32")
        loaded = ChatModel.load("tiny", tmp_path / "model", options)
        answers[device] = responses(loaded, few, tmp_path / device, both, batch_size=len(few))
    assert furthest(answers["cuda"], answers["cpu"]) < ROUNDING


@pytest.mark.parametrize("shape", [(30, 40), (360, 640), (719, 101)])
def test_pictures_have_the_same_bits(shape: tuple[int, int], gpu: torch.device) -> None:
    vision = tiny.config().vision
    assert vision is not None
    frames = torch.from_numpy(np.random.default_rng(1).integers(0, 256, (8, *shape, 3), dtype=np.uint8))
    for here, there in zip(make_clips(frames, vision), make_clips(frames, vision, device=gpu), strict=True):
        assert torch.equal(here, there.cpu())


def test_a_full_gpu_halves_the_batch(items: Sequence[Item], tmp_path: Path, gpu: torch.device) -> None:
    many = [replace(item, id=f"{item.id}-{n}") for n in range(4000 // len(items)) for item in items]
    model = load_model("apollo-tiny-l-blind", {"device": "cuda:0", "batch_size": str(len(many))})
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(gpu).total_memory
    refused = torch.cuda.memory_stats(gpu)["num_ooms"]
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved(gpu) + 2**28) / total, gpu)
    try:
        found = responses(model, many, tmp_path, [Mode.TEXT], batch_size=len(many))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, gpu)
    assert torch.cuda.memory_stats(gpu)["num_ooms"] > refused
    assert len(found) == len(many)
    assert all(one.status is Status.OK for one in found)


def _lead(response: Response) -> float:
    """How far the likeliest option is ahead of the next."""
    assert response.option_logprobs is not None
    first, second = sorted(response.option_logprobs, reverse=True)[:2]
    return first - second

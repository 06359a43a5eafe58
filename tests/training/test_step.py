"""One update: the same whatever a batch is cut into, with every weight that learns in it, and loud when it breaks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from apollobench.apollo.checkpoint import load_apollo
from apollobench.apollo.model import Apollo
from apollobench.errors import InputError
from apollobench.training.checkpoints import Place
from apollobench.training.learner import Learner
from apollobench.training.log import Step
from apollobench.training.loop import Job
from apollobench.training.parallel import Team
from apollobench.training.records import open_records
from apollobench.training.stages import freeze, make_optimizer
from apollobench.training.step import Stepper

from . import lab

ALONE = Team(0, 1, torch.device("cpu"))
EVERYTHING = lab.stage("all", (1e-3, 1e-3, 1e-3), 4, text=0.25, image=0.25, multi_image=0.25, video=0.25)


def stepper(corpus: Path, path: Path, stage: Mapping[str, Any], **changes: Any) -> Stepper:
    recipe = lab.recipe(path, lab.content(corpus, [dict(stage)], **changes)).recipe
    model, tokenizer = load_apollo(corpus / "model")
    data = {entry.name: open_records(entry) for entry in recipe.data}
    job = Job(recipe, data, model.config, tokenizer, ALONE, path.parent, None, None)
    first = recipe.stages[0]
    freeze(model, first.rates.by_part)
    optimizer = make_optimizer(model, first.rates.by_part, recipe.optimizer)
    return Stepper(recipe, first, Learner(model), optimizer, job.batches(first, Place(0, 0)), ALONE)


def weights(model: Apollo) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def test_accumulating_two_micro_batches_of_two_is_one_of_four(corpus: Path, tmp_path: Path) -> None:
    taken: list[list[Step]] = []
    after = []
    for size in (4, 2, 1):
        own = stepper(corpus, tmp_path / f"{size}.yaml", EVERYTHING, run={"micro_batch": size})
        taken.append([own.take(number) for number in range(2)])
        after.append(weights(own.learner.model))
    for records, found in zip(taken[1:], after[1:], strict=True):
        for one, whole in zip(records, taken[0], strict=True):
            assert one.loss == pytest.approx(whole.loss, rel=1e-4)
            assert one.grad_norm == pytest.approx(whole.grad_norm, rel=1e-3)
            assert (one.tokens, one.label_tokens, one.clips) == (whole.tokens, whole.label_tokens, whole.clips)
        for name, value in found.items():
            torch.testing.assert_close(value, after[0][name], atol=2e-4, rtol=0)


def test_the_loss_is_the_mean_over_the_label_tokens_of_the_whole_batch(corpus: Path, tmp_path: Path) -> None:
    own = stepper(corpus, tmp_path / "a.yaml", EVERYTHING, run={"micro_batch": 1})
    total, tokens = 0.0, 0
    for batch in list(own.batches)[:4]:
        loss = own.learner.model(batch.ids, batch.mask, batch.clips if batch.clip_count else None, batch.labels).loss
        count = int((batch.labels[:, 1:] != -100).sum())
        total, tokens = total + loss.item() * count, tokens + count
    record = stepper(corpus, tmp_path / "b.yaml", EVERYTHING, run={"micro_batch": 2}).take(0)
    assert record.label_tokens == tokens
    assert record.loss == pytest.approx(total / tokens, rel=1e-5)


def test_weights_that_a_batch_does_not_reach_have_no_gradient_but_a_state(corpus: Path, tmp_path: Path) -> None:
    stage = {
        **EVERYTHING,
        "batch": 2,
        "data": ["sums"],
        "mixture": {"text": 1, "image": 0, "multi_image": 0, "video": 0},
    }
    own = stepper(corpus, tmp_path / "text.yaml", stage)
    before = weights(own.learner.model)
    record = own.take(0)
    assert record.clips == 0
    after = weights(own.learner.model)
    assert all(torch.equal(before[name], after[name]) for name in before if not name.startswith("llm"))
    assert any(not torch.equal(before[name], after[name]) for name in before if name.startswith("llm"))
    assert len(own.optimizer.state) == sum(1 for p in own.learner.model.parameters())


def test_gradients_are_clipped(corpus: Path, tmp_path: Path) -> None:
    own = stepper(corpus, tmp_path / "a.yaml", EVERYTHING)
    held: list[torch.Tensor] = []
    own.optimizer.register_step_pre_hook(
        lambda optimizer, *_: held.extend(p.grad.clone() for g in optimizer.param_groups for p in g["params"])
    )
    assert own.take(0).grad_norm > 1
    assert float(torch.stack([grad.norm() for grad in held]).norm()) == pytest.approx(1, rel=1e-4)


def test_bfloat16_is_near_float32_and_keeps_its_weights_in_it(corpus: Path, tmp_path: Path) -> None:
    full, half = (
        stepper(corpus, tmp_path / f"{name}.yaml", EVERYTHING, precision=name) for name in ("float32", "bfloat16")
    )
    exact, near = full.take(0), half.take(0)
    assert near.loss != exact.loss
    assert near.loss == pytest.approx(exact.loss, rel=0.02)
    assert {p.dtype for p in half.learner.model.parameters()} == {torch.float32}


def test_a_loss_that_is_not_finite_stops_the_run(corpus: Path, tmp_path: Path) -> None:
    own = stepper(corpus, tmp_path / "a.yaml", EVERYTHING)
    with torch.no_grad():
        own.learner.model.llm.lm_head.weight[0, 0] = float("nan")
    with pytest.raises(InputError, match=r"all, step 1: the loss is nan"):
        own.take(0)

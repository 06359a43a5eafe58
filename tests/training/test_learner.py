"""The learner's loss is the model's own, however clips are cut into parts and whatever is computed again."""

from __future__ import annotations

import torch
from torch import Tensor

from apollobench.apollo.model import IGNORE, VISUAL, Apollo
from apollobench.training.learner import Learner, blocks, recompute

from .. import tiny


def batch(clips: int) -> tuple[Tensor, Tensor, Tensor, list[Tensor]]:
    """Two rows of which the second is padded; the first shows all clips."""
    generator = torch.Generator().manual_seed(4)
    text = torch.randint(0, 250, (2, 9), generator=generator)
    ids = torch.cat([text[:, :3], torch.full((2, 2 * clips), VISUAL), text[:, 3:]], dim=1)
    ids[1] = torch.cat([text[1], torch.zeros(2 * clips, dtype=torch.long)])
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    labels = torch.full_like(ids, IGNORE)
    labels[0, -4:], labels[1, 3:6] = ids[0, -4:], ids[1, 3:6]
    shapes = ((clips, 4, 3, 26, 26), (clips, 3, 4, 16, 16))
    return ids, mask, labels, [torch.randn(shape, generator=generator) for shape in shapes]


def gradients(model: Apollo) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_the_loss_is_the_sum_of_what_the_model_averages() -> None:
    model = tiny.model()
    ids, mask, labels, clips = batch(3)
    places = int((labels[:, 1:] != IGNORE).sum())
    expected = model(ids, mask, clips, labels).loss * places
    torch.testing.assert_close(Learner(model)(ids, mask, labels, clips, parts=1), expected, atol=1e-4, rtol=1e-6)


def test_parts_and_blank_clips_change_neither_loss_nor_gradients() -> None:
    model = tiny.model()
    ids, mask, labels, clips = batch(3)
    losses, found = [], []
    for parts in (1, 2, 5):  # 5: two parts hold nothing but a blank clip
        model.zero_grad()
        losses.append(Learner(model)(ids, mask, labels, clips, parts))
        losses[-1].backward()
        found.append(gradients(model))
    for loss, grads in zip(losses[1:], found[1:], strict=True):
        torch.testing.assert_close(loss, losses[0], atol=1e-4, rtol=1e-5)
        assert grads.keys() == found[0].keys()
        for name, grad in grads.items():
            torch.testing.assert_close(grad, found[0][name], atol=1e-4, rtol=1e-3)


def test_text_alone_can_still_reach_every_part() -> None:
    model = tiny.model()
    ids, mask, labels, clips = batch(0)
    alone = Learner(model)(ids, mask, labels, clips, parts=0)
    alone.backward()
    assert not any(name.startswith(("vision", "connector")) for name in gradients(model))
    with_blanks = Learner(model)(ids, mask, labels, clips, parts=2)
    with_blanks.backward()
    assert with_blanks == alone
    reached = {name: grad for name, grad in gradients(model).items() if not name.startswith("llm")}
    assert reached.keys() == {name for name, _ in model.named_parameters() if not name.startswith("llm")}
    assert not any(grad.any() for grad in reached.values())


def test_recomputing_gives_the_same_gradients_and_keeps_less() -> None:
    kept, found = [], []
    for again in (False, True):
        model = tiny.model()
        if again:
            recompute(model)
        ids, mask, labels, clips = batch(3)
        saved: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda x: (saved.append(x.numel()), x)[1], lambda x: x):  # noqa: B023
            loss = Learner(model)(ids, mask, labels, clips, parts=1)
        loss.backward()
        kept.append(sum(saved))
        found.append(gradients(model))
    assert kept[1] < kept[0] / 2
    for name, grad in found[1].items():
        torch.testing.assert_close(grad, found[0][name], atol=1e-6, rtol=1e-5)


def test_every_layer_is_a_block() -> None:
    model = tiny.model()
    assert model.vision is not None
    siglip, internvideo2 = model.vision.towers
    expected = [*model.llm.model.layers, *siglip.vision_model.encoder.layers, *internvideo2.blocks]
    assert blocks(model) == expected
    assert blocks(tiny.model(())) == list(tiny.model(()).llm.model.layers) or len(blocks(tiny.model(()))) == 2

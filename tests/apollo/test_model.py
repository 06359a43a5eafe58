"""The whole model on random weights: every tower choice runs, trains, merges, cuts and generates as it should."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from apollobench.apollo.model import IGNORE, VISUAL, Apollo
from apollobench.apollo.towers.internvideo2 import InternVideo2
from apollobench.apollo.towers.siglip import Siglip

from .. import tiny

TOWERS = [(tiny.SIGLIP, tiny.INTERNVIDEO2), (tiny.INTERNVIDEO2, tiny.SIGLIP), (tiny.SIGLIP,), (tiny.INTERNVIDEO2,)]
SHAPES = {tiny.SIGLIP: (4, 3, 26, 26), tiny.INTERNVIDEO2: (3, 4, 16, 16)}


def clips(towers: tuple[str, ...], count: int = 2) -> list[Tensor]:
    return [torch.randn(count, *SHAPES[name]) for name in towers]


def ids(places: int = 4) -> Tensor:
    return torch.tensor([[1, 2, *[VISUAL] * places, 3, 4, 5]])


@pytest.mark.parametrize("towers", TOWERS)
def test_every_choice_of_towers_runs_and_every_parameter_learns(towers: tuple[str, ...]) -> None:
    model = tiny.model(towers)
    assert model.vision is not None
    side = 3 if tiny.SIGLIP in towers else 2
    assert model.vision(clips(towers)).shape == (2, 4, side, side, 16 * len(towers))
    output = model(ids(), clips=clips(towers), labels=ids())
    assert output.logits.shape == (1, 9, 259)
    output.loss.backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_a_blind_model_has_only_a_language_model() -> None:
    model = tiny.model(())
    assert model.vision is None
    assert model.connector is None
    assert all(name.startswith("llm.") for name, _ in model.named_parameters())
    assert model(torch.tensor([[1, 2, 3]])).logits.shape == (1, 3, 259)
    with pytest.raises(ValueError, match="blind model"):
        model.encode(clips((tiny.SIGLIP,)))


def test_channels_follow_the_order_of_towers() -> None:
    model, given = tiny.model(), clips((tiny.SIGLIP, tiny.INTERNVIDEO2))
    assert model.vision is not None
    first = model.vision.towers[0](given[0])
    assert torch.equal(model.vision(given)[..., :16], first)
    with pytest.raises(ValueError, match="1 clip tensors given for the towers siglip-tiny, internvideo2"):
        model.vision(given[:1])


def test_layers_that_no_feature_needs_are_not_built() -> None:
    vision = tiny.config().vision
    assert vision is not None
    (_, siglip), (_, internvideo2) = vision.towers
    assert len(Siglip(siglip, -2).vision_model.encoder.layers) == 1
    assert len(InternVideo2(internvideo2, -2).blocks) == 1
    assert InternVideo2(internvideo2).blocks[0].ls1.gamma.unique().tolist() == [0.5]


def test_splitting_clips_into_batches_changes_nothing() -> None:
    given = clips((tiny.SIGLIP, tiny.INTERNVIDEO2), count=5)
    whole, split = tiny.model(encode_batch_size=25), tiny.model(encode_batch_size=2)
    torch.testing.assert_close(split.encode(given), whole.encode(given), atol=1e-5, rtol=0)


def test_vectors_fill_the_places_in_reading_order_across_a_batch() -> None:
    model = tiny.model()
    visual = torch.arange(4.0)[:, None].expand(4, 32).reshape(2, 2, 32)
    batch = torch.tensor([[1, VISUAL, VISUAL, 2], [VISUAL, 3, VISUAL, 4]])
    merged = model.merge(batch, visual)
    assert merged[batch == VISUAL][:, 0].tolist() == [0, 1, 2, 3]
    assert torch.equal(merged[0, 3], model.llm.get_input_embeddings().weight[2])
    with pytest.raises(ValueError, match="4 visual placeholders, but the clips give 2 vectors"):
        model.merge(batch, visual[:1])
    with pytest.raises(ValueError, match="4 visual placeholders, but the clips give 0 vectors"):
        model.merge(batch, None)


def test_visual_places_never_count_in_the_loss() -> None:
    model, given = tiny.model(), clips((tiny.SIGLIP, tiny.INTERNVIDEO2))
    explicit = torch.where(ids() == VISUAL, IGNORE, ids())
    assert model(ids(), clips=given, labels=ids()).loss == model(ids(), clips=given, labels=explicit).loss


def test_padding_on_the_right_changes_nothing() -> None:
    model, given = tiny.model(), clips((tiny.SIGLIP, tiny.INTERNVIDEO2))
    padded = torch.cat([ids(), torch.zeros(1, 3, dtype=torch.long)], dim=1)
    mask = torch.tensor([[1] * 9 + [0] * 3])
    alone = model(ids(), clips=given).logits
    torch.testing.assert_close(model(padded, mask, given).logits[:, :9], alone, atol=1e-5, rtol=0)


def test_too_long_prompts_are_cut_with_a_count_of_lost_visual_tokens() -> None:
    model, given = tiny.model(max_length=4), clips((tiny.SIGLIP, tiny.INTERNVIDEO2))
    with pytest.warns(UserWarning, match="9 tokens cut to 4; 2 visual tokens lost"):
        assert model(ids(), clips=given, labels=ids()).logits.shape[1] == 4


def test_features_and_a_mask_can_be_given_directly() -> None:
    model, given = tiny.model(), clips((tiny.SIGLIP, tiny.INTERNVIDEO2))
    assert model.vision is not None
    assert model.connector is not None
    embeds = model.merge(ids(), model.connector(model.vision(given)))
    causal = torch.ones(9, 9, dtype=torch.bool).tril()[None, None]
    logits = model.llm(inputs_embeds=embeds, attention_mask=causal, position_ids=torch.arange(9)[None]).logits
    torch.testing.assert_close(logits, model(ids(), clips=given).logits, atol=1e-5, rtol=0)


def test_generation_is_greedy_whatever_the_checkpoint_suggests() -> None:
    model, given = tiny.model(), clips((tiny.SIGLIP, tiny.INTERNVIDEO2))
    plain = model.generate(ids(), clips=given, max_new_tokens=12)
    assert plain.tolist() == [step_by_step(model, ids(), given, 12)]
    suggested = model.llm.generation_config
    suggested.repetition_penalty, suggested.do_sample, suggested.temperature = 5.0, True, 9.0
    assert torch.equal(model.generate(ids(), clips=given, max_new_tokens=12), plain)


def test_generation_stops_at_a_given_token() -> None:
    model, given = tiny.model(), clips((tiny.SIGLIP, tiny.INTERNVIDEO2))
    plain = model.generate(ids(), clips=given, max_new_tokens=12)[0].tolist()
    stopped = model.generate(ids(), clips=given, max_new_tokens=12, stop=[plain[2]])[0].tolist()
    assert stopped == plain[: plain.index(plain[2]) + 1]


def step_by_step(model: Apollo, prompt: Tensor, given: list[Tensor], count: int) -> list[int]:
    for _ in range(count):
        token = model(prompt, clips=given).logits[:, -1].argmax(-1, keepdim=True)
        prompt = torch.cat([prompt, token], dim=1)
    return prompt[0, -count:].tolist()  # type: ignore[no-any-return]

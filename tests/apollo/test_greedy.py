"""Many replies after one beginning are the replies that each question gets alone."""

from __future__ import annotations

import pytest
import torch

from apollobench.apollo.greedy import read_prefix, reply

from .. import tiny

TAILS = [[5, 6, 7], [9], [20, 21, 22, 23, 24, 25], [11, 12]]
BEGINNING = [1, 2, 3, 4]


@pytest.fixture(scope="module", autouse=True)
def _without_gradients():
    with torch.inference_mode():
        yield


@pytest.mark.parametrize("beginning", [[], BEGINNING])
def test_a_batch_gives_what_each_question_gives_alone(beginning: list[int]) -> None:
    model = tiny.model()
    embeds = model.merge(torch.tensor([beginning]), None) if beginning else None
    prefix = None if embeds is None else read_prefix(model.llm, embeds)
    first, again = (reply(model.llm, prefix, TAILS, 10, stops=[258]) for _ in range(2))
    for tail, one, same in zip(TAILS, first, again, strict=True):
        ids = torch.tensor([beginning + tail])
        assert list(one.ids) == model.generate(ids, max_new_tokens=10)[0].tolist()
        expected = model(ids).logits[0, -1].log_softmax(-1)
        torch.testing.assert_close(one.logprobs, expected, atol=1e-4, rtol=0)
        assert same.ids == one.ids


def test_each_reply_ends_before_its_own_stop() -> None:
    model = tiny.model()
    free = reply(model.llm, None, TAILS, 10, stops=[])
    stops = [free[0].ids[3], free[1].ids[1]]
    for one, whole in zip(reply(model.llm, None, TAILS, 10, stops), free, strict=True):
        ends = [i for i, token in enumerate(whole.ids) if token in stops]
        assert one.ids == whole.ids[: ends[0] if ends else 10]
    assert [len(one.ids) for one in reply(model.llm, None, TAILS, 1, stops=[])] == [1] * 4

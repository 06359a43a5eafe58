"""What is trained: an Apollo model whose forward pass gives the loss, in a form that many processes can share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as fn
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from apollobench.apollo.model import IGNORE, Apollo


class Learner(nn.Module):
    """Sum of the next-token losses of a micro-batch, over its label tokens.

    Only the places that have a label become logits: with 16,384 tokens of 152,000 words each, all would not fit.
    """

    def __init__(self, model: Apollo) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor, labels: Tensor, clips: Sequence[Tensor], parts: int) -> Tensor:
        """ids, mask, labels: [B, L], padded on the right. clips: one tensor per tower, encoded in `parts` parts.

        Processes that share the model must all encode the same number of parts, so blank clips fill up; what they give
        counts nothing. With `parts` 0 nothing is encoded.
        """
        model = self.model
        visual, rest = self._encode(clips, parts) if parts else (None, None)
        embeds = model.merge(ids, visual)
        if rest is not None:
            embeds = embeds + 0 * rest.sum()
        hidden = model.llm.model(inputs_embeds=embeds, attention_mask=mask, use_cache=False).last_hidden_state
        wanted = labels[:, 1:]
        places = wanted != IGNORE
        logits = model.llm.lm_head(hidden[:, :-1][places]).float()
        return fn.cross_entropy(logits, wanted[places], reduction="sum")

    def _encode(self, clips: Sequence[Tensor], parts: int) -> tuple[Tensor, Tensor]:
        """Visual vectors `[Nc, n, h]` of the clips, and those of the blank clips."""
        vision, connector = self.model.vision, self.model.connector
        assert vision is not None
        assert connector is not None
        count = len(clips[0])
        filled = [fn.pad(x, (0, 0) * (x.ndim - 1) + (0, max(0, parts - count))) for x in clips]
        pieces = zip(*(x.tensor_split(parts) for x in filled), strict=True)
        visual = torch.cat([connector(vision(piece)) for piece in pieces])
        return visual[:count], visual[count:]


def blocks(model: Apollo) -> list[nn.Module]:
    """The layers of the language model and of the towers: the units of sharding and of recomputing."""
    found: list[nn.Module] = list(model.llm.model.layers)
    for tower in model.vision.towers if model.vision else ():
        layers = tower.get_submodule(str(tower.layer_names).rstrip("."))
        assert isinstance(layers, nn.ModuleList)
        found += layers
    return found


def recompute(model: Apollo) -> None:
    """Gradient checkpointing: keep only what enters each layer, and compute the rest again on the way back."""
    for block in blocks(model):
        block.forward = partial(checkpoint, block.forward, use_reentrant=False)

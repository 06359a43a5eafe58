"""V-JEPA 2 (Assran et al., arXiv 2506.09985): a clip tower trained to predict features; the predictor is left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import VJEPA2Model

from apollobench.apollo.look import IMAGENET_MEAN, IMAGENET_STD, Look
from apollobench.apollo.towers.base import tower_kind
from apollobench.apollo.towers.vit import ViTConfig, ViTTower


@dataclass(frozen=True, slots=True)
class VJEPA2Config(ViTConfig):
    model_type: ClassVar[str] = "vjepa2"
    edge_field: ClassVar[str] = "crop_size"


@tower_kind("vjepa2", VJEPA2Config, Look("bilinear", IMAGENET_MEAN, IMAGENET_STD))
class VJEPA2(ViTTower):
    layer_names = "vit.layer."
    unused_tensors = ("vit.layernorm.",)

    def make(self, library: Any) -> nn.Module:
        vit: Any = VJEPA2Model(library).encoder
        vit.layernorm = nn.Identity()
        return vit  # type: ignore[no-any-return]

    def hidden(self, clips: Tensor) -> Tensor:
        return self.vit(clips).last_hidden_state  # type: ignore[no-any-return]

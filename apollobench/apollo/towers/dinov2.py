"""DINOv2 (Oquab et al., arXiv 2304.07193): an image tower trained without text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import Dinov2Model

from apollobench.apollo.look import IMAGENET_MEAN, IMAGENET_STD, Look
from apollobench.apollo.towers.base import tower_kind
from apollobench.apollo.towers.vit import ViTConfig, ViTTower


@dataclass(frozen=True, slots=True)
class Dinov2Config(ViTConfig):
    model_type: ClassVar[str] = "dinov2"


@tower_kind("dinov2", Dinov2Config, Look("bicubic", IMAGENET_MEAN, IMAGENET_STD))
class Dinov2(ViTTower):
    layer_names = "vit.encoder.layer."
    unused_tensors = ("vit.layernorm.",)

    def make(self, library: Any) -> nn.Module:
        vit: Any = Dinov2Model(library)
        vit.layernorm = nn.Identity()
        return vit  # type: ignore[no-any-return]

    def hidden(self, clips: Tensor) -> Tensor:
        return self.vit(clips.flatten(0, 1)).last_hidden_state[:, 1:]  # type: ignore[no-any-return]

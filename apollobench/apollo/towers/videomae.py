"""VideoMAE (Tong et al., arXiv 2203.12602): a clip tower trained by filling in masked tubes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn
from transformers import VideoMAEModel

from apollobench.apollo.look import IMAGENET_MEAN, IMAGENET_STD, Look
from apollobench.apollo.towers.base import tower_kind
from apollobench.apollo.towers.vit import ViTConfig, ViTTower
from apollobench.errors import InputError


@dataclass(frozen=True, slots=True)
class VideoMAEConfig(ViTConfig):
    """`num_frames` must be a clip's: the position table is made for it."""

    model_type: ClassVar[str] = "videomae"

    def steps(self, clip_frames: int) -> int:
        if clip_frames != self.library.num_frames:
            raise InputError(
                f"a clip has {clip_frames} frames, but videomae takes num_frames {self.library.num_frames}"
            )
        return ViTConfig.steps(self, clip_frames)


@tower_kind("videomae", VideoMAEConfig, Look("bilinear", IMAGENET_MEAN, IMAGENET_STD))
class VideoMAE(ViTTower):
    layer_names = "vit.encoder.layer."
    unused_tensors = ("vit.layernorm.",)

    def make(self, library: Any) -> nn.Module:
        vit = VideoMAEModel(library)
        vit.layernorm = None
        return vit

    def hidden(self, clips: Tensor) -> Tensor:
        return self.vit(clips).last_hidden_state  # type: ignore[no-any-return]

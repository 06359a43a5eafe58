"""Vision transformers of the transformers library as towers: what their kinds share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor
from transformers import AutoConfig

from apollobench.apollo.jsonfile import library_config
from apollobench.apollo.towers.base import Tower
from apollobench.errors import InputError


@dataclass(frozen=True, slots=True)
class ViTConfig:
    """The library's own config.json of one model, whose fields differ from kind to kind only in a name or two."""

    model_type: ClassVar[str]
    edge_field: ClassVar[str] = "image_size"
    raw: Mapping[str, Any]

    @classmethod
    def read(cls, raw: Mapping[str, Any], path: Path) -> Self:
        if raw.get("model_type", cls.model_type) != cls.model_type:
            raise InputError(f"{path}: model_type is {raw['model_type']!r}, expected {cls.model_type!r}")
        return cls(library_config(lambda: cls._library({**raw}), path).to_diff_dict())

    def stored(self) -> dict[str, Any]:
        return {**self.raw, "model_type": self.model_type}

    @classmethod
    def _library(cls, raw: dict[str, Any]) -> Any:
        return AutoConfig.for_model(cls.model_type, **{k: v for k, v in raw.items() if k != "model_type"})

    @property
    def library(self) -> Any:
        return self._library(dict(self.raw))

    @property
    def width(self) -> int:
        return int(self.library.hidden_size)

    @property
    def depth_total(self) -> int:
        return int(self.library.num_hidden_layers)

    @property
    def pixels(self) -> int:
        return int(getattr(self.library, self.edge_field))

    @property
    def side(self) -> int:
        return self.pixels // int(self.library.patch_size)

    @property
    def tubelet(self) -> int:
        """Frames that make one feature frame."""
        return int(getattr(self.library, "tubelet_size", 1))

    def steps(self, clip_frames: int) -> int:
        if clip_frames % self.tubelet:
            raise InputError(f"a clip of {clip_frames} frames cannot be cut into {self.tubelet}s for {self.model_type}")
        return clip_frames // self.tubelet


class ViTTower(Tower):
    """Keeps the embedding and the layers that run; each kind makes `vit` and reads its last hidden state."""

    def __init__(self, config: ViTConfig, select_layer: int = -2) -> None:
        super().__init__()
        self.config = config
        self.depth_total = config.depth_total
        self.layers_run = config.depth_total + select_layer + 1
        library = config.library
        library.num_hidden_layers = self.layers_run
        # Position tables that are not parameters must be real even where a checkpoint's skeleton is built.
        with torch.device("cpu"):
            self.vit = self.make(library)

    def make(self, library: Any) -> torch.nn.Module:
        raise NotImplementedError

    def hidden(self, clips: Tensor) -> Tensor:
        """Clips -> tokens `[..., side * side, width]` of all feature frames, in order, without class tokens."""
        raise NotImplementedError

    def forward(self, clips: Tensor) -> Tensor:
        side = self.config.side
        return self.hidden(clips).reshape(len(clips), -1, side, side, self.config.width)

"""How a recipe says what a training starts from: a whole checkpoint, or parts of which the connector is fresh."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from apollobench.apollo.config import INTEGRATIONS
from apollobench.recipe.fields import Count, Name, Section, Seed
from apollobench.training.views import Positive, VideoSampling

Folder = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class PerceiverStart(Section):
    """A fresh resampler; the sizes are those of `apollo.config.ConnectorConfig`."""

    kind: Literal["perceiver"]
    num_output_tokens: Count
    resampler_depth: Count
    resampler_n_heads: Count
    resampler_head_dim: Count
    num_key_value_heads: Count
    ff_multi: Count


class PoolStart(Section):
    """A fresh connector that averages."""

    kind: Literal["mlp_avgpool", "conv_avgpool"]
    num_output_tokens: Count


class TowerStart(Section):
    """A vision tower, whose kind its name begins with: fresh from its `config`, or read from `weights`."""

    name: Folder
    config: dict[str, Any] | None = None
    weights: Name | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.config is None) == (self.weights is None):
            raise ValueError(f"tower {self.name}: give `weights` to read it, or `config` for a fresh one, not both")
        return self


class FromParts(Section):
    """Towers, a language model (a Qwen2 model with its tokenizer), and a fresh connector between them.

    llm, weights of towers: a folder, the id of a hub repository, or `builtin:FOLDER` within the shipped weights.
    sampling: how the trained model samples videos by itself. model_dtype: in which its weights are stored.
    """

    method: Literal["parts"]
    llm: Name
    towers: Annotated[tuple[TowerStart, ...], Field(min_length=1)]
    select_layer: Annotated[int, Field(strict=True, le=-1)]
    clip_frames: Count
    clip_seconds: Positive
    connector: Annotated[PerceiverStart | PoolStart, Field(discriminator="kind")]
    integration: Name
    sampling: VideoSampling
    encode_batch_size: Count
    max_length: Count
    model_dtype: Literal["float32", "bfloat16", "float16"]
    seed: Seed

    @field_validator("integration")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in INTEGRATIONS:
            raise ValueError(f"{value!r} is not one of {', '.join(INTEGRATIONS)}")
        return value


class FromCheckpoint(Section):
    """A whole model: a checkpoint folder in the published layout, or `builtin:NAME` for a shipped one."""

    method: Literal["checkpoint"]
    folder: Name


Start = Annotated[FromCheckpoint | FromParts, Field(discriminator="method")]

"""The configuration of an exported Apollo model as transformers reads it; `layout` tells what its fields hold.

This module is imported while transformers still is (see `register`), so it may take only from there what comes before
the Auto loaders.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from transformers.configuration_utils import PreTrainedConfig
from transformers.models.auto.configuration_auto import AutoConfig

from apollobench.apollo.config import ApolloConfig
from apollobench.apollo.hf.layout import MODEL_TYPE, unnest
from apollobench.errors import InputError


class HfApolloConfig(PreTrainedConfig):
    """text_config: of the language model. vision_config, connector_config: contents of the published config files.

    video_token_id: stands for one visual vector in token ids. The published root fields are attributes, too. Raises
    `InputError` without a text_config, as in the published layout.
    """

    model_type = MODEL_TYPE
    sub_configs: ClassVar[dict[str, Any]] = {"text_config": AutoConfig}
    has_no_defaults_at_init = True

    text_config: Any = None  # a Qwen2Config, once made
    vision_config: dict[str, Any] | None = None
    connector_config: dict[str, Any] | None = None
    video_token_id: int | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        if self.text_config is None:
            raise InputError(
                "this config.json has no text_config, so it is not of an exported folder; "
                "`apollobench export` makes one of a checkpoint in the published layout"
            )
        if isinstance(self.text_config, dict):
            self.text_config = AutoConfig.for_model(**self.text_config)
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        import_module("apollobench.apollo.hf.model")  # the Auto loaders look for a model once they have this

    @property
    def apollo(self) -> ApolloConfig:
        """The same configuration as the rest of the package knows it. Raises `InputError` naming a bad field."""
        return unnest(self.to_dict(), Path(self.name_or_path or "."))


AutoConfig.register(MODEL_TYPE, HfApolloConfig, exist_ok=True)

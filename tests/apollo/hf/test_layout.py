"""An exported config.json says what the published config files say, and what it lacks is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from apollobench.apollo.config import ApolloConfig
from apollobench.apollo.hf.config import HfApolloConfig
from apollobench.apollo.hf.layout import nest, unnest
from apollobench.errors import InputError
from apollobench.types import Sampling

from ... import tiny

HERE = Path("folder")
BOTH = (tiny.SIGLIP, tiny.INTERNVIDEO2)
CONFIGS = [
    tiny.config(),
    tiny.config(BOTH[::-1], sampling=Sampling(kind="uniform", frames=16), integration="timestamps"),
    tiny.config((), model_dtype="bfloat16", max_length=512),
]


@pytest.mark.parametrize("config", CONFIGS)
def test_what_is_nested_is_read_back(config: ApolloConfig) -> None:
    assert unnest(nest(config), HERE) == config


@pytest.mark.parametrize("config", CONFIGS)
def test_transformers_keeps_all_of_it(config: ApolloConfig, tmp_path: Path) -> None:
    HfApolloConfig(**nest(config), video_token_id=5).save_pretrained(tmp_path)
    loaded = HfApolloConfig.from_pretrained(tmp_path)
    assert loaded.get_text_config().hidden_size == 32
    assert loaded.video_token_id == 5
    found = loaded.apollo
    assert found.llm.items() >= {name: x for name, x in config.llm.items() if x is not None}.items()
    changed = {name: getattr(found, name) for name in ("vision", "connector", "sampling", "integration", "model_dtype")}
    assert changed == {name: getattr(config, name) for name in changed}
    assert (found.max_length, found.clip_duration) == (config.max_length, config.clip_duration)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("text_config", "has no text_config"),
        ("vision_config", "has no vision_config"),
        ("connector_config", "has no connector_config"),
    ],
)
def test_missing_parts_are_named(part: str, message: str) -> None:
    nested = nest(tiny.config())
    del nested[part]
    with pytest.raises(InputError, match=f"config.json: {message}"):
        unnest(nested, HERE)


def test_missing_towers_are_named() -> None:
    nested = nest(tiny.config())
    del nested["vision_config"]["towers"][tiny.SIGLIP]
    with pytest.raises(InputError, match=f"has no vision_config.towers.{tiny.SIGLIP}"):
        unnest(nested, HERE)


def test_the_published_layout_is_told_apart() -> None:
    with pytest.raises(InputError, match=r"no text_config, .*`apollobench export` makes one"):
        HfApolloConfig(clip_duration=2)

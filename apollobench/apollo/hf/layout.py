"""The one config.json of an exported folder: the config files of the published layout, one inside the other.

Both layouts are read by `config.parse_config`, so nothing is said twice about what the fields mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apollobench.apollo.config import CONFIG, CONNECTOR, LLM, VISION, ApolloConfig, config_files, parse_config
from apollobench.apollo.jsonfile import from_mapping
from apollobench.errors import InputError

MODEL_TYPE = "apollo"
ARCHITECTURE = "ApolloForConditionalGeneration"
# Special tokens of Qwen2.5: a place for a visual vector (and, in a text, for a whole video), and one for an image.
VIDEO, IMAGE = "<|video_pad|>", "<|image_pad|>"


def nest(config: ApolloConfig) -> dict[str, Any]:
    """The content of an exported config.json for `config`; `video_token_id` is not among it."""
    files = config_files(config)
    root = files[CONFIG]
    dtype = root.pop("model_dtype").removeprefix("torch.")
    towers = {name: files[f"{VISION}/{name}/{CONFIG}"] for name in files[f"{VISION}/{CONFIG}"]["vision_towers"]}
    return {
        **root,
        "model_type": MODEL_TYPE,
        "architectures": [ARCHITECTURE],
        "dtype": dtype,
        "text_config": files[f"{LLM}/{CONFIG}"],
        "vision_config": {**files[f"{VISION}/{CONFIG}"], "towers": towers},
        "connector_config": files.get(f"{CONNECTOR}/{CONFIG}"),
    }


@dataclass(frozen=True, slots=True)
class Nested:
    """The parts of an exported config.json."""

    text_config: dict[str, Any] | None = None
    vision_config: dict[str, Any] | None = None
    connector_config: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Towers:
    vision_towers: tuple[str, ...] = ()
    towers: dict[str, dict[str, Any]] = field(default_factory=dict)


def unnest(raw: Mapping[str, Any], directory: Path) -> ApolloConfig:
    """The configuration in the content `raw` of an exported config.json, wherever it is from (the inverse of `nest`).

    directory: for messages. Raises `InputError` naming what lacks or is not implemented.
    """
    nested = from_mapping(Nested, raw, directory / CONFIG)
    vision = nested.vision_config or {}
    held = from_mapping(Towers, vision, directory / CONFIG)
    names, towers = held.vision_towers, held.towers
    parts: dict[str, Any] = {"text_config": nested.text_config, "vision_config": nested.vision_config}
    parts |= {f"vision_config.towers.{name}": towers.get(name) for name in names}
    parts |= {"connector_config": nested.connector_config} if names else {}
    lacking = [part for part, value in parts.items() if value is None]
    if lacking:
        raise InputError(f"{directory / CONFIG}: has no {lacking[0]}; expected one that `apollobench export` wrote")
    files = {
        CONFIG: {**raw, "model_dtype": str(raw.get("dtype") or "float32")},
        f"{LLM}/{CONFIG}": raw["text_config"],
        f"{VISION}/{CONFIG}": vision,
        **{f"{VISION}/{name}/{CONFIG}": towers[name] for name in names},
    }
    if names:
        files[f"{CONNECTOR}/{CONFIG}"] = raw["connector_config"]
    return parse_config(files, directory)

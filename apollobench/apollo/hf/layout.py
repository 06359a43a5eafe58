"""The one config.json of an exported folder: the config files of the published layout, one inside the other.

Both layouts are read by `config.parse_config`, so nothing is said twice about what the fields mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apollobench.apollo.config import CONFIG, CONNECTOR, LLM, VISION, ApolloConfig, config_files, parse_config
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


def unnest(raw: Mapping[str, Any], directory: Path) -> ApolloConfig:
    """The configuration in the content `raw` of an exported config.json, wherever it is from (the inverse of `nest`).

    directory: for messages. Raises `InputError` naming what lacks or is not implemented.
    """
    vision = raw.get("vision_config") or {}
    names, towers = vision.get("vision_towers") or [], vision.get("towers") or {}
    parts = {"text_config": raw.get("text_config"), "vision_config": raw.get("vision_config")}
    parts |= {f"vision_config.towers.{name}": towers.get(name) for name in names}
    parts |= {"connector_config": raw.get("connector_config")} if names else {}
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

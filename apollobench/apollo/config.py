"""The configuration of one Apollo model, as frozen data read from the component configs of a published checkpoint.

A published config carries many fields that no computation reads (some belong to other architectures). Only the fields
named here are read; a field that would change the computation in a way that is not implemented raises `InputError`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from apollobench.errors import InputError
from apollobench.types import Sampling

DTYPES = ("float32", "bfloat16", "float16")
LLM, CONNECTOR, VISION = "llm", "mm_connector", "vision_tower"


@dataclass(frozen=True, slots=True)
class SiglipConfig:
    """An image transformer without class token; `image_size` may leave a rest that patches do not cover."""

    hidden_size: int = 1152
    intermediate_size: int = 4304
    num_hidden_layers: int = 27
    num_attention_heads: int = 16
    image_size: int = 384
    patch_size: int = 14
    layer_norm_eps: float = 1e-6

    @property
    def width(self) -> int:
        return self.hidden_size

    @property
    def depth_total(self) -> int:
        return self.num_hidden_layers

    @property
    def side(self) -> int:
        """Patches along one edge of a frame."""
        return self.image_size // self.patch_size


@dataclass(frozen=True, slots=True)
class InternVideo2Config:
    """A clip transformer with full space-time attention. `init_values` is the fresh LayerScale value."""

    d_model: int = 1408
    depth: int = 40
    num_heads: int = 16
    img_size: int = 224
    patch_size: int = 14
    num_frames: int = 4
    mlp_ratio: float = 48 / 11
    init_values: float = 1e-5

    @property
    def width(self) -> int:
        return self.d_model

    @property
    def depth_total(self) -> int:
        return self.depth

    @property
    def side(self) -> int:
        """Patches along one edge of a frame."""
        return self.img_size // self.patch_size


TowerConfig = SiglipConfig | InternVideo2Config


@dataclass(frozen=True, slots=True)
class VisionConfig:
    """The towers in the order in which their channels are concatenated, and the layer their features come from."""

    towers: tuple[tuple[str, TowerConfig], ...]
    select_layer: int = -2
    clip_frames: int = 4

    @property
    def grid(self) -> tuple[int, int, int]:
        """(frames, rows, columns) of visual features of one clip: the largest of the towers'."""
        side = max(tower.side for _, tower in self.towers)
        return self.clip_frames, side, side

    @property
    def channels(self) -> int:
        return sum(tower.width for _, tower in self.towers)


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """One linear projection, then a Perceiver resampler to `num_output_tokens` vectors per clip."""

    vision_hidden_size: int
    text_hidden_size: int
    num_output_tokens: int = 128
    resampler_depth: int = 1
    resampler_n_heads: int = 16
    resampler_head_dim: int = 96
    num_key_value_heads: int = 4
    ff_multi: int = 4


@dataclass(frozen=True, slots=True)
class ApolloConfig:
    """One model. `llm` is the Qwen2 config as a mapping; a model with `vision` None is blind and has no connector.

    clip_duration: seconds named in the prompt. encode_batch_size: clips encoded at once (memory only).
    max_length: tokens. model_dtype: one of `DTYPES`. sampling: how the model samples a video.
    """

    llm: Mapping[str, Any]
    vision: VisionConfig | None = None
    connector: ConnectorConfig | None = None
    clip_duration: float = 2
    encode_batch_size: int = 25
    max_length: int = 16384
    model_dtype: str = "float32"
    sampling: Sampling = field(default_factory=lambda: Sampling(kind="released"))

    def __post_init__(self) -> None:
        if (self.vision is None) != (self.connector is None):
            raise InputError("an Apollo model has vision towers and a connector, or neither")
        if self.vision is None or self.connector is None:
            return
        if self.connector.vision_hidden_size != self.vision.channels:
            raise InputError(
                f"connector vision_hidden_size is {self.connector.vision_hidden_size}, "
                f"but the towers give {self.vision.channels} channels"
            )
        if self.connector.text_hidden_size != self.llm["hidden_size"]:
            raise InputError(
                f"connector text_hidden_size is {self.connector.text_hidden_size}, "
                f"but the language model's hidden_size is {self.llm['hidden_size']}"
            )

    @property
    def tokens_per_clip(self) -> int:
        return self.connector.num_output_tokens if self.connector else 0


def read_config(directory: Path) -> ApolloConfig:
    """The configuration of a checkpoint folder in the published layout. Raises `InputError` naming file and field."""
    root = read_json(directory / "config.json")
    llm = read_json(directory / LLM / "config.json")
    _expect(directory / "config.json", root, "mm_vision_select_feature", "patch")
    _expect(directory / "config.json", root, "use_mm_start_end", False)
    _expect(directory / LLM / "config.json", llm, "model_type", "qwen2")
    vision = _read_vision(directory / VISION, int(root.get("mm_vision_select_layer", -2)))
    connector = _read_connector(directory / CONNECTOR / "config.json") if vision else None
    max_length = int(llm.get("tokenizer_model_max_length", root.get("model_max_length", 16384)))
    clip_duration = root.get("clip_duration", 2)
    stored = root.get("apollobench", {}).get("sampling")
    sampling = _from_mapping(Sampling, stored, directory / "config.json", {"kind"}) if stored else None
    return ApolloConfig(
        llm=llm,
        vision=vision,
        connector=connector,
        clip_duration=clip_duration,
        encode_batch_size=int(root.get("encode_batch_size", 25)),
        max_length=max_length,
        model_dtype=parse_dtype(root.get("model_dtype", "torch.float32")),
        sampling=sampling or released_sampling(vision, connector, clip_duration, max_length),
    )


def released_sampling(
    vision: VisionConfig | None, connector: ConnectorConfig | None, clip_duration: float, max_length: int
) -> Sampling:
    """The released loader's sampling for these sizes; a blind model needs no frames and asks for the cheapest plan."""
    if vision is None or connector is None:
        return Sampling(kind="center")
    return Sampling(
        kind="released",
        clip_seconds=clip_duration,
        clip_frames=vision.clip_frames,
        tokens_per_clip=connector.num_output_tokens,
        token_budget=max_length,
    )


def parse_dtype(text: str) -> str:
    """`"torch.bfloat16"` -> `"bfloat16"`; never evaluated. Raises `InputError` for anything not in `DTYPES`."""
    name = text.removeprefix("torch.")
    if name not in DTYPES:
        raise InputError(f"dtype {text!r} is not one of {', '.join(DTYPES)}")
    return name


def config_files(config: ApolloConfig) -> dict[str, dict[str, Any]]:
    """Relative path -> content of every config file of the published layout for `config` (the inverse of reading)."""
    vision = config.vision
    names = [name for name, _ in vision.towers] if vision else []
    hybrid: dict[str, Any] = {
        "model_type": "hybrid_vision_tower",
        "num_vision_encoders": len(names),
        "vision_towers": names,
        "token_output_shape": list(vision.grid) if vision else [0, 0, 0],
    }
    files = {"llm/config.json": dict(config.llm), f"{VISION}/config.json": hybrid}
    for name, tower in vision.towers if vision else ():
        files[f"{VISION}/{name}/config.json"] = {"model_type": _kind(name), **asdict(tower)}
    if config.connector:
        files[f"{CONNECTOR}/config.json"] = {
            "model_type": "mm_connector",
            "projector_type": "mlp1x_gelu",
            "resampler_type": "perciver",
            "hidden_act": "silu",
            "token_input_shape": hybrid["token_output_shape"],
            **asdict(config.connector),
        }
    files["config.json"] = {
        "architectures": ["ApolloForCausalLM"],
        "model_type": "apollo",
        "clip_duration": config.clip_duration,
        "encode_batch_size": config.encode_batch_size,
        "model_dtype": f"torch.{config.model_dtype}",
        "model_max_length": config.max_length,
        "mm_vision_select_layer": vision.select_layer if vision else -2,
        "mm_vision_select_feature": "patch",
        "use_mm_start_end": False,
        "hidden_size": config.llm["hidden_size"],
        "vocab_size": config.llm["vocab_size"],
        "apollobench": {"sampling": {k: v for k, v in asdict(config.sampling).items() if v is not None}},
    }
    return files


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file. Raises `InputError` naming the file when it is missing or is not an object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: missing; it belongs to a checkpoint in the published Apollo layout") from None
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def _read_vision(folder: Path, select_layer: int) -> VisionConfig | None:
    path = folder / "config.json"
    hybrid = read_json(path)
    names = hybrid.get("vision_towers")
    if not isinstance(names, list):
        raise InputError(f"{path}: vision_towers must list the tower folders, found {names!r}")
    if not names:
        return None
    towers = tuple((name, _read_tower(folder / name / "config.json", name)) for name in names)
    frames = int(hybrid.get("token_output_shape", [4])[0])
    for name, tower in towers:
        if not -tower.depth_total - 1 <= select_layer <= -1:
            raise InputError(f"{path}: mm_vision_select_layer {select_layer} is outside {name}'s layers")
        if isinstance(tower, InternVideo2Config) and tower.num_frames != frames:
            raise InputError(f"{path}: token_output_shape has {frames} frames, but {name} takes {tower.num_frames}")
    return VisionConfig(towers=towers, select_layer=select_layer, clip_frames=frames)


def _read_tower(path: Path, name: str) -> TowerConfig:
    raw = read_json(path)
    if _kind(name) == "siglip_vision_model":
        _expect(path, raw, "hidden_act", "gelu_pytorch_tanh")
        return _from_mapping(SiglipConfig, raw, path)
    _expect(path, raw, "qkv_bias", False)
    _expect(path, raw, "tubelet_size", 1)
    _expect(path, raw, "sep_image_video_pos_embed", True)
    return _from_mapping(InternVideo2Config, raw, path)


def _read_connector(path: Path) -> ConnectorConfig:
    raw = read_json(path)
    _expect(path, raw, "projector_type", "mlp1x_gelu")
    _expect(path, raw, "resampler_type", "perciver")
    _expect(path, raw, "hidden_act", "silu")
    return _from_mapping(ConnectorConfig, raw, path, {"vision_hidden_size", "text_hidden_size", "num_output_tokens"})


def _kind(tower: str) -> str:
    kinds = {"siglip": "siglip_vision_model", "internvideo2": "internvideo2"}
    for prefix, kind in kinds.items():
        if tower.startswith(prefix):
            return kind
    raise InputError(f"vision tower {tower!r} is unknown; its name must begin with one of {', '.join(kinds)}")


def _expect(path: Path, raw: Mapping[str, Any], key: str, value: object) -> None:
    if raw.get(key, value) != value:
        raise InputError(f"{path}: {key} is {raw[key]!r}; only {value!r} is implemented")


T = TypeVar("T")


def _from_mapping(cls: type[T], raw: Mapping[str, Any], path: Path, required: set[str] | None = None) -> T:
    missing = sorted((required or set()) - raw.keys())
    if missing:
        raise InputError(f"{path}: missing {', '.join(missing)}")
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    return cls(**{key: value for key, value in raw.items() if key in names})

"""The configuration of one Apollo model, as frozen data read from the component configs of a published checkpoint.

A published config carries many fields that no computation reads (some belong to other architectures). Only the fields
named here are read; a field that would change the computation in a way that is not implemented raises `InputError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from apollobench.apollo.jsonfile import Layers, Positive, Size, expect, from_mapping, library_config, read_json
from apollobench.apollo.towers.base import TowerConfig, kind_of
from apollobench.errors import InputError
from apollobench.types import Sampling

DTYPES = ("float32", "bfloat16", "float16")
CONFIG = "config.json"
LLM, CONNECTOR, VISION = "llm", "mm_connector", "vision_tower"
CONNECTOR_KINDS = ("perceiver", "mlp_avgpool", "conv_avgpool")
PUBLISHED_PERCEIVER = "perciver"  # as the published configs spell it
INTEGRATIONS = ("plain", "separators", "timestamps", "timestamps+separators", "released")


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
        return max(tower.steps(self.clip_frames) for _, tower in self.towers), side, side

    @property
    def channels(self) -> int:
        return sum(tower.width for _, tower in self.towers)


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """How the features of a clip become `num_output_tokens` vectors; `kind` is one of `CONNECTOR_KINDS`.

    perceiver: one linear layer and a resampler, which alone reads the fields after `num_output_tokens`. mlp_avgpool and
    conv_avgpool: two layers on patches or on frames, then an average over equal parts of the clip.
    """

    vision_hidden_size: Size
    text_hidden_size: Size
    num_output_tokens: Size = 128
    resampler_depth: Layers = 1
    resampler_n_heads: Size = 16
    resampler_head_dim: Size = 96
    num_key_value_heads: Size = 4
    ff_multi: Size = 4
    kind: str = "perceiver"

    def __post_init__(self) -> None:
        if self.kind not in CONNECTOR_KINDS:
            raise InputError(f"connector {self.kind!r} is not one of {', '.join(CONNECTOR_KINDS)}")


@dataclass(frozen=True, slots=True)
class ApolloConfig:
    """One model. `llm` is the Qwen2 config as a mapping; a model with `vision` None is blind and has no connector.

    clip_duration: seconds named in the prompt. encode_batch_size: clips encoded at once (memory only).
    max_length: tokens. model_dtype: one of `DTYPES`. sampling: how the model samples a video. integration: how clips
    stand in the prompt, one of `INTEGRATIONS` (see `chat`).
    """

    llm: Mapping[str, Any]
    vision: VisionConfig | None = None
    connector: ConnectorConfig | None = None
    clip_duration: float = 2
    encode_batch_size: int = 25
    max_length: int = 16384
    model_dtype: str = "float32"
    sampling: Sampling = field(default_factory=lambda: Sampling(kind="released"))
    integration: str = "released"

    def __post_init__(self) -> None:
        if self.integration not in INTEGRATIONS:
            raise InputError(f"integration {self.integration!r} is not one of {', '.join(INTEGRATIONS)}")
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


@dataclass(frozen=True, slots=True)
class Own:
    """What the root's config holds of ours."""

    sampling: dict[str, Any] | None = None
    integration: str = "released"


@dataclass(frozen=True, slots=True)
class Root:
    """The root's config.json, its fields as they are published."""

    mm_vision_select_layer: int = -2
    model_max_length: Size = 16384
    clip_duration: Positive = 2
    encode_batch_size: Size = 25
    model_dtype: str = "torch.float32"
    apollobench: Own = field(default_factory=Own)


@dataclass(frozen=True, slots=True)
class Lengths:
    tokenizer_model_max_length: Size | None = None


@dataclass(frozen=True, slots=True)
class LlmSizes:
    """Of the language model; the library checks the rest."""

    hidden_size: Size
    vocab_size: Size = 151936
    intermediate_size: Size = 22016
    num_hidden_layers: Layers = 32
    num_attention_heads: Size = 32
    num_key_value_heads: Size | None = None
    max_position_embeddings: Size = 32768
    tie_word_embeddings: bool = False


@dataclass(frozen=True, slots=True)
class Hybrid:
    """vision_tower/config.json. vision_towers: names of folders beside it."""

    vision_towers: tuple[Annotated[str, Field(pattern=r"^[\w.-]*\w$")], ...] = ()
    clip_frames: Annotated[int, Field(ge=0, le=1000)] = 0
    token_output_shape: tuple[Annotated[int, Field(ge=0, le=1000)], ...] = (4,)


def read_config(directory: Path) -> ApolloConfig:
    """The configuration of a checkpoint folder in the published layout. Raises `InputError` naming file and field."""
    names = [CONFIG, f"{LLM}/{CONFIG}", f"{VISION}/{CONFIG}"]
    files = {name: read_json(directory / name) for name in names}
    towers = from_mapping(
        Hybrid, files[f"{VISION}/{CONFIG}"], directory / VISION / CONFIG, {"vision_towers"}
    ).vision_towers
    more = [f"{VISION}/{name}/{CONFIG}" for name in towers] + ([f"{CONNECTOR}/{CONFIG}"] if towers else [])
    return parse_config(files | {name: read_json(directory / name) for name in more}, directory)


def parse_config(files: Mapping[str, Mapping[str, Any]], directory: Path) -> ApolloConfig:
    """The configuration from the content of its files by relative path (the inverse of `config_files`).

    directory: where they are from, for messages. Raises `InputError` naming file and field.
    """
    root, llm = files[CONFIG], files[f"{LLM}/{CONFIG}"]
    expect(directory / CONFIG, root, "mm_vision_select_feature", "patch")
    expect(directory / CONFIG, root, "use_mm_start_end", False)
    expect(directory / LLM / CONFIG, llm, "model_type", "qwen2")
    said = from_mapping(Root, root, directory / CONFIG)
    _parse_llm(llm, directory / LLM / CONFIG)
    vision = _parse_vision(files, directory, said.mm_vision_select_layer)
    connector = _parse_connector(files[f"{CONNECTOR}/{CONFIG}"], directory / CONNECTOR / CONFIG) if vision else None
    max_length = (
        from_mapping(Lengths, llm, directory / LLM / CONFIG).tokenizer_model_max_length or said.model_max_length
    )
    own = said.apollobench
    sampling = _parse_sampling(own.sampling, directory / CONFIG) if own.sampling else None
    return ApolloConfig(
        llm=llm,
        vision=vision,
        connector=connector,
        clip_duration=said.clip_duration,
        encode_batch_size=said.encode_batch_size,
        max_length=max_length,
        model_dtype=parse_dtype(said.model_dtype),
        sampling=sampling or released_sampling(vision, connector, said.clip_duration, max_length),
        integration=own.integration,
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
        "clip_frames": vision.clip_frames if vision else 0,
    }
    files = {f"{LLM}/{CONFIG}": dict(config.llm), f"{VISION}/{CONFIG}": hybrid}
    for name, tower in vision.towers if vision else ():
        files[f"{VISION}/{name}/{CONFIG}"] = tower.stored()
    if config.connector:
        sizes = asdict(config.connector)
        kind = sizes.pop("kind")
        files[f"{CONNECTOR}/{CONFIG}"] = {
            "model_type": "mm_connector",
            "projector_type": "mlp1x_gelu",
            "resampler_type": PUBLISHED_PERCEIVER if kind == "perceiver" else kind,
            "hidden_act": "silu",
            "token_input_shape": hybrid["token_output_shape"],
            **sizes,
        }
    files[CONFIG] = {
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
        "apollobench": {
            "sampling": {k: v for k, v in asdict(config.sampling).items() if v is not None},
            "integration": config.integration,
        },
    }
    return files


def _parse_llm(raw: Mapping[str, Any], path: Path) -> None:
    """Raises `InputError` unless the library can make a language model of it."""
    from transformers import Qwen2Config

    from_mapping(LlmSizes, raw, path, {"hidden_size"})
    library_config(lambda: Qwen2Config.from_dict(dict(raw)), path)


def _parse_sampling(raw: Mapping[str, Any], path: Path) -> Sampling:
    sampling = from_mapping(Sampling, raw, path, {"kind"})
    for name, value in asdict(sampling).items():
        if isinstance(value, int | float) and not 0 < value < 1e9:
            raise InputError(f"{path}: sampling.{name} is {value!r}, expected a number above 0")
    return sampling


def _parse_vision(files: Mapping[str, Mapping[str, Any]], directory: Path, select_layer: int) -> VisionConfig | None:
    hybrid = from_mapping(Hybrid, files[f"{VISION}/{CONFIG}"], directory / VISION / CONFIG)
    if not hybrid.vision_towers:
        return None
    frames = hybrid.clip_frames or hybrid.token_output_shape[0]
    towers = []
    for name in hybrid.vision_towers:
        relative = f"{VISION}/{name}/{CONFIG}"
        tower = kind_of(name).config.read(files[relative], directory / relative)
        if not -tower.depth_total - 1 <= select_layer <= -1:
            raise InputError(f"{directory / CONFIG}: mm_vision_select_layer {select_layer} is outside {name}'s layers")
        try:
            tower.steps(frames)
        except InputError as error:
            raise InputError(f"{directory / relative}: {error}") from error
        towers.append((name, tower))
    return VisionConfig(tuple(towers), select_layer, frames)


def _parse_connector(raw: Mapping[str, Any], path: Path) -> ConnectorConfig:
    kind = raw.get("resampler_type", PUBLISHED_PERCEIVER)
    if kind == PUBLISHED_PERCEIVER:
        kind = "perceiver"
        expect(path, raw, "projector_type", "mlp1x_gelu")
        expect(path, raw, "hidden_act", "silu")
    elif kind not in CONNECTOR_KINDS:
        known = ", ".join((PUBLISHED_PERCEIVER, *CONNECTOR_KINDS[1:]))
        raise InputError(f"{path}: resampler_type is {kind!r}; implemented are {known}")
    required = ("vision_hidden_size", "text_hidden_size", "num_output_tokens")
    return from_mapping(ConnectorConfig, {**raw, "kind": kind}, path, required)

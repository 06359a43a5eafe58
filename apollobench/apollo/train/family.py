"""The tiny family: which models there are, how big they are, and what each one is trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from apollobench.apollo.config import ApolloConfig, ConnectorConfig, VisionConfig
from apollobench.apollo.towers.internvideo2 import InternVideo2Config
from apollobench.apollo.towers.siglip import SiglipConfig
from apollobench.apollo.train.corpus import CLIP_FRAMES, SIDE
from apollobench.errors import InputError
from apollobench.types import Mode, Sampling

Size = Literal["s", "m", "l"]
ALL = "all"
ALIGN_STEPS, VISION_STEPS = 1500, 80
TOKENS_PER_CLIP = 4
CLIP_SECONDS = 2.0
SIGLIP, INTERNVIDEO2 = "siglip-tiny-patch8-48", "internvideo2-tiny"
CLIPS = Sampling(kind="clips", clip_seconds=CLIP_SECONDS, clip_frames=CLIP_FRAMES, max_clips=12)
UNIFORM = Sampling(kind="uniform", frames=16, clip_frames=CLIP_FRAMES)
CENTER = Sampling(kind="center", clip_frames=CLIP_FRAMES)

TOWERS: Mapping[str, SiglipConfig | InternVideo2Config] = MappingProxyType(
    {
        SIGLIP: SiglipConfig(
            hidden_size=64,
            intermediate_size=256,
            num_hidden_layers=3,
            num_attention_heads=4,
            image_size=SIDE,
            patch_size=8,
        ),
        INTERNVIDEO2: InternVideo2Config(
            d_model=80, depth=4, num_heads=5, img_size=SIDE, patch_size=8, num_frames=CLIP_FRAMES, init_values=0.5
        ),
    }
)
# hidden size, heads, key/value heads, MLP width; every head is 32 wide.
LLMS: Mapping[Size, tuple[int, int, int, int]] = MappingProxyType(
    {"s": (96, 3, 1, 192), "m": (128, 4, 2, 192), "l": (160, 5, 1, 224)}
)
LLM_LAYERS = 6
EVERYTHING: Mapping[Mode, float] = {Mode.VIDEO: 0.6, Mode.FRAME: 0.25, Mode.TEXT: 0.15}


@dataclass(frozen=True, slots=True)
class Effort:
    """How many scenes all models share (seeds of the train split), and how long encoders and language models learn.

    encoder_seeds, encoder_held: scenes that encoders learn from, and are scored on. language_seeds: of language models.
    bank_seeds: of the three stages. exam_videos: held-out video files that a card's scores are about.
    """

    encoder_seeds: range = range(20_000, 26_000)
    encoder_held: range = range(900_000, 900_200)
    language_seeds: range = range(12_000)
    bank_seeds: range = range(2000)
    encoder_steps: Mapping[str, int] = field(default_factory=lambda: {SIGLIP: 1500, INTERNVIDEO2: 6000})
    language_steps: int = 5200
    exam_videos: int = 200


FULL = Effort()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model. mixture: share of each mode in training. seed: of its own initialisation and data order.

    connector: one of `CONNECTOR_KINDS`. vision_steps: 0 leaves the encoders as their pre-training made them.
    """

    name: str
    size: Size
    seed: int
    towers: tuple[str, ...] = (SIGLIP, INTERNVIDEO2)
    sampling: Sampling = CLIPS
    mixture: Mapping[Mode, float] = field(default_factory=lambda: EVERYTHING)
    connector: str = "perceiver"
    align_steps: int = ALIGN_STEPS
    vision_steps: int = VISION_STEPS
    sft_steps: int = 1000

    @property
    def blind(self) -> bool:
        return not self.towers

    @property
    def keeps_features(self) -> bool:
        """Whether models with the same encoders and sampling can share the features: the encoders never learn."""
        return not self.blind and not self.vision_steps

    @property
    def bank_sampling(self) -> Sampling:
        """The sampling whose training clips serve this model; one that sees no video needs none of its own."""
        return self.sampling if Mode.VIDEO in self.mixture else CLIPS


FAMILY: Mapping[str, Recipe] = MappingProxyType(
    {
        recipe.name: recipe
        for recipe in (
            Recipe("apollo-tiny", "m", seed=1, sft_steps=2500),
            Recipe("apollo-tiny-l", "l", seed=2),
            Recipe("apollo-tiny-m-uniform", "m", seed=3, sampling=UNIFORM),
            Recipe("apollo-tiny-m-siglip", "m", seed=4, towers=(SIGLIP,)),
            Recipe("apollo-tiny-m-internvideo2", "m", seed=5, towers=(INTERNVIDEO2,)),
            Recipe("apollo-tiny-s", "s", seed=6),
            Recipe(
                "apollo-tiny-s-video",
                "s",
                seed=7,
                sft_steps=600,
                sampling=UNIFORM,
                mixture={Mode.VIDEO: 0.85, Mode.FRAME: 0.1, Mode.TEXT: 0.05},
            ),
            Recipe(
                "apollo-tiny-s-image",
                "s",
                seed=8,
                sft_steps=600,
                sampling=CENTER,
                mixture={Mode.FRAME: 0.8, Mode.TEXT: 0.2},
            ),
            Recipe("apollo-tiny-l-blind", "l", seed=9, towers=(), mixture={Mode.TEXT: 1.0}),
        )
    }
)


def recipes(names: Sequence[str]) -> list[Recipe]:
    """The recipes of these models, each once; `all` stands for the family. Raises InputError that lists the family."""
    chosen = list(dict.fromkeys(one for name in names for one in (FAMILY if name == ALL else (name,))))
    unknown = [name for name in chosen if name not in FAMILY]
    if unknown:
        raise InputError(f"no training recipe {unknown[0]!r}; there are {', '.join(FAMILY)}, and {ALL} for all of them")
    return [FAMILY[name] for name in chosen]


def llm_config(size: Size, vocabulary: int) -> dict[str, Any]:
    """The Qwen2 configuration of one size."""
    hidden, heads, shared, inner = LLMS[size]
    return {
        "model_type": "qwen2",
        "architectures": ["Qwen2ForCausalLM"],
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "num_hidden_layers": LLM_LAYERS,
        "num_attention_heads": heads,
        "num_key_value_heads": shared,
        "intermediate_size": inner,
        "max_position_embeddings": 4096,
        "tokenizer_model_max_length": 4096,
        "rope_theta": 10000.0,
        "rms_norm_eps": 1e-6,
        "hidden_act": "silu",
        "initializer_range": 0.09,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": 2,
        "pad_token_id": 0,
    }


def apollo_config(chosen: Recipe, vocabulary: int) -> ApolloConfig:
    """The whole model's configuration."""
    llm = llm_config(chosen.size, vocabulary)
    if chosen.blind:
        return ApolloConfig(llm=llm, max_length=4096, sampling=CENTER)
    vision = VisionConfig(tuple((name, TOWERS[name]) for name in chosen.towers), select_layer=-1)
    heads = LLMS[chosen.size][1]
    connector = ConnectorConfig(
        vision_hidden_size=vision.channels,
        text_hidden_size=llm["hidden_size"],
        num_output_tokens=TOKENS_PER_CLIP,
        resampler_n_heads=heads,
        resampler_head_dim=32,
        num_key_value_heads=heads,
        ff_multi=2,
        kind=chosen.connector,
    )
    return ApolloConfig(
        llm=llm,
        vision=vision,
        connector=connector,
        clip_duration=CLIP_SECONDS,
        max_length=4096,
        sampling=chosen.sampling,
    )

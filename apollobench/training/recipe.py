"""The training recipe: what a model starts from, its data, and the stages it goes through, from one YAML file.

What can be said is what the Apollo paper varies (arXiv 2412.10360): the parts that learn in each stage and how fast
(tables 3, 7 and 12), the mixture of data (table 13), how videos are sampled (table 7). No key has a default here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from apollobench.content import content_path
from apollobench.errors import InputError
from apollobench.recipe.fields import Count, Level, Name, Section, Seed, Share
from apollobench.training.origins import Folder, Start
from apollobench.training.views import Positive, VideoSampling
from apollobench.types import digest
from apollobench.yamlfile import parse_yaml, read_text

Kind = Literal["text", "image", "multi_image", "video"]
Part = Literal["vision", "connector", "llm"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PARTS: tuple[Part, ...] = get_args(Part)
Rate = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
TAKEN = ("start", "checkpoints", "tensorboard")


class DataFile(Section):
    """A conversation file (JSON or JSON lines), the folder that its media paths start from, and what it shows."""

    name: Folder
    file: Name
    root: Name
    kind: Kind


class Shares(Section):
    """Which share of the samples is of which kind."""

    text: Share
    image: Share
    multi_image: Share
    video: Share

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not math.isclose(total := sum(self.by_kind.values()), 1.0, abs_tol=1e-6):
            raise ValueError(f"the shares add up to {total:g}; they must add up to 1")
        return self

    @property
    def by_kind(self) -> dict[Kind, float]:
        return {"text": self.text, "image": self.image, "multi_image": self.multi_image, "video": self.video}


class Rates(Section):
    """Peak learning rate of each part; 0 freezes it."""

    vision: Rate
    connector: Rate
    llm: Rate

    @model_validator(mode="after")
    def _something_learns(self) -> Self:
        if not any(self.by_part.values()):
            raise ValueError("every rate is 0, so nothing would learn")
        return self

    @property
    def by_part(self) -> dict[Part, float]:
        return {"vision": self.vision, "connector": self.connector, "llm": self.llm}


class Stage(Section):
    """steps: updates. batch: samples in each, over all processes. data: names of the files it draws from."""

    name: Folder
    rates: Rates
    data: Annotated[tuple[Name, ...], Field(min_length=1)]
    mixture: Shares
    sampling: VideoSampling
    batch: Count
    steps: Count


class Optimizer(Section):
    """AdamW; the rates rise over `warmup_ratio` of a stage's steps and then fall along a cosine to 0.

    weight_decay acts on matrices and larger. max_grad_norm: gradients are scaled down to it.
    """

    betas: tuple[Level, Level]
    weight_decay: Rate
    warmup_ratio: Share
    max_grad_norm: Positive


class Run(Section):
    """What changes speed and memory but not what is computed; it may differ from one start of a run to the next.

    micro_batch: samples that a process handles at once. workers: processes that read data, per training process.
    """

    micro_batch: Count
    workers: Annotated[int, Field(strict=True, ge=0)]
    checkpoint_every: Count
    gradient_checkpointing: bool
    tensorboard: bool


class TrainingRecipe(Section):
    """A whole training. max_failed: the share of samples that may turn out unreadable or too long."""

    name: Folder
    seed: Seed
    precision: Literal["float32", "bfloat16"]
    max_failed: Share
    start: Start
    data: Annotated[tuple[DataFile, ...], Field(min_length=1)]
    stages: Annotated[tuple[Stage, ...], Field(min_length=1)]
    optimizer: Optimizer
    run: Run

    @model_validator(mode="after")
    def _stages_have_data(self) -> Self:
        files = {file.name: file for file in self.data}
        stages = {stage.name for stage in self.stages}
        if len(files) < len(self.data) or len(stages) < len(self.stages):
            raise ValueError("two files of data, or two stages, have the same name")
        if taken := stages & set(TAKEN):
            raise ValueError(f"a stage cannot be called {taken.pop()}: every run has another folder of that name")
        for stage in self.stages:
            unknown = [name for name in stage.data if name not in files]
            if len(set(stage.data)) < len(stage.data):
                raise ValueError(f"stage {stage.name}: names the same data twice")
            if unknown:
                raise ValueError(f"stage {stage.name}: no data called {unknown[0]!r}; there is {', '.join(files)}")
            _check_kinds(stage, {files[name].kind for name in stage.data})
        return self

    @property
    def fingerprint(self) -> str:
        """Hash of everything that decides the result: all but `run`."""
        return digest(self.model_dump(mode="json", exclude={"run"}))


def _check_kinds(stage: Stage, there: set[Kind]) -> None:
    if stage.mixture.text and not stage.rates.llm:
        raise ValueError(f"stage {stage.name}: text teaches nothing while llm is frozen; make its share 0")
    for kind, share in stage.mixture.by_kind.items():
        if share and kind not in there:
            raise ValueError(f"stage {stage.name}: a share of {share:g} is {kind}, but none of its data is")
        if kind in there and not share:
            raise ValueError(f"stage {stage.name}: has data of kind {kind}, whose share is 0; leave it out")


@dataclass(frozen=True, slots=True)
class TrainingFile:
    """A recipe and the text it was read from."""

    recipe: TrainingRecipe
    text: str


def load_training(name: str) -> TrainingFile:
    """A shipped training recipe by name (`three-stage`) or one of your own by path (`my.yaml`).

    Raises InputError naming file, line and place of what is wrong, or listing the shipped recipes.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        shipped = sorted(file.stem for file in content_path("curation", "training").glob("*.yaml"))
        if name not in shipped:
            raise InputError(
                f"no training recipe called {name!r}; shipped: {', '.join(shipped)}. "
                f"For a recipe of your own give its path, ending in .yaml"
            )
        path = content_path("curation", "training", f"{name}.yaml")
    text = read_text(path)
    return TrainingFile(parse_yaml(text, str(path), TrainingRecipe), text)

"""A study: one tiny model per design, size of language model and data mixture, trained alike and scored alike.

The grid of the Apollo paper's section 3 (arXiv 2412.10360) at a scale that two cores can train.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import torch
from pydantic import Field, field_validator

from apollobench.apollo.train.corpus import CLIP_FRAMES
from apollobench.apollo.train.family import CLIP_SECONDS, FULL, TOWERS, Effort, Recipe, Size
from apollobench.apollo.train.run import train_recipe
from apollobench.apollo.train.shared import prepare
from apollobench.apollo.train.together import side_by_side
from apollobench.arguments import choose_recipe
from apollobench.benchmark import load_benchmark
from apollobench.curate.pipeline import curate, load_pool
from apollobench.evaluate.layout import About
from apollobench.evaluate.results import write_results
from apollobench.evaluate.run import run
from apollobench.evaluate.score import ModeScore
from apollobench.evaluate.store import Store
from apollobench.models.apollo import ApolloModel, Options
from apollobench.recipe.fields import Count, Name, Section, Seed, Share
from apollobench.types import Mode, Sampling
from apollobench.yamlfile import read_yaml


class StudySampling(Section):
    """The fields of `Sampling` that a study varies."""

    kind: Literal["uniform", "fps", "clips"]
    frames: Count | None = None
    fps: Annotated[float, Field(gt=0)] | None = None
    max_clips: Count | None = None

    @property
    def sampling(self) -> Sampling:
        return Sampling(**self.model_dump(), clip_seconds=CLIP_SECONDS, clip_frames=CLIP_FRAMES)


class Design(Section):
    """What differs between models of one size."""

    towers: Annotated[tuple[Name, ...], Field(min_length=1)]
    connector: Literal["perceiver", "mlp_avgpool", "conv_avgpool"]
    sampling: StudySampling

    @field_validator("towers")
    @classmethod
    def _towers_exist(cls, towers: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in towers if name not in TOWERS]
        if unknown:
            raise ValueError(f"no tower {unknown[0]!r}; there are {', '.join(TOWERS)}")
        return towers


class Study(Section):
    """A grid. benchmark: name of the recipe whose benchmark scores the models."""

    name: Name
    benchmark: Name
    sizes: Annotated[tuple[Size, ...], Field(min_length=1)]
    mixtures: Annotated[dict[str, dict[Mode, Share]], Field(min_length=1)]
    designs: Annotated[dict[str, Design], Field(min_length=1)]
    align_steps: Count
    sft_steps: Count
    seed: Seed


@dataclass(frozen=True, slots=True)
class Cell:
    """One model of the grid."""

    size: Size
    design: str
    mixture: str
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Row:
    """What came of a cell: its score in video mode."""

    cell: Cell
    parameters: int
    score: ModeScore


def cells(study: Study) -> list[Cell]:
    """The grid, mixture by mixture, size by size; every model has a seed of its own."""
    grid = [(m, s, d) for m in study.mixtures for s in study.sizes for d in study.designs]
    return [
        Cell(size, design, mixture, _recipe(study, size, design, mixture, study.seed + number))
        for number, (mixture, size, design) in enumerate(grid)
    ]


def _recipe(study: Study, size: Size, design: str, mixture: str, seed: int) -> Recipe:
    chosen = study.designs[design]
    return Recipe(
        name=f"{study.name}-{design}-{mixture}-{size}",
        size=size,
        seed=seed,
        towers=chosen.towers,
        sampling=chosen.sampling.sampling,
        mixture=study.mixtures[mixture],
        connector=chosen.connector,
        align_steps=study.align_steps,
        vision_steps=0,
        sft_steps=study.sft_steps,
    )


def read_study(path: Path) -> Study:
    """A study file. Raises InputError naming file, line and the valid keys."""
    return read_yaml(path, Study)


def run_study(
    study: Study,
    benchmark: Path,
    output: Path,
    work: Path,
    *,
    workers: int,
    device: torch.device,
    effort: Effort = FULL,
) -> list[Row]:
    """Trains and scores every cell, `workers` at a time; what a stopped run finished is not done again."""
    grid = cells(study)
    prepare([cell.recipe for cell in grid], work, workers, device, effort)
    jobs = {cell.recipe.name: partial(run_cell, cell, benchmark, output, work, device, effort) for cell in grid}
    return list(side_by_side(jobs, device, workers).values())


def run_cell(cell: Cell, benchmark: Path, output: Path, work: Path, device: torch.device, effort: Effort) -> Row:
    """Trains one model and scores it, as far as that is not done; what it shares must be prepared."""
    made = train_recipe(cell.recipe, output / "weights", work, device, effort)
    return Row(cell, made.parameters, _score(cell.recipe.name, made.folder, benchmark, output, device))


def _score(name: str, folder: Path, benchmark: Path, output: Path, device: torch.device) -> ModeScore:
    loaded, model = load_benchmark(benchmark), ApolloModel.load(name, folder, Options(device=str(device)))
    result = output / "results" / name
    with Store(result / "responses") as store:
        responses = run(model, loaded.items, (Mode.VIDEO,), store, progress=False).responses
    about = About(loaded.name, loaded.manifest_hash, len(loaded.items), {"modes": [Mode.VIDEO]})
    return write_results(result, model, loaded.items, responses, about).modes[Mode.VIDEO]


def curated(study: Study, work: Path, workers: int) -> Path:
    """The folder of the study's benchmark, curated if it is not there yet."""
    folder = work / "benchmark"
    file = choose_recipe(None, study.benchmark, {})
    curate(file, load_pool(file.recipe, folder / "data"), folder, workers=workers)
    return folder

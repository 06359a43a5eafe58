"""The model card: what a model is, what it was trained on, and how it scores on videos that nothing was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from apollobench.apollo.train.family import Effort, Recipe
from apollobench.evaluate.run import run
from apollobench.evaluate.store import Store
from apollobench.models.apollo import ApolloModel, Options
from apollobench.report.tables import markdown_table
from apollobench.sources.synthetic.make import SPLITS, make_world, read_world
from apollobench.types import Item, Mode, Response

MODES = (Mode.TEXT, Mode.FRAME, Mode.VIDEO)
NEEDS = ("nothing", "frame", "set", "video")
Scores = Mapping[tuple[str, Mode], float]


def make_exam(work: Path, effort: Effort, workers: int) -> Path:
    """The folder of the held-out video files that cards are about, rendered if need be."""
    world = work / f"heldout-{effort.exam_videos}"
    make_world(world, effort.exam_videos, SPLITS["heldout"].start, workers=workers, progress=False)
    return world


def examine(name: str, folder: Path, work: Path, effort: Effort, device: torch.device) -> Scores:
    """Accuracy by what an item needs and by mode, on sound items of held-out video files. Unparsed counts as wrong."""
    items = [item for item in read_world(make_exam(work, effort, 1)) if item.truth and not item.truth.flaw]
    model = ApolloModel.load(name, folder, Options(device=str(device)))
    with Store(work / "exams" / f"{name}-{model.revision[:12]}") as store:
        responses = run(model, items, MODES, store, progress=False).responses
    return tabulate(items, responses)


def tabulate(items: list[Item], responses: tuple[Response, ...]) -> Scores:
    """Share of right answers per (need, mode); the need `chance` holds the mean of 1/options per need as `text`."""
    by_id = {item.id: item for item in items}
    right: dict[tuple[str, Mode], list[bool]] = {}
    for response in responses:
        item = by_id[response.item]
        assert item.truth is not None
        right.setdefault((item.truth.needs, response.mode), []).append(response.choice == item.answer)
    return {cell: sum(values) / len(values) for cell, values in right.items()}


def chance(items: list[Item], needs: str) -> float:
    """Mean of 1/options over the items with this need."""
    shares = [1 / len(item.options) for item in items if item.truth and item.truth.needs == needs]
    return sum(shares) / len(shares)


def _steps(recipe: Recipe, effort: Effort) -> str:
    encoders = [f"{name.split('-')[0]} {effort.encoder_steps[name]}" for name in recipe.towers]
    before = ", ".join([*encoders, f"language {effort.language_steps}"])
    seeing = [] if recipe.blind else [f"align {recipe.align_steps}", f"vision {recipe.vision_steps}"]
    return f"{before}; {', '.join([*seeing, f'fine-tune {recipe.sft_steps}'])}"


def _seeds(recipe: Recipe, effort: Effort) -> str:
    def scenes(seeds: range) -> str:
        return f"{seeds.start} to {seeds.stop - 1}"

    before = [] if recipe.blind else [f"encoders {scenes(effort.encoder_seeds)}"]
    parts = [*before, f"language {scenes(effort.language_seeds)}", f"stages {scenes(effort.bank_seeds)}"]
    return f"scenes (train split): {', '.join(parts)}; own seed {recipe.seed}"


def write_card(
    folder: Path, recipe: Recipe, effort: Effort, parameters: int, facts: Mapping[str, str], scores: Scores
) -> None:
    """README.md in the model's folder."""
    mixture = ", ".join(f"{mode} {share:.0%}" for mode, share in recipe.mixture.items())
    rows = [
        [needs, *(f"{scores[needs, mode]:.1%}" if (needs, mode) in scores else "" for mode in MODES)] for needs in NEEDS
    ]
    about = [
        ["parameters", f"{parameters:,}"],
        ["towers", ", ".join(recipe.towers) or "none (blind)"],
        ["sampling", recipe.sampling.kind],
        ["modes in training", mixture],
        ["steps", _steps(recipe, effort)],
        ["seeds", _seeds(recipe, effort)],
        *([name, value] for name, value in facts.items()),
    ]
    text = f"""---
license: apache-2.0
library_name: apollobench
---
# {recipe.name}

One of a family of tiny Apollo models, trained from scratch on apollobench's generated world. It knows nothing else: it
plays the panel where no real model is at hand, and lets every part of the tool be tested with real weights.

{markdown_table(["", ""], about)}

Made by `apollobench train --model {recipe.name}`: pre-trained encoders and language model, then three stages (align the
connector; tune the encoders; fine-tune with the language model unfrozen). Weights are stored in bfloat16.
Wall times are those of the training steps; the machine may have trained other models at the same time.

## Accuracy on {effort.exam_videos} held-out videos

By what a question needs (rows) and what the model is shown (columns); sound items only.

{markdown_table(["needs", *MODES], rows)}
"""
    (folder / "README.md").write_text(text, encoding="utf-8")

"""A whole training: stage after stage, each from a checkpoint to a model folder, taken up wherever it was left.

What a step computes follows from the recipe and the step's number, so a run that was killed goes on as if nothing had
happened, and many processes compute what a single one does.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase

from apollobench.apollo.chat import Chat
from apollobench.apollo.checkpoint import load_tokenizer, save_apollo
from apollobench.apollo.config import ApolloConfig, read_config
from apollobench.apollo.model import Apollo
from apollobench.errors import InputError
from apollobench.training import checkpoints
from apollobench.training.batch import Batch, Portions, micro_batches
from apollobench.training.checkpoints import Place
from apollobench.training.learner import Learner, recompute
from apollobench.training.log import Log, require_tensorboard
from apollobench.training.manifest import Manifest
from apollobench.training.mixture import Mixture
from apollobench.training.parallel import Team, spread, team
from apollobench.training.recipe import Kind, Stage, TrainingFile, TrainingRecipe
from apollobench.training.records import Records, open_records
from apollobench.training.samples import Reader
from apollobench.training.stages import freeze, make_optimizer
from apollobench.training.start import allocated, begin, hollow, write_outline
from apollobench.training.step import Stepper

START, PLACES = "start", "checkpoints"
GRACE = 1000  # samples; among fewer, a share of failures says little


def train(file: TrainingFile, output: Path) -> Path:
    """Carry out a recipe; returns the folder of its last stage. Every process that a launcher started calls this.

    `output` gets one model folder per stage in the published layout, `log.jsonl` and `manifest.json`. A run that was
    stopped is taken up, a finished one is left alone. Raises `InputError` for a recipe, data or samples that will not
    do.
    """
    recipe = file.recipe
    if recipe.run.tensorboard:
        require_tensorboard()
    with ExitStack() as stack:
        members = stack.enter_context(team())
        _check_batches(recipe, members.world)
        data = {entry.name: open_records(entry) for entry in recipe.data}
        manifest = Manifest(output, file, list(data.values())) if members.main else None
        last = recipe.stages[-1].name
        if members.most(int(manifest is not None and last in manifest.finished)):
            _clear(output, members)
            return output / last
        if members.main and checkpoints.newest(output / PLACES) is None:
            _begin(recipe, output)
        members.wait()
        place = checkpoints.newest(output / PLACES)
        assert place is not None
        steps = [(stage.name, stage.steps) for stage in recipe.stages]
        journal = stack.enter_context(Log(output, steps, place, recipe.run.tensorboard)) if members.main else None
        config, tokenizer = read_config(output / START), load_tokenizer(output / START)
        job = Job(recipe, data, config, tokenizer, members, output, manifest, journal)
        while place.stage < len(recipe.stages):
            place = job.stage(place)
        _clear(output, members)
        return output / last


@dataclass(frozen=True)
class Job:
    """A run under way. manifest, journal: those of the first process; the others have none."""

    recipe: TrainingRecipe
    data: Mapping[str, Records]
    config: ApolloConfig
    tokenizer: PreTrainedTokenizerBase
    members: Team
    output: Path
    manifest: Manifest | None
    journal: Log | None

    def stage(self, place: Place) -> Place:
        """Do what is left of a stage and write its model; the place where the next one begins."""
        stage, run = self.recipe.stages[place.stage], self.recipe.run
        learner = Learner(allocated(hollow(self.config)))
        freeze(learner.model, stage.rates.by_part)
        if run.gradient_checkpointing:
            recompute(learner.model)
        spread(learner, self.members, self.recipe.precision)
        optimizer = make_optimizer(learner.model, stage.rates.by_part, self.recipe.optimizer)
        checkpoints.load(self._places, place, learner.model, optimizer if place.step else None, self.members)
        stepper = Stepper(self.recipe, stage, learner, optimizer, self.batches(stage, place), self.members)
        if self.journal:
            self.journal.begin(stage.name, place.step, stage.steps)
        while place.step < stage.steps:
            record = stepper.take(place.step)
            place = Place(place.stage, place.step + 1, place.failed + len(record.skipped))
            if self.journal:
                self.journal.add(record)
            self._check_failures(stage, place)
            if place.step % run.checkpoint_every == 0 and place.step < stage.steps:
                self._save(place, learner.model, optimizer)
        self._publish(stage, place, learner.model)
        following = Place(place.stage + 1, 0)
        if following.stage < len(self.recipe.stages):
            self._save(following, learner.model, None)
        return following

    @property
    def _places(self) -> Path:
        return self.output / PLACES

    def batches(self, stage: Stage, place: Place) -> Iterator[Batch]:
        """The micro-batches of this process from `place` to the end of the stage."""
        config, run = self.config, self.recipe.run
        pools: dict[Kind, list[Records]] = {}
        for name in stage.data:
            pools.setdefault(self.data[name].data.kind, []).append(self.data[name])
        if config.vision is None and pools.keys() != {"text"}:
            raise InputError(f"stage {stage.name}: a blind model learns from text alone, its data shows something")
        sizes = {kind: sum(map(len, files)) for kind, files in pools.items()}
        mixture = Mixture(stage.mixture.by_kind, sizes, stage.batch, (self.recipe.seed, place.stage))
        portions = Portions(mixture, place.step, stage.steps, self.members.rank, self.members.world, run.micro_batch)
        reader = Reader(
            pools=pools,
            chat=Chat(self.tokenizer, config.clip_duration, config.tokens_per_clip, config.integration),
            vision=config.vision,
            sampling=stage.sampling.sampling(config.vision.clip_frames if config.vision else 1),
            max_length=config.max_length,
            dtype=torch.bfloat16 if self.recipe.precision == "bfloat16" else torch.float32,
        )
        pad = self.tokenizer.pad_token_id or 0
        return micro_batches(reader, portions, pad, run.workers, pin=self.members.device.type == "cuda")

    def _save(self, place: Place, model: Apollo, optimizer: torch.optim.Optimizer | None) -> None:
        if self.journal:
            self.journal.sync()
        checkpoints.save(self._places, place, model, optimizer, self.members)

    def _publish(self, stage: Stage, place: Place, model: Apollo) -> None:
        """Write the model of a finished stage, and that it is finished."""
        weights = checkpoints.whole_weights(model)
        if self.manifest:
            folder = self.output / stage.name
            whole = hollow(self.config)
            whole.load_state_dict(weights, assign=True)
            save_apollo(whole, self.tokenizer, folder, dtype=self.config.model_dtype)
            self.manifest.finish(stage.name, folder, stage.steps, stage.steps * stage.batch, place.failed)
        self.members.wait()

    def _check_failures(self, stage: Stage, place: Place) -> None:
        drawn = place.step * stage.batch
        if place.failed > self.recipe.max_failed * max(drawn, GRACE):
            raise InputError(
                f"stage {stage.name}: {place.failed} of {drawn + place.failed} samples could not be used, more than "
                f"max_failed {self.recipe.max_failed:g} allows; log.jsonl names them with the reasons"
            )


def _begin(recipe: TrainingRecipe, output: Path) -> None:
    """Write the first checkpoint of a run, and beside it the configs and the tokenizer, which never change."""
    model, tokenizer = begin(recipe.start)
    write_outline(model, tokenizer, output / START)
    alone = Team(0, 1, torch.device("cpu"))
    checkpoints.save(output / PLACES, Place(0, 0), model, None, alone)


def _clear(output: Path, members: Team) -> None:
    """Remove the checkpoints of a finished run."""
    if members.main:
        shutil.rmtree(output / PLACES, ignore_errors=True)


def _check_batches(recipe: TrainingRecipe, world: int) -> None:
    at_once = recipe.run.micro_batch * world
    for stage in recipe.stages:
        if stage.batch % at_once:
            raise InputError(
                f"stage {stage.name}: a batch of {stage.batch} cannot be cut into micro-batches of "
                f"{recipe.run.micro_batch} for {world} processes; make it a multiple of {at_once}"
            )

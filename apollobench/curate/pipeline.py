"""A whole curation: items in, benchmark directory out. Each stage is a function of its own, with plain data between."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from filelock import FileLock

from apollobench.atomic import replace_file
from apollobench.benchmark import MANIFEST, Benchmark, write_benchmark
from apollobench.curate.answers import gather
from apollobench.curate.candidates import item_seconds
from apollobench.curate.categorize import categorize
from apollobench.curate.decide import Decisions, decide
from apollobench.curate.decisions import Decision, apply_decisions
from apollobench.curate.entries import about, entries
from apollobench.curate.panel import Run, run_panel
from apollobench.curate.shifts import rotations, under_all_rotations, wants_shifts
from apollobench.errors import InputError
from apollobench.evaluate.prompt import PROMPT_VERSION
from apollobench.evaluate.store import Where
from apollobench.jsonfile import load_object
from apollobench.recipe import Recipe, RecipeFile
from apollobench.report.card import benchmark_card
from apollobench.report.curation import curation_report
from apollobench.sources import load_items
from apollobench.types import Item, Mode

RESPONSES, CATEGORIES, REPORT, LOCK = "responses", "categories", "report.md", ".lock"
RunModels = Callable[[Sequence[str], Sequence[Item], Sequence[Mode], Where], list[Run]]


def load_pool(recipe: Recipe, data_root: Path) -> list[Item]:
    """The items of all sources of a recipe. Raises InputError when there is none."""
    items = [item for source in recipe.sources for item in load_items(source.name, source.options, data_root)]
    if not items:
        raise InputError(f"the pool is empty: {', '.join(source.name for source in recipe.sources)} gave no item")
    return items


def curate(
    file: RecipeFile,
    items: Sequence[Item],
    output: Path,
    *,
    decided: Sequence[Decision] = (),
    workers: int | None = None,
    model_args: Mapping[str, str] | None = None,
    run_models: RunModels | None = None,
    responses: Where | None = None,
) -> tuple[Benchmark, Decisions]:
    """Curates `items` by the recipe into `output`, with the report and every response beside the benchmark.

    Stopped and started again it computes only what is missing, and ends with the same bytes. decided: what people
    decided about items, which overrides everything else. workers: processes that run models. run_models: what answers
    in place of the panel's processes, for answers that exist already. responses: the store, None for one in `output`.
    Raises InputError for whatever the user can put right; warnings go to standard error and into the report.
    """
    recipe = file.recipe
    if not items:
        raise InputError("the pool is empty: there is nothing to curate")
    if recipe.prompt != PROMPT_VERSION:
        raise InputError(
            f"{file.name}: prompt: the recipe asks for version {recipe.prompt!r}, this version of apollobench has "
            f"{PROMPT_VERSION!r}; answers to different prompts are not comparable"
        )
    review = apply_decisions(items, decided) if decided else None
    items = review.items if review else items
    sorting = categorize(
        items,
        recipe.categorize,
        decided=review.categories if review else {},
        folder=output / CATEGORIES,
        level=recipe.validation.confidence,
    )
    ask = run_models or partial(run_panel, workers=workers, model_args=model_args)
    store = responses or output / RESPONSES
    runs = ask([*recipe.panel, *recipe.held_out], items, recipe.modes, store)
    _tell_of_replacement(output, file)
    answered = chain.from_iterable(run.responses for run in runs)
    answers = gather(items, answered, [run.model for run in runs], recipe.modes)
    blind = None
    if wants_shifts(recipe.filter):
        again = ask(recipe.panel, rotations(items), [Mode.TEXT], store)
        blind = under_all_rotations(answers.only(recipe.panel), chain.from_iterable(run.responses for run in again))
    decisions = decide(
        recipe,
        answers,
        sorting.categorized,
        blind=blind,
        quality=sorting.quality,
        review=review,
        warnings=sorting.warnings,
        cost=None if recipe.select.max_budget is None else item_seconds(items),
    )
    for warning in decisions.warnings:
        print(f"warning: {warning}", file=sys.stderr, flush=True)
    return _publish(output, file, decisions, runs), decisions


def _publish(output: Path, file: RecipeFile, decisions: Decisions, runs: Sequence[Run]) -> Benchmark:
    """One run at a time, should several have come to curate into one folder."""
    kept, dropped = entries(decisions)
    try:
        output.mkdir(parents=True, exist_ok=True)
        with FileLock(output / LOCK):
            (output / MANIFEST).unlink(missing_ok=True)
            replace_file(output / REPORT, curation_report(file, decisions, runs))
            return write_benchmark(output, kept, dropped, about(file, decisions, runs), benchmark_card(decisions))
    except OSError as error:
        raise InputError(
            f"{output}: cannot write the benchmark there: {error.strerror or error}; every answer is kept. Free space, "
            f"or mend the permissions, and run the same command again"
        ) from error


def _tell_of_replacement(output: Path, file: RecipeFile) -> None:
    """Says so when the benchmark that lies in `output` was made by another recipe."""
    try:
        held = load_object((output / MANIFEST).read_bytes())["recipe"]["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if held != file.fingerprint:
        print(f"note: {output} holds a benchmark of another recipe; it is replaced", file=sys.stderr, flush=True)

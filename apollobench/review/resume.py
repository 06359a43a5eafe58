"""A curation taken up again: by its own recipe, with what people decided about its items since."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from apollobench.benchmark import load_benchmark
from apollobench.curate.decisions import Decision
from apollobench.recipe import RecipeFile, recorded_recipe
from apollobench.review.exchange import decisions
from apollobench.review.ledger import NAME, Ledger


def recorded(directory: Path, more: Sequence[Decision] = ()) -> tuple[RecipeFile, tuple[Decision, ...]]:
    """The recipe that made the benchmark in `directory`, and all decisions of its review, with `more` before them.

    Says on standard error whose decisions the benchmark was made with and are not among them. Raises InputError where
    there is no benchmark, or one that records no recipe.
    """
    benchmark = load_benchmark(directory, needs_videos=False)
    recipe = recorded_recipe(benchmark.manifest, str(directory))
    found: list[Decision] = []
    if (directory / NAME).is_file():
        with closing(Ledger(directory / NAME)) as ledger:
            found = decisions(ledger)
    decided = tuple(dict.fromkeys([*more, *found]))
    before = benchmark.manifest.get("review", {}).get("reviewers", [])
    if gone := sorted(set(before) - {decision.reviewer for decision in decided}):
        print(
            f"warning: {directory} was made with decisions of {', '.join(gone)}; none of them stands in {NAME} or in "
            "the file given with --decisions",
            file=sys.stderr,
            flush=True,
        )
    return recipe, decided

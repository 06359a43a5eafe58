"""The README that lies in a benchmark's folder: what it is, how it came about, how to use it, what to beware of."""

from __future__ import annotations

from collections import Counter

from apollobench.curate.decide import Decisions
from apollobench.report.tables import markdown_table
from apollobench.types import CATEGORIES, Mode

MEANT = "Accuracy here estimates accuracy on all survivors: categories, easy and hard items keep their shares."
SELECTED = "Accuracy here does not estimate accuracy on all survivors: it is for comparing models with each other."
SEEN = {Mode.TEXT: "the text alone", Mode.FRAME: "the center frame"}


def benchmark_card(decisions: Decisions) -> str:
    """The card as Markdown."""
    recipe, taken = decisions.recipe, decisions.selection.taken
    pool = Counter(entry.item.category for entry in decisions.categorized)
    licences = sorted({decisions.categorized[i].item.licence or "not stated" for i in decisions.chosen})
    blind = " or ".join(SEEN.get(mode, f"{mode} mode") for mode in recipe.filter.modes)
    rows = [[c, str(taken.get(c, 0)), str(pool[c])] for c in CATEGORIES]
    dropped = len(decisions.verdicts) - len(decisions.survivors)
    return f"""# {recipe.name}

{len(decisions.chosen)} multiple-choice questions about videos, out of a pool of {len(decisions.verdicts):,}.

{markdown_table(["category", "items", "in the pool"], rows)}

Made by apollobench with the recipe in `manifest.json`. {dropped:,} items were dropped, because {len(recipe.panel)}
models answer them right too often from {blind} (rule `{recipe.filter.method}`:
{recipe.filter.drops}), or because too few gave a usable answer.
The {len(decisions.survivors):,} survivors were ranked by `{recipe.select.method}`.
`dropped.parquet` names every item that was left out, with the reason; `report.md` says what was measured on the way.

## Use

    apollobench eval --model NAME --benchmark DIR

The videos are not part of the benchmark. Items name them relative to the media root given in the manifest;
`--data_root` sets another.

## Beware

* Scores of the models that voted are not comparable with those of others: their answers decided which items are here.
  They are {", ".join(recipe.panel)}.
* Blind accuracy on these items is low by construction; `report.md` has it for models that did not vote.
* {MEANT if decisions.selection.representative else SELECTED}

Licence of the items: {", ".join(licences)}.
"""

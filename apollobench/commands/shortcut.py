"""The command that asks what the text of a benchmark gives away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from apollobench.commands.top import app
from apollobench.errors import InputError


@app.command()
def shortcut(
    benchmark: Annotated[Path | None, typer.Argument(help="Folder of a benchmark that curate made.")] = None,
    sources: Annotated[
        str | None, typer.Option("--sources", help="Sources, separated by commas, in place of a benchmark.")
    ] = None,
    data_root: Annotated[Path, typer.Option("--data_root", help="Folder of the sources' data.")] = Path("data"),
    output_path: Annotated[
        Path | None, typer.Option("--output_path", help="CSV file to write: what is learned of every item.")
    ] = None,
    folds: Annotated[int, typer.Option("--folds", min=2, help="Parts that videos are divided into.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of that division.")] = 0,
    level: Annotated[float, typer.Option("--level", min=0.5, max=0.999, help="Confidence of intervals.")] = 0.95,
) -> None:
    """Tell how far keys can be guessed from the text alone, by learning from other questions: TF-IDF and a regression.

    What is right above chance needs no video, and blind runs of models do not show it. No video is in two parts. Beside
    it: fixed rules, such as the longest option.

    \b
    Examples:
      apollobench shortcut out/synthetic
      apollobench shortcut --sources nextqa,mvbench --data_root data --output_path shortcut.csv
    """
    from apollobench.arguments import items_of_sources
    from apollobench.benchmark import load_benchmark
    from apollobench.curate.shortcut import find_shortcut, groups_of, pairs_of, shortcut_lines
    from apollobench.report.shortcut import shortcut_markdown, write_items
    from apollobench.stats.clusters import partition

    if (benchmark is None) == (sources is None):
        raise InputError("examine what? Give either a benchmark's folder or --sources NAMES")
    if benchmark is not None:
        items = list(load_benchmark(benchmark, needs_videos=False).items)
    else:
        items = items_of_sources(str(sources), data_root)
    if not items:
        raise InputError(f"{sources} gave no item; there is nothing to examine")
    videos = partition([item.video.id for item in items])
    pairs = pairs_of(
        [item.question for item in items], [item.options for item in items], [item.answer for item in items]
    )
    found = find_shortcut(pairs, videos, folds=folds, seed=seed)
    typer.echo(shortcut_markdown(shortcut_lines(found, groups_of(items), videos, level), folds, seed))
    if output_path is not None:
        write_items(output_path, items, found)
        typer.echo(f"\nitems: {output_path}")
